"""The exceptions a caller of our own API can meet.

ReveniumMiddlewareError
└── ConfigurationError (also a ValueError): a key or address we were given by hand breaks its rule
"""

from __future__ import annotations


class ReveniumMiddlewareError(Exception):
    """Base of what our API raises for bad use. Metered calls never raise it."""


class ConfigurationError(ReveniumMiddlewareError, ValueError):
    """A value passed to our API breaks a rule; the message names the value, the rule and the way out."""
