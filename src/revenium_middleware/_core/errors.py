"""The exceptions a caller of our own API can meet.

ReveniumMiddlewareError
├── ConfigurationError (also a ValueError): a key, an address or an argument we were given by hand breaks its rule
└── MeteringError: something that should have been metered was not, or not yet
    ├── MeteringConnectionError: the metering service did not answer
    └── MeteringStatusError: it answered with an error; has the status and the beginning of the body
"""

from __future__ import annotations

from typing import Optional


class ReveniumMiddlewareError(Exception):
    """Base of what our API raises for bad use. Metered calls never raise it."""


class ConfigurationError(ReveniumMiddlewareError, ValueError):
    """A value passed to our API breaks a rule; the message names the value, the rule and the way out."""


class MeteringError(ReveniumMiddlewareError):
    """A record was not made or not accepted; the text says why, and holds neither keys nor prompts."""


class MeteringConnectionError(MeteringError):
    """The metering service could not be reached, or gave no answer in time."""


class MeteringStatusError(MeteringError):
    """The metering service answered with an error status."""

    def __init__(self, message: str, status: int = 0, body: str = "", retry_after: Optional[float] = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        """The beginning of the answer, keys masked; "" where it was not kept."""
        self.retry_after = retry_after
        """Seconds the service asked to wait; None when it did not say."""
