"""Every setting, one row per environment variable; the only reader of ``os.environ``.

A ``Settings`` value is frozen. It is read again whenever the environment changed, so that a key that arrives after
import, or a switch flipped at run time, counts for the next call.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
import os
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from .errors import ConfigurationError
from .metadata import from_environment

DEFAULT_BASE_URL = "https://api.revenium.ai/meter/"
_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def api_key(value: str) -> str:
    """The key itself; raises when its shape is wrong. The value never appears in the message."""
    key = value.strip()
    if not key.startswith(("hak_", "rev_")) or not key.isascii() or not all("!" <= c <= "~" for c in key):
        raise ConfigurationError("the API key must start with 'hak_' or 'rev_' and be visible ASCII; copy it again from the Revenium console (API keys)")
    return key


def metering_url(value: str) -> str:
    """The metering root, always ending in ``/``: kept up to its last ``meter`` segment, which is added when missing."""
    given = value.strip()
    try:
        parts = urlsplit(given)
        usable = "@" not in parts.netloc and parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # unbalanced brackets, a port that is no number
        usable = False
    if not usable or any(c.isspace() for c in given):
        raise ConfigurationError("the metering base URL must be http:// or https:// with a host and no password, such as https://api.revenium.ai")
    segments = [segment for segment in parts.path.split("/") if segment]
    ends = [i for i, segment in enumerate(segments) if segment.lower() == "meter"]
    kept = segments[: ends[-1] + 1] if ends else segments + ["meter"]
    return "%s://%s/%s/" % (parts.scheme, parts.netloc, "/".join(kept))


def fingerprint(key: str) -> str:
    """What stands for ``key`` in journals and ledgers: enough to find it again, no way to get it back."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def switch(value: str) -> bool:
    word = value.strip().lower()
    if word not in _TRUE + _FALSE + ("",):
        raise ConfigurationError("must be one of %s" % ", ".join(_TRUE + _FALSE))
    return word in _TRUE


def log_level(value: str) -> str:
    level = value.strip().upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ConfigurationError("must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    return level


def seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and 0 <= number <= 86_400):
        raise ConfigurationError("must be a number of seconds from 0 to 86400")
    return number


def whole(value: str) -> int:
    if not re.fullmatch(r"\s*\d{1,12}\s*", value):
        raise ConfigurationError("must be a whole number, 0 or more")
    return int(value)


class Row(NamedTuple):
    """One environment variable, as the documentation and ``.env.example`` show it."""

    variable: str
    attribute: str
    default: Any
    parse: Callable[[str], Any]
    group: str
    doc: str
    example: str


def _row(variable: str, parse: Callable[[str], Any], default: Any, group: str, doc: str, example: str = "") -> Any:
    return dataclasses.field(default=default, metadata={"row": (variable, default, parse, group, doc, example)})


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the environment and ``initialize_metering`` ask for."""

    api_key: str = _row(
        "REVENIUM_METERING_API_KEY", api_key, "", "Account", "Revenium key (hak_ or rev_). Without one, records stay in the local ledger.", "hak_your_key"
    )
    base_url: str = _row("REVENIUM_METERING_BASE_URL", metering_url, DEFAULT_BASE_URL, "Account", "Where records are sent.", "https://api.revenium.ai")
    ledger: str = _row(
        "REVENIUM_LEDGER",
        str.strip,
        "",
        "Ledger",
        "File of the local ledger, or memory, or off. Default: revenium/ledger.db in the state directory.",
        "./ledger.db",
    )
    log_level: str = _row(
        "REVENIUM_LOG_LEVEL", log_level, "", "Logging", "Level of our logger; setting it also prints to stderr when the app has no logging.", "DEBUG"
    )
    debug: bool = _row("REVENIUM_DEBUG", switch, False, "Logging", "The same as REVENIUM_LOG_LEVEL=DEBUG.", "true")
    selective_metering: bool = _row("REVENIUM_SELECTIVE_METERING", switch, False, "Metering", "Meter only calls made inside @revenium_meter.", "true")
    carry_context: bool = _row(
        "REVENIUM_CARRY_CONTEXT", switch, True, "Metering", "Threads and ThreadPoolExecutor tasks inherit the attribution of who started them.", "false"
    )
    capture_prompts: bool = _row(
        "REVENIUM_CAPTURE_PROMPTS", switch, False, "Privacy", "Required, with the next one, before a provider's own error message is recorded.", "true"
    )
    capture_error_messages: bool = _row(
        "REVENIUM_CAPTURE_ERROR_MESSAGES", switch, False, "Privacy", "Record a provider's error message beside the error class.", "true"
    )
    azure_deployment: str = _row(
        "AZURE_OPENAI_DEPLOYMENT", str.strip, "", "Providers", "Deployment to resolve the model from when call and URL name none.", "my-gpt4-deployment"
    )
    bedrock_disable: bool = _row(
        "REVENIUM_BEDROCK_DISABLE", switch, False, "Providers", "Treat Anthropic calls to AWS like any other: model names are sent as they are.", "1"
    )
    bedrock_transport: bool = _row(
        "REVENIUM_BEDROCK_TRANSPORT", switch, True, "Providers", "Meter what boto3 and botocore send to Amazon Bedrock's runtime.", "0"
    )
    timeout_seconds: float = _row("REVENIUM_METERING_TIMEOUT_SECONDS", seconds, 10.0, "Delivery", "Longest wait for the answer to one record.", "10")
    connect_timeout_seconds: float = _row("REVENIUM_METERING_CONNECT_TIMEOUT_SECONDS", seconds, 5.0, "Delivery", "Longest wait for a connection.", "5")
    shutdown_seconds: float = _row(
        "REVENIUM_SHUTDOWN_TIMEOUT_SECONDS", seconds, 5.0, "Delivery", "What normal exit may wait for delivery; the rest stays in the ledger.", "5"
    )
    install_signal_handlers: bool = _row(
        "REVENIUM_INSTALL_SIGNAL_HANDLERS",
        switch,
        False,
        "Delivery",
        "On SIGTERM, deliver within the shutdown timeout, then do what the process would have done without us. Set it before the import.",
        "true",
    )
    ledger_max_records: int = _row(
        "REVENIUM_LEDGER_MAX_RECORDS",
        whole,
        1_000_000,
        "Ledger",
        "Most records kept; beyond it the oldest go, delivered ones first, the others counted.",
        "1000000",
    )
    ledger_keep_days: int = _row("REVENIUM_LEDGER_KEEP_DAYS", whole, 90, "Ledger", "Days that delivered records stay for reports.", "90")
    metadata: Mapping[str, Any] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    """Attribution defaults of the deployment (environment, region, trace fields, job and skill fields)."""
    aws_credentials: bool = dataclasses.field(default=False, compare=False)
    """This machine has AWS credentials to find, by its environment or its files; the network is not asked."""
    faults: Tuple[str, ...] = ()
    """What is wrong with the values given, one sentence each; the default is used instead."""

    @functools.cached_property
    def local(self) -> bool:
        """No usable key or address: records stay in the ledger."""
        return not self.api_key or self.malformed

    @functools.cached_property
    def malformed(self) -> bool:
        """A key or an address was given, and it breaks its rule."""
        return any("_API_KEY " in fault or "_BASE_URL " in fault for fault in self.faults)

    @functools.cached_property
    def credential(self) -> str:
        """A fingerprint that says which key a record belongs to without holding it."""
        return "" if self.local else fingerprint(self.api_key)

    @property
    def destination(self) -> Tuple[str, str]:
        """(address, fingerprint of the key) for new records; two empty texts where they stay here."""
        return ("", "") if self.local else (self.base_url, self.credential)

    def __repr__(self) -> str:
        return "<Settings local=%s base_url=%r ledger=%r>" % (self.local, self.base_url, self.ledger)


ROWS: Tuple[Row, ...] = tuple(Row(f.metadata["row"][0], f.name, *f.metadata["row"][1:]) for f in dataclasses.fields(Settings) if "row" in f.metadata)


def load(environment: Mapping[str, str], given: Mapping[str, str] = MappingProxyType({})) -> Settings:
    """The settings of ``environment``, with ``given`` (attribute -> text) above it. Never raises: faults are listed."""
    values: Dict[str, Any] = {}
    faults: List[str] = []
    for row in ROWS:
        text = given.get(row.attribute) or environment.get(row.variable, "")
        if not text.strip():
            continue
        try:
            values[row.attribute] = row.parse(text)
        except ConfigurationError as error:
            faults.append("%s is ignored: %s" % (row.variable, error))
    if values.get("debug"):
        values["log_level"] = "DEBUG"
    return Settings(metadata=MappingProxyType(from_environment(environment)), aws_credentials=_aws_credentials(environment), faults=tuple(faults), **values)


_AWS_SIGNS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def _aws_credentials(environment: Mapping[str, str]) -> bool:
    if any(environment.get(name, "").strip() for name in _AWS_SIGNS):
        return True
    files = (environment.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials", environment.get("AWS_CONFIG_FILE") or "~/.aws/config")
    return any(os.path.isfile(os.path.expanduser(name)) for name in files)


class Keys(Dict[str, str]):
    """The keys this process knows, by what stands for them in the ledger."""

    def learn(self, key: str) -> str:
        """From now on records for ``key`` can be delivered; returns its fingerprint."""
        credential = fingerprint(key)
        self[credential] = key
        return credential

    def __repr__(self) -> str:
        return "<Keys %s>" % ", ".join(self)


class Source:
    """The current settings: parsed once per state of the environment, compared cheaply at each call."""

    def __init__(self) -> None:
        self._given: Dict[str, str] = {}
        self._snapshot: Optional[object] = None
        self._settings = Settings()

    def give(self, **values: Optional[str]) -> None:
        """Set values by hand; they win over the environment from now on."""
        self._given.update({name: value for name, value in values.items() if value})
        self._snapshot = None

    def look(self) -> Settings:
        """What ``current`` would say, without counting as a reading."""
        return load(os.environ, self._given)

    def current(self) -> Tuple[Settings, bool]:
        """The settings, and whether they were read anew."""
        # os.environ decodes at every read; its raw table compares in about a microsecond
        raw: Mapping[Any, Any] = getattr(os.environ, "_data", os.environ)
        if self._snapshot is not None and self._snapshot == raw:
            return self._settings, False
        snapshot = dict(raw)
        self._settings = load(os.environ, self._given)
        self._snapshot = snapshot
        return self._settings, True


def ledger_path(settings: Settings) -> Optional[Path]:
    """The ledger file these settings name; None for memory, off, and where there is no home directory."""
    if settings.ledger.lower() in ("memory", "off"):
        return None
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        if settings.ledger:
            return Path(settings.ledger).expanduser().absolute()
        return (Path(base) if base else Path.home() / ".local" / "state") / "revenium" / "ledger.db"
    except (RuntimeError, KeyError):  # the latter on older Pythons
        return None
