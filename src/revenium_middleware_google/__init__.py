"""The import name of the documentation for ``revenium_middleware.google``: the very same package."""

from revenium_middleware._core.alias import alias
from revenium_middleware.google import *  # noqa: F403 - what type checkers see

alias(__name__, "revenium_middleware.google")
