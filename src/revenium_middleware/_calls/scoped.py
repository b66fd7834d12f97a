"""Running something inside a scope, whichever way it is called: now, awaited, or stepped."""

from __future__ import annotations

from inspect import isawaitable
from typing import Any, Awaitable, Callable, Dict, Tuple

from .._core.scope import Scope, current, enter, leave


def calling(function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any], metadata: Any) -> Any:
    """Call ``function`` with ``metadata`` in scope; an awaitable result is awaited in it too."""
    scope = current().with_metadata(metadata)
    token = enter(scope)
    try:
        result = function(*args, **kwargs)
    finally:
        leave(token)
    return awaiting(result, scope) if isawaitable(result) else result


async def awaiting(awaitable: Awaitable[Any], scope: Scope) -> Any:
    token = enter(scope)
    try:
        return await awaitable
    finally:
        leave(token)
