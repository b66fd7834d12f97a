"""The ``anthropic`` package as a provider."""

from __future__ import annotations

from .._calls.declarations import Provider
from .bedrock import addressed
from .endpoints import ENDPOINTS
from .hosts import host_of, meters

ANTHROPIC_SDK = Provider("anthropic", "anthropic", ENDPOINTS, host_of, meters, addressed=addressed)
