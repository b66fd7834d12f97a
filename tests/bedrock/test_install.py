"""What the import does, whichever comes first, and what it leaves when it is undone."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

ASK = (
    "import boto3, sys\n"
    "from revenium_middleware._calls.runtime import runtime\n"
    "def ask(**more):\n"
    "    keys = dict(aws_access_key_id='none', aws_secret_access_key='none', region_name='us-east-1')\n"
    "    client = boto3.client('bedrock-runtime', endpoint_url=sys.argv[1], **keys)\n"
    "    return client.converse(modelId='amazon.nova-lite-v1:0', messages=[{'role': 'user', 'content': [{'text': 'Hello'}]}], **more)\n"
)


def ran(code: str, url: str, **more: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "REVENIUM_LEDGER": "memory", **more}
    done = subprocess.run([sys.executable, "-c", code, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


@pytest.mark.parametrize("order", ["import boto3, revenium_middleware_bedrock\n", "import revenium_middleware.bedrock, boto3\n"])
def test_either_import_may_come_first(order: str, provider: Any) -> None:
    assert ran(order + ASK + "ask(usage_metadata={'agent': 'a'}); print(runtime.status().recorded)", provider.url) == "1"


def test_the_import_alone_loads_neither_boto3_nor_an_http_library(provider: Any) -> None:
    code = (
        "import sys, revenium_middleware_bedrock; print([name for name in ('boto3', 'botocore', 'urllib3', 'http.client', 'sqlite3') if name in sys.modules])"
    )
    assert ran(code, provider.url) == "[]"


def test_uninstalling_restores_what_was_there(provider: Any) -> None:
    code = (
        "import botocore.client; before = vars(botocore.client.BaseClient)['_make_api_call']\n"
        "import revenium_middleware, revenium_middleware_bedrock; assert vars(botocore.client.BaseClient)['_make_api_call'] is not before\n"
        "revenium_middleware.uninstall(); assert vars(botocore.client.BaseClient)['_make_api_call'] is before\n"
    )
    assert ran(code + ASK + "ask(); print(runtime.status().recorded)", provider.url) == "0"


def test_another_middleware_alone_leaves_boto3_alone(provider: Any) -> None:
    assert ran("import revenium_middleware.openai\n" + ASK + "ask(); print(runtime.status().recorded)", provider.url) == "0"


def test_a_call_inside_another_layers_is_that_layers(provider: Any) -> None:
    code = (
        "import revenium_middleware_bedrock\n"
        + ASK
        + "from revenium_middleware._core.steps import within\n"
        + "from revenium_middleware._core.scope import current\n"
        + "within(current()._replace(owner='litellm'), ask, (), {}); print(runtime.status().recorded)"
    )
    assert ran(code, provider.url) == "0"
