"""The import name for ``revenium_middleware.bedrock``: the very same package."""

from revenium_middleware._core.alias import alias
from revenium_middleware.bedrock import *  # noqa: F403 - what type checkers see

alias(__name__, "revenium_middleware.bedrock")
