"""The README is true: its code runs, its commands exist, its tables are those of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, List

from .loopback import ROOT, Ran
from .settings_pages import env_example, readme

PAGE = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> List[str]:
    return re.findall(r"^```%s\n(.*?)^```" % language, PAGE, re.MULTILINE | re.DOTALL)


def extras() -> List[str]:
    section = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    return re.findall(r"^([\w-]+) = ", section, re.MULTILINE)


def test_every_snippet_runs_in_the_order_of_the_page(tmp_path: Path, provider: Any) -> None:
    snippets = blocks("python")
    assert len(snippets) >= 5
    program = tmp_path / "page.py"
    program.write_text("\n".join(snippets), encoding="utf-8")
    ran = Ran(program, tmp_path, provider)
    assert len(ran.records) == provider.calls + 1 == 5
    plain, attributed, block, decorated, direct = ran.records
    assert (direct["model"], direct["total_token_count"], direct["subscriber"], direct["trace_id"]) == ("our-own-model", 700, {"id": "user-1"}, "s-1")
    assert (attributed["organization_name"], attributed["agent"], attributed["subscriber"]["id"]) == ("AcmeCorp", "support", "user-1")
    assert (block["operation_type"], block["organization_name"], block["task_type"]) == ("EMBED", "AcmeCorp", "chat")
    assert (decorated["organization_name"], decorated["task_type"]) == ("AcmeCorp", "summary")
    assert "organization_name" not in plain
    assert not any(b"usage_metadata" in repr(each.body).encode() for each in provider.log)


def test_the_decorated_snippet_meters_only_itself_when_metering_is_selective(tmp_path: Path, provider: Any) -> None:
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks("python")), encoding="utf-8")
    ran = Ran(program, tmp_path, provider, REVENIUM_SELECTIVE_METERING="true")
    assert [record["task_type"] for record in ran.records] == ["summary", "own"]


def test_ten_lines_come_first() -> None:
    before, _, rest = PAGE.partition("```python\n")
    assert len([line for line in before.splitlines() if line.strip()]) <= 2
    assert len(rest.partition("```")[0].splitlines()) <= 10


def test_the_two_commands_are_in_the_first_screen_and_their_sessions_exist() -> None:
    sessions = re.findall(r"^@nox\.session.*\ndef (\w+)", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE)
    for command in ("demo", "tests"):
        line = "python -m pip install nox && python -m nox -s " + command
        assert line in "\n".join(PAGE.splitlines()[:30])
        assert command in sessions
    assert "python -m pip install nox && python -m nox -s tests\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_installation_table_offers_exactly_the_extras_there_are() -> None:
    table = [line for line in PAGE.splitlines() if line.startswith("|") and "pip install" in line]
    assert table
    for line in table:
        _, _, theirs, ours, _ = line.split("|")
        offered = re.findall(r"\[([\w,-]+)\]", ours)
        assert all(extra in extras() for group in offered for extra in group.split(","))
        asked = re.findall(r"revenium-python-sdk\[([\w,-]+)\]", theirs)
        missing = [extra for group in asked for extra in group.split(",") if extra not in extras()]
        assert ("not yet available" in ours) == bool(missing) or not asked, line


def test_pip_never_names_the_distribution_outside_the_table() -> None:
    for block in blocks("bash"):
        assert not re.search(r"pip install [^&\n]*revenium", block.replace("dist/", ""))


def test_the_settings_table_is_that_of_the_code() -> None:
    assert readme(PAGE) == PAGE


def test_the_example_environment_is_that_of_the_code() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env_example()


def test_git_ignores_what_must_not_be_published() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {".env", "*.db", "revenium_enforcement_*.json"} <= set(ignored)


def test_links_lead_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "CHANGELOG.md", "examples/README.md"):
        path = ROOT / page
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), "%s links to %s" % (page, link)
