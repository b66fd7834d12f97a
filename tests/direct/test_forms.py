"""The user of a function-hooked SDK sees the same with us as without: types, values, errors, and what is sent."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

pytest.importorskip("ollama", reason="the ollama package is not installed")
pytest.importorskip("fal_client", reason="the fal_client package is not installed")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # of clients without a close

from .forms import FORMS, seen_by  # noqa: E402

RECORDS = {
    "a_stream_that_is_closed": ["CANCELLED"],
    "an_async_stream_that_is_closed": ["CANCELLED"],
    "a_stream_something_is_thrown_into": ["ERROR"],
    "an_async_stream_something_is_thrown_into": ["ERROR"],
    "a_refusal": ["ERROR", "ERROR"],
    "an_error_within_a_stream": ["ERROR"],
    "nobody_there": ["ERROR"],
    "wrong_arguments": [],
    "functions_and_signatures": [],
    "fal_results": [None, None, "END"],
    "fal_refusals": [None],
}
"""How the records of each form end; those that are not named are one that ended by itself."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Any]:
    target: Path = tmp_path_factory.mktemp("alone") / "seen"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.direct.forms", str(target)], env=environment, cwd=str(Path(__file__).parents[2]), stderr=subprocess.PIPE, timeout=180
    )
    assert done.returncode == 0, done.stderr.decode()
    found: Dict[str, Any] = pickle.loads(target.read_bytes())
    return found


@pytest.mark.parametrize("name", sorted(FORMS))
def test_users_see_what_the_sdk_alone_shows(name: str, alone: Dict[str, Any], records: Callable[[], List[Any]]) -> None:
    import revenium_middleware_fal
    import revenium_middleware_ollama

    assert revenium_middleware_ollama.is_initialized() and revenium_middleware_fal.is_initialized()
    assert _same(seen_by(name)) == _same(alone[name])
    assert [record.values.get("stop_reason") for record in records()] == RECORDS.get(name, ["END"])


def _same(seen: Any) -> str:
    """Without identifiers and addresses of the run."""
    import re

    return re.sub(r"req-\w+|http://127[^ '\"]*|0x[0-9a-f]+", "", repr(seen))
