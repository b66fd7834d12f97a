"""Writes what is generated from the settings table: ``.env.example`` and the table of README.md.

python tests/docs/settings_pages.py
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Iterator, List, Tuple

from revenium_middleware._core.fields import CREDENTIAL_ALIAS, FIELDS
from revenium_middleware._core.settings import ROWS

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- settings table: written by tests/docs/settings_pages.py -->\n", "<!-- end of the settings table -->\n"

SDK_VARIABLES = (
    ("OPENAI_API_KEY", "sk-your_key"),
    ("AZURE_OPENAI_ENDPOINT", "https://your-resource.openai.azure.com"),
    ("AZURE_OPENAI_API_KEY", "your_key"),
    ("ANTHROPIC_API_KEY", "sk-ant-your_key"),
    ("AWS_ACCESS_KEY_ID", "your_key"),
    ("AWS_SECRET_ACCESS_KEY", "your_key"),
    ("PERPLEXITY_API_KEY", "pplx-your_key"),
    ("OLLAMA_HOST", "http://127.0.0.1:11434"),
    ("FAL_KEY", "your_key"),
)
"""Read by the provider SDKs, not by us; listed so that one file holds all that an application needs."""


def attribution() -> Iterator[Tuple[str, str, Tuple[str, ...]]]:
    """(variable, field, variables read when it is not set)."""
    for field in FIELDS + (CREDENTIAL_ALIAS,):
        if field.environment:
            yield field.environment[0], field.name, field.environment[1:]


def env_example() -> str:
    """The text of ``.env.example``."""
    lines = ["# Copy to .env and uncomment what you need. The SDK does not load this file by itself: call load_dotenv(), as the examples do.", ""]
    lines += ["# --- Provider SDKs (read by them)", *("# %s=%s" % each for each in SDK_VARIABLES), ""]
    for group, rows in itertools.groupby(sorted(ROWS, key=lambda row: _groups().index(row.group)), key=lambda row: row.group):
        lines += ["# --- %s" % group]
        for row in rows:
            lines += ["# %s%s" % (row.doc, _default(row.default)), "# %s=%s" % (row.variable, row.example), ""]
    lines += ["# --- Attribution: defaults of the usage_metadata field of that name, for every call of the deployment"]
    for variable, field, instead in attribution():
        lines += ["# %s=   (%s%s)" % (variable, field, "; else " + ", ".join(instead) if instead else "")]
    return "\n".join(lines) + "\n"


def markdown() -> str:
    """The table of README.md."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for row in sorted(ROWS, key=lambda row: _groups().index(row.group)):
        lines.append("| `%s` | %s | %s |" % (row.variable, _shown(row.default), row.doc))
    names = ", ".join("`%s`" % variable for variable, _, _ in attribution())
    lines.append("| %s | | Deployment-wide default of the `usage_metadata` field of that name. |" % names)
    return "\n".join(lines) + "\n"


def readme(text: str) -> str:
    """``text`` with its table written anew."""
    head, _, rest = text.partition(BEGIN)
    return head + BEGIN + markdown() + END + rest.partition(END)[2]


def _groups() -> List[str]:
    return list(dict.fromkeys(row.group for row in ROWS))


def _shown(default: object) -> str:
    if default in ("", None):
        return ""
    return "`%s`" % (str(default).lower() if isinstance(default, bool) else "%g" % default if isinstance(default, float) else default)


def _default(default: object) -> str:
    shown = _shown(default).strip("`")
    return " Default: %s." % shown if shown else ""


if __name__ == "__main__":
    (ROOT / ".env.example").write_text(env_example(), encoding="utf-8")
    page = ROOT / "README.md"
    page.write_text(readme(page.read_text(encoding="utf-8")), encoding="utf-8")
