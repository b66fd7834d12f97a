"""Runs every example through the real SDKs, shows the records, and checks them: ``python -m nox -s demo``.

Where a provider's key is set the provider answers; where none is, a loopback provider on this machine does, and then
what was recorded must equal, call by call and token by token, what that provider noted down itself.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Set

from dotenv import load_dotenv

from revenium_middleware._delivery.intake import up_to_date
from revenium_middleware.testing import ProviderServer

HERE = Path(__file__).resolve().parent


class Group(NamedTuple):
    """The examples of one provider, and the keys without which the loopback provider answers them."""

    label: str
    """As the records name the provider."""
    keys: "tuple[str, ...]"
    calls: Dict[str, int]
    """Example -> how many calls it makes."""


GROUPS = (
    Group("OPENAI", ("OPENAI_API_KEY",), {"getting_started.py": 1, "openai/openai_basic.py": 3, "openai/openai_streaming.py": 2}),
    Group("Azure", ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY"), {"openai/azure_basic.py": 1, "openai/azure_streaming.py": 1}),
    Group(
        "ANTHROPIC", ("ANTHROPIC_API_KEY",), {"anthropic/anthropic-basic.py": 2, "anthropic/anthropic-streaming.py": 3, "anthropic/anthropic-advanced.py": 5}
    ),
    Group("AWS", ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), {"anthropic/anthropic-bedrock.py": 2, "bedrock/converse.py": 2}),
    Group(
        "Google",
        ("GOOGLE_API_KEY",),
        {
            "google/getting_started_google_ai.py": 1,
            "google/getting_started_vertex_ai.py": 2,
            "google/simple_streaming_test.py": 1,
            "google/simple_embeddings_test.py": 1,
        },
    ),
    Group(
        "PERPLEXITY",
        ("PERPLEXITY_API_KEY",),
        {"perplexity/getting_started.py": 1, "perplexity/basic.py": 1, "perplexity/streaming.py": 1, "perplexity/example_decorator.py": 2},
    ),
    Group(
        "OLLAMA",
        ("OLLAMA_HOST",),
        {"ollama/getting_started.py": 1, "ollama/example_streaming.py": 2, "ollama/example_metadata.py": 1, "ollama/embeddings_example.py": 2},
    ),
    Group("fal_ai", ("FAL_KEY",), {"fal/getting_started.py": 1, "fal/queue.py": 2}),
)
EXAMPLES = [name for group in GROUPS for name in group.calls]
_FAL_ADDRESS = "DEMO_FAL_ADDRESS"
_ON_LOOPBACK = """
import importlib, runpy, sys
client = importlib.import_module("fal_client.client")
client.RUN_URL_FORMAT, client.QUEUE_URL_FORMAT = sys.argv[1] + "/", sys.argv[1] + "/queue/"
runpy.run_path(sys.argv[2], run_name="__main__")
"""
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def loopback(server: ProviderServer) -> Dict[str, str]:
    """What the SDKs must find in the environment to be answered by ``server``.

    It serves as their HTTP proxy, so that they keep the real hosts' names and the records the real providers' labels.
    """
    return {
        "HTTP_PROXY": server.url,
        "http_proxy": server.url,
        "OPENAI_BASE_URL": "http://api.openai.com/v1",
        "OPENAI_API_KEY": "no-key-needed",
        "AZURE_OPENAI_ENDPOINT": "http://demo.openai.azure.com",
        "AZURE_OPENAI_API_KEY": "no-key-needed",
        "AZURE_OPENAI_DEPLOYMENT": "my-gpt4-deployment",
        "ANTHROPIC_BASE_URL": "http://api.anthropic.com",
        "ANTHROPIC_API_KEY": "no-key-needed",
        "ANTHROPIC_BEDROCK_BASE_URL": "http://bedrock-runtime.us-east-1.amazonaws.com",
        "AWS_ACCESS_KEY_ID": "no-key-needed",
        "AWS_SECRET_ACCESS_KEY": "no-key-needed",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": server.url,
        "GOOGLE_GEMINI_BASE_URL": "http://generativelanguage.googleapis.com",
        "GOOGLE_VERTEX_BASE_URL": "http://aiplatform.googleapis.com",
        "GOOGLE_API_KEY": "no-key-needed",
        "PERPLEXITY_BASE_URL": "http://api.perplexity.ai",
        "PERPLEXITY_API_KEY": "no-key-needed",
        "OLLAMA_HOST": server.url,
        "FAL_KEY": "no-key-needed",
        _FAL_ADDRESS: server.fal_url,
    }


def command(program: Path, variables: Dict[str, str]) -> List[str]:
    """How to run an example. fal's client knows hosts with TLS only, so the loopback provider is put in their place before."""
    if _FAL_ADDRESS in variables and program.parent.name == "fal":
        return [sys.executable, "-c", _ON_LOOPBACK, variables[_FAL_ADDRESS], str(program)]
    return [sys.executable, str(program)]


def environment(ledger: Path) -> Dict[str, str]:
    """This process's variables with a ledger of the demo's own; nothing is sent to a Revenium account."""
    # empty rather than absent: a .env file that the examples load does not bring them back
    given = {name: "" if name.startswith("REVENIUM_") else value for name, value in os.environ.items()}
    return {**given, "REVENIUM_METERING_API_KEY": "", "REVENIUM_LEDGER": str(ledger)}


def without_proxies(given: Dict[str, str]) -> Dict[str, str]:
    return {name: value for name, value in given.items() if name.lower() not in _PROXIES}


def records(ledger: Path) -> List[Dict[str, Any]]:
    """Every record of the ledger, oldest first."""
    opened = up_to_date(ledger)
    try:
        return [json.loads(row["body"]) for row in opened.query("SELECT body FROM record ORDER BY number")]
    finally:
        opened.close()


def run(name: str, variables: Dict[str, str], told: Set[str]) -> bool:
    """Run one example; what it prints is shown, and what it warns of once."""
    try:
        done = subprocess.run(command(HERE / name, variables), env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        print("    did not end within 180 seconds")
        return False
    for line in done.stdout.decode("utf-8", "replace").rstrip().splitlines():
        print("    " + line)
    for line in done.stderr.decode("utf-8", "replace").rstrip().splitlines():
        if done.returncode or line not in told:
            print("    ! " + line)
            told.add(line)
    sys.stdout.flush()
    return done.returncode == 0


def check(what: str, wanted: object, found: object) -> bool:
    print("  %s %s: %s%s" % ("ok  " if wanted == found else "FAIL", what, found, "" if wanted == found else ", expected %s" % wanted))
    return wanted == found


def verified(answered: Set[str], server: ProviderServer, made: List[Dict[str, Any]]) -> bool:
    """Whether the ledger holds what was called, and says what the loopback provider says; ``answered``: the labels it answered for."""
    print("\nChecks")
    good = [check("calls made = records in the ledger", sum(sum(group.calls.values()) for group in GROUPS), len(made))]
    ours = [record for record in made if record["provider"] in answered]
    if answered:
        spent = server.usage
        good.append(check("calls the loopback provider answered = its records", server.calls, len(ours)))
        for name, counted in (("input", spent.input), ("output", spent.output)):
            good.append(check("%s tokens it counted = %s tokens recorded" % (name, name), counted, _sum(ours, name)))
    good.append(check("records without token counts", 0, sum(record.get("usage_source") != "provider" for record in made)))
    return all(good)


def _sum(made: List[Dict[str, Any]], name: str) -> int:
    return sum(record.get("%s_token_count" % name) or 0 for record in made)


def main() -> int:
    load_dotenv()
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
    with tempfile.TemporaryDirectory(prefix="revenium-demo-") as directory, ProviderServer() as server:
        ledger = Path(directory) / "ledger.db"
        given, told, failed = environment(ledger), set(), []
        answered = {group.label for group in GROUPS if not all(given.get(key) for key in group.keys)}
        for group in GROUPS:
            by_loopback = group.label in answered
            print("\n%s: %s" % (group.label, "no key set, the loopback provider on this machine answers" if by_loopback else "the real provider answers"))
            variables = {**without_proxies(given), **loopback(server)} if by_loopback else given
            for name in group.calls:
                print("\n  [%d/%d] examples/%s" % (EXAMPLES.index(name) + 1, len(EXAMPLES), name))
                failed += [] if run(name, variables, told) else [name]
        print("\nThe records, as `revenium-meter report` shows them\n", flush=True)
        report = subprocess.run([sys.executable, "-m", "revenium_middleware", "report", "--ledger", str(ledger)], env=given, check=False)
        good = verified(answered, server, records(ledger) if ledger.exists() else []) and not report.returncode and not failed
        for name in failed:
            print("  FAIL examples/%s" % name)
    print("\n%s" % ("Every call was recorded, exactly once and exactly." if good else "The demo found something wrong: see above."))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
