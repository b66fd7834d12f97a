"""Run by ``nox -s wheel`` in a fresh environment that holds nothing but the wheel with one extra: ``wheel_check.py <extra>``.

It uses what was installed, and nothing of the checkout.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Callable, Dict, List

import revenium_middleware
from revenium_middleware.testing import ProviderServer

ASK = {"messages": [{"role": "user", "content": "Hello!"}]}
WHO = {"organizationName": "AcmeCorp"}


def openai_snippet(server: ProviderServer) -> None:
    import openai

    import revenium_middleware_openai

    assert revenium_middleware_openai is importlib.import_module("revenium_middleware.openai")
    assert revenium_middleware_openai.is_initialized()
    client = openai.OpenAI(base_url="http://api.openai.com/v1", api_key="any")
    response = client.chat.completions.create(model="gpt-4o-mini", usage_metadata=WHO, **ASK)
    assert response.choices[0].message.content and response._revenium_transaction_id == response.id
    for chunk in client.chat.completions.create(model="gpt-4o-mini", stream=True, **ASK):
        assert chunk.choices
    client.embeddings.create(model="text-embedding-3-small", input="The quick brown fox")


def anthropic_snippet(server: ProviderServer) -> None:
    import anthropic

    import revenium_middleware_anthropic

    assert revenium_middleware_anthropic is importlib.import_module("revenium_middleware.anthropic")
    assert revenium_middleware_anthropic.is_initialized()
    asked = {"model": "claude-opus-4-7", "max_tokens": 64, **ASK}
    client = anthropic.Anthropic(base_url="http://api.anthropic.com", api_key="any")
    assert client.messages.create(usage_metadata=WHO, **asked).content
    with client.messages.stream(**asked) as stream:
        assert stream.get_final_text()
    keys = {"aws_access_key": "any", "aws_secret_key": "any", "aws_region": "us-east-1"}
    anthropic.AnthropicBedrock(base_url="http://bedrock-runtime.us-east-1.amazonaws.com", **keys).messages.create(**asked)


def perplexity_openai_snippet(server: ProviderServer) -> None:
    from openai import OpenAI

    import revenium_middleware_perplexity

    assert revenium_middleware_perplexity is importlib.import_module("revenium_middleware.perplexity")
    client = OpenAI(api_key="any", base_url="http://api.perplexity.ai")
    client.chat.completions.create(model="sonar", usage_metadata=WHO, **ASK)


def perplexity_native_snippet(server: ProviderServer) -> None:
    from perplexity import Perplexity

    import revenium_middleware_perplexity

    assert revenium_middleware_perplexity.is_initialized()
    client = Perplexity(api_key="any", base_url="http://api.perplexity.ai")
    client.chat.completions.create(model="sonar", usage_metadata=WHO, **ASK)
    for chunk in client.chat.completions.create(model="sonar-pro", stream=True, usage_metadata=WHO, **ASK):
        assert chunk.choices is not None


def ollama_snippet(server: ProviderServer) -> None:
    import ollama

    import revenium_middleware_ollama

    assert revenium_middleware_ollama.is_initialized()
    client = ollama.Client(server.url)
    response = client.chat(model="qwen2.5:0.5b", messages=[{"role": "user", "content": "Why is the sky blue?"}], usage_metadata=WHO)
    assert response["message"]["content"] and response._revenium_transaction_id
    for chunk in client.chat(model="qwen2.5:0.5b", messages=[{"role": "user", "content": "Hello"}], stream=True):
        assert "content" in chunk["message"]


def fal_snippet(server: ProviderServer) -> None:
    import fal_client

    import revenium_middleware_fal

    assert revenium_middleware_fal.is_initialized()
    module = sys.modules["fal_client.client"]
    module.QUEUE_URL_FORMAT = server.fal_url + "/queue/"
    client = fal_client.SyncClient(key="any")
    result = client.subscribe("fal-ai/flux/dev", arguments={"prompt": "A sunset", "image_size": "landscape_16_9"}, usage_metadata=WHO)
    assert result["images"]


def bedrock_snippet(server: ProviderServer) -> None:
    import boto3

    import revenium_middleware_bedrock

    assert revenium_middleware_bedrock.is_initialized()
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
    client = boto3.client("bedrock-runtime", endpoint_url=server.url, **keys)
    said = {"modelId": "us.amazon.nova-lite-v1:0", "messages": [{"role": "user", "content": [{"text": "Hello!"}]}]}
    assert client.converse(usage_metadata=WHO, **said)["output"]
    assert list(client.converse_stream(usage_metadata=WHO, **said)["stream"])


def google_snippet(server: ProviderServer) -> None:
    if sys.version_info < (3, 9):
        return  # the SDK does not exist there
    from google import genai

    import revenium_middleware_google

    assert revenium_middleware_google.is_initialized()
    client = genai.Client(api_key="any", http_options={"base_url": server.google_url})
    response = client.models.generate_content(model="gemini-2.0-flash-001", contents="Hello!", usage_metadata=WHO)
    assert response.text
    for chunk in client.models.generate_content_stream(model="gemini-2.0-flash-001", contents="Hello!"):
        assert chunk.text


def core_alone(server: ProviderServer) -> None:
    """Imports and runs with no provider SDK; a middleware without its SDK says so instead of failing."""
    assert not any(importlib.util.find_spec(sdk) for sdk in ("openai", "anthropic", "perplexity", "ollama", "fal_client", "boto3"))
    middleware = importlib.import_module("revenium_middleware_openai")
    assert not middleware.is_initialized()
    assert "not installed" in revenium_middleware.status().not_initialized["openai"]
    with revenium_middleware.metadata(agent="nobody"):
        assert revenium_middleware.flush() == 0


def command_line(server: ProviderServer) -> None:
    command = Path(sys.executable).with_name("revenium-meter")
    for words in ([str(command)], [sys.executable, "-m", "revenium_middleware"]):
        subprocess.run([*words, "--version"], check=True, stdout=subprocess.DEVNULL)


def everything(server: ProviderServer) -> None:
    snippets = (
        openai_snippet,
        anthropic_snippet,
        google_snippet,
        perplexity_openai_snippet,
        perplexity_native_snippet,
        ollama_snippet,
        fal_snippet,
        bedrock_snippet,
        command_line,
    )
    for snippet in snippets:
        snippet(server)


SNIPPETS: Dict[str, Callable[[ProviderServer], None]] = {
    "core": core_alone,
    "openai": openai_snippet,
    "anthropic": anthropic_snippet,
    "google": google_snippet,
    "google-genai": google_snippet,
    "google-vertex": google_snippet,
    "perplexity-openai": perplexity_openai_snippet,
    "perplexity-native": perplexity_native_snippet,
    "ollama": ollama_snippet,
    "fal": fal_snippet,
    "bedrock": bedrock_snippet,
    "cli": command_line,
    "all": everything,
}


def public_names() -> None:
    for module in (
        "revenium_middleware",
        "revenium_middleware.testing",
        "revenium_middleware.openai",
        "revenium_middleware.anthropic",
        "revenium_middleware.perplexity",
        "revenium_middleware.bedrock",
    ):
        loaded = importlib.import_module(module)
        for each in loaded.__all__:
            getattr(loaded, each)
    for package in ("revenium_middleware", "revenium_middleware_openai", "revenium_middleware_anthropic", "revenium_middleware_perplexity"):
        spec = importlib.util.find_spec(package)
        assert spec is not None and spec.origin is not None
    home = Path(revenium_middleware.__file__).parent
    assert "site-packages" in str(home), "not what was installed: %s" % home
    assert all((home.parent / package / "py.typed").is_file() for package in ("revenium_middleware", "revenium_middleware_openai"))


def recorded() -> List[Dict[str, object]]:
    from revenium_middleware._delivery.intake import up_to_date

    ledger = up_to_date(Path(os.environ["REVENIUM_LEDGER"]))
    try:
        return [json.loads(row["body"]) for row in ledger.query("SELECT body FROM record ORDER BY number")]
    finally:
        ledger.close()


def main(extra: str) -> None:
    warnings.simplefilter("error")
    for name in [name for name in os.environ if name.startswith("REVENIUM_") or name.lower().endswith("_proxy")]:
        del os.environ[name]
    directory = Path(tempfile.mkdtemp(dir=os.curdir)).resolve()  # below nox's own temporary directory; in use until this process ends
    with ProviderServer() as server:
        os.environ.update({"REVENIUM_LEDGER": str(directory / "ledger.db"), "HTTP_PROXY": server.url, "http_proxy": server.url})
        SNIPPETS[extra](server)
        public_names()
        made = recorded() if server.calls else []
        assert len(made) == server.calls, "%d calls, %d records" % (server.calls, len(made))
        assert sum(record.get("input_token_count", 0) for record in made) == server.usage.input  # type: ignore[misc]
        print("%s: ok, %d calls, %d records" % (extra, server.calls, len(made)))


if __name__ == "__main__":
    main(sys.argv[1])
