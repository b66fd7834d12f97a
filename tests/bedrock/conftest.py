"""A real boto3 client whose Bedrock is on this machine."""

from __future__ import annotations

from typing import Any, Callable, Iterator

import pytest

boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")

import revenium_middleware_bedrock  # noqa: E402

assert revenium_middleware_bedrock.__name__ == "revenium_middleware.bedrock"


def made(url: str, region: str = "eu-west-1", **options: Any) -> Any:
    from botocore.config import Config

    config = Config(retries={"max_attempts": 0}, read_timeout=30)
    keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    return boto3.client("bedrock-runtime", region_name=region, endpoint_url=url, config=config, **{**keys, **options})


@pytest.fixture(autouse=True)
def no_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No settings of the machine's own account."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def bedrock(provider: Any) -> Iterator[Any]:
    client = made(provider.url)
    yield client
    client._endpoint.http_session.close()


@pytest.fixture
def one(records: Callable[[], Any]) -> Callable[[], Any]:
    """The values of the only record there is."""

    def find() -> Any:
        found = records()
        assert len(found) == 1, [record.values for record in found]
        return found[0].values

    return find
