"""The ``openai`` package as a provider: what is hooked is the same whichever middleware asks for it."""

from __future__ import annotations

from .._calls.declarations import Provider
from .channels import CHANNELS
from .endpoints import ENDPOINTS
from .hosts import host_of, meters

OPENAI_SDK = Provider("openai", "openai", ENDPOINTS, host_of, meters, CHANNELS)
