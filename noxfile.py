"""What there is to run: ``python -m nox -l``. Bare ``python -m pip install nox`` is all that it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import List

import nox
import nox.project

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "types", "structure", "tests"]
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False  # a machine without one of them runs the others

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
EXTRAS = [extra for extra in PROJECT["project"]["optional-dependencies"] if extra != "all"]
CORPUS = Path(os.environ.get("REPLAY_CORPUS") or "../shared/corpus")
_AWS = ("boto3==1.34.116", "botocore==1.34.116")
OLDEST = ("openai==1.26.0", "anthropic==0.45.0", "perplexityai==0.20.0", "ollama==0.1.0", "fal-client==0.5.9", *_AWS, "httpx<0.28", "wrapt==1.14.0")
"""The oldest SDKs we support, with what they ran on."""


def _all_of_pyenv() -> None:
    """pyenv's commands exist for every version it has, and fail unless that version is chosen: choose them all."""
    if shutil.which("pyenv") and "PYENV_VERSION" not in os.environ:
        asked = [
            subprocess.run(["pyenv", *words], stdout=subprocess.PIPE, check=False).stdout.decode().split()
            for words in (["version-name"], ["versions", "--bare"])
        ]
        first = asked[0][0].split(":") if asked[0] else []
        os.environ["PYENV_VERSION"] = ":".join(dict.fromkeys(first + asked[1]))


_all_of_pyenv()


def _needs(*groups: str) -> List[str]:
    return [requirement for group in groups for requirement in nox.project.dependency_groups(PROJECT, group)]


def _install(session: nox.Session, *more: str) -> None:
    session.install("-e", ".[all]", *more)


def _versions(session: nox.Session) -> None:
    """One line that says what this session ran with."""
    sdks = ("openai", "anthropic", "google-genai", "perplexityai", "ollama", "fal-client", "boto3")
    names = (*sdks, "httpx", "httpx2", "aiohttp", "pydantic", "wrapt", "genai-prices", "pytest")
    code = "import importlib.metadata as m; have = {d.metadata['Name'].lower().replace('_', '-'): d.version for d in m.distributions()}; "
    session.run("python", "-c", code + "print(', '.join('%%s %%s' %% (n, have[n]) for n in %r if n in have))" % (names,))


def _wheel(session: nox.Session) -> Path:
    """Our wheel, built anew."""
    directory = Path(session.create_tmp()).resolve()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(directory), ".")
    return max(directory.glob("revenium_python_sdk-*.whl"), key=lambda wheel: wheel.stat().st_mtime)


def _pytest(session: nox.Session) -> None:
    """On every core; the tests of one file stay together."""
    session.run("python", "-m", "pytest", "-n", "auto", "--dist", "loadfile", *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job: every example through the real SDKs, the records on screen, checked."""
    _install(session)
    session.run("python", "examples/demo.py")


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite on this interpreter, with the newest SDKs."""
    _install(session, *_needs("tests"))
    _versions(session)
    _pytest(session)


@nox.session(python=PYTHONS, venv_backend="venv")  # virtualenv no longer makes environments for the oldest ones
def matrix(session: nox.Session) -> None:
    """The suite on every supported Python, each with the newest SDKs it can install."""
    _install(session, *_needs("tests"))
    _versions(session)
    _pytest(session)


@nox.session(python=PYTHONS[0], venv_backend="venv")
def oldest(session: nox.Session) -> None:
    """The suite on the oldest Python with the oldest SDKs we support."""
    _install(session, *_needs("tests"), *OLDEST)
    _versions(session)
    _pytest(session)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: errors, imports, complexity, broad excepts, and one way to lay out code."""
    session.install(*_needs("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict: our source; and a file of user code against the built wheel, so that py.typed counts."""
    _install(session, *_needs("types"))
    session.run("mypy")
    user_code = Path("tests/typing/user_code.py").resolve()
    directory = Path(session.create_tmp()).resolve()
    built = _wheel(session)
    session.run("python", "-m", "venv", "--clear", str(directory / "venv"))
    python = _python(directory / "venv")
    session.run(python, "-m", "pip", "install", "--quiet", "%s[all]" % built, external=True)
    with session.chdir(directory):  # away from the checkout: only what was installed counts
        session.run("mypy", "--config-file=", "--strict", "--python-executable", python, str(user_code))


@nox.session
def structure(session: nox.Session) -> None:
    """The floors (import-linter) and the house rules: sizes, who reads the environment, who may catch everything."""
    _install(session, *_needs("lint", "tests"))
    session.run("lint-imports", "--no-logo")
    session.run("python", "-m", "pytest", "tests/structure", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """The suite once more, counting lines and branches."""
    _install(session, *_needs("tests", "coverage"))
    session.run("coverage", "run", "-m", "pytest", "-q", *session.posargs)
    session.run("coverage", "report")


@nox.session
def inventory(session: nox.Session) -> None:
    """The newest SDKs of today: fails when one has a public method that nobody has said what it bills."""
    _install(session, "--upgrade", "--upgrade-strategy", "eager", *_needs("tests"))
    _versions(session)
    session.run("revenium-meter", "coverage", *session.posargs)
    session.run("python", "-m", "pytest", "-q", "tests/coverage/test_inventory.py")


@nox.session
def replay(session: nox.Session) -> None:
    """Recorded exchanges: our own set always, a larger corpus (REPLAY_CORPUS=folder) where there is one."""
    _install(session, *_needs("tests"))
    session.run("python", "-m", "pytest", "tests/replay", env={"REPLAY_CORPUS": str(CORPUS.resolve())})
    driver = CORPUS / "replay.py"
    if not driver.is_file():
        session.warn("no corpus in %s (set REPLAY_CORPUS): its replay was skipped" % CORPUS)
        return
    ledger = Path(session.create_tmp(), "ledger.db").resolve()
    for left in ledger.parent.glob(ledger.name + "*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    files = [str(CORPUS / name) for name in ("openai.jsonl", "azure_openai.jsonl", "compatible.jsonl")]
    sink = ("--sink", "--env", "REVENIUM_LEDGER=%s" % ledger)
    session.run("python", str(driver), "--driver", "openai", "--corpus", *files, "--import", "revenium_middleware_openai", *sink, *session.posargs)
    files = [str(CORPUS / name) for name in ("anthropic.jsonl", "bedrock.jsonl", "vertex.jsonl")]
    metered = ("--import", "revenium_middleware_anthropic", *sink, "--forms", "create,helper,raw")
    session.run("python", str(driver), "--driver", "anthropic", "--corpus", *files, *metered, *session.posargs)
    files = [str(CORPUS / name) for name in ("google.jsonl", "vertex.jsonl")]
    session.run("python", str(driver), "--driver", "google-genai", "--corpus", *files, "--import", "revenium_middleware_google", *sink, *session.posargs)
    session.run("python", str(driver), "--corpus", str(CORPUS / "ollama.jsonl"), "--import", "revenium_middleware_ollama", *sink, *session.posargs)
    metered = ("--import", "revenium_middleware_bedrock", *sink, "--modes", "sync")
    session.run("python", str(driver), "--driver", "boto3", "--corpus", str(CORPUS / "bedrock.jsonl"), *metered, *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """The built wheel in a fresh environment per extra: public names, aliases, and that provider's promised snippet."""
    built = _wheel(session)
    check = Path("tests/packaging/wheel_check.py").resolve()
    directory = Path(session.create_tmp()).resolve()
    for extra in ["", *EXTRAS, "all"]:
        environment = directory / ("venv-" + (extra or "core"))
        session.run("python", "-m", "venv", "--clear", str(environment))
        python = _python(environment)
        session.run(python, "-m", "pip", "install", "--quiet", "%s%s" % (built, "[%s]" % extra if extra else ""), external=True)
        with session.chdir(directory):  # away from the checkout: only what was installed counts
            session.run(python, str(check), extra or "core", external=True, env={"PYTHONPATH": ""})
        shutil.rmtree(str(environment))


@nox.session
def bench(session: nox.Session) -> None:
    """What metering adds to a call and to a chunk of a stream, as a ratio to the bare SDK in one interleaved run."""
    _install(session)
    session.run("python", "benchmarks/overhead.py", *session.posargs)


@nox.session
def loss(session: nox.Session) -> None:
    """What is lost, kept or sent twice when processes end in every way, and in outages; over a hundred kills at random moments."""
    _install(session)
    session.run("python", "benchmarks/loss.py", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Processes, disks and the service failing at random for minutes, and not one record lost: nox -s soak -- --minutes 20 --seed 7."""
    _install(session)
    session.run("python", "benchmarks/soak.py", *session.posargs)


def _python(environment: Path) -> str:
    return str(environment / ("Scripts" if os.name == "nt" else "bin") / "python")
