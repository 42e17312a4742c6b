"""The page on adding a source is followed to the letter in a copy of the project; what it shows must pass the checks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from lake.contract.build import compile_folder
from lake.contract.plan import Plan
from tests.rules.project import ROOT, read
from tests.support.stack import TemplateLoader

if TYPE_CHECKING:
    from pathlib import Path

COPIED = (
    "contracts", "docs", "events", "functions", "glue", "layers", "src", "statemachine", "tests/support", "tests/template"
)  # fmt: skip
PAGE = "docs/adding-a-source.md"
BLOCK = re.compile(r"^```(?:yaml|python|json)\n(?:#|//) (.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PLACES = {
    "in Parameters": r"^Parameters:\n",
    "at the end of Resources": r"(?=^# -+ Outputs$)",
    "in PipelineRole, below the other crawlers": r"^ +- .*:crawler/\$\{RawErpCrawler\}\n",
    "in Pipeline, Events": r"^      Events:\n",
}
"""What the page calls a place in the template → what stands before it."""


def blocks() -> dict[str, str]:
    """File, or place in the template → what the page puts there."""
    return dict(BLOCK.findall(read(PAGE)))


@pytest.fixture
def followed(tmp_path: Path) -> Path:
    """A copy of what the checks read, with all that the page shows."""
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "plans"))
    for name in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    template = read("template.yaml")
    for place, text in blocks().items():
        name, _, where = place.partition(", ")
        if name != "template.yaml":
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, "utf-8")
            continue
        spots = [found.end() for found in re.finditer(PLACES[where], template, re.MULTILINE)]
        assert len(spots) == 1, f"the template has {len(spots)} places {where}"
        template = template[: spots[0]] + text + template[spots[0] :]
    (tmp_path / "template.yaml").write_text(template, "utf-8")
    return tmp_path


def test_a_source_that_is_added_by_the_page_compiles_and_passes_the_checks_of_the_template(followed: Path) -> None:
    plan = Plan.load(compile_folder(followed / "contracts")["desk.ticket.json"])
    assert (plan.table, plan.key, plan.cursor.fields) == ("desk_ticket", ("ticket",), ("ChangedAt",))
    checked = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/template"],
        cwd=followed,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def as_desk(value: Any) -> Any:
    """What stands in the template for the ERP, as it would stand there for the desk; words for people left out."""
    if isinstance(value, dict):
        return {as_desk(key): as_desk(item) for key, item in value.items() if key != "Description"}
    if isinstance(value, list):
        return [as_desk(item) for item in value]
    return re.sub(r"(?<![a-z])erp(?![a-z])", "desk", value.replace("Erp", "Desk")) if isinstance(value, str) else value


def test_the_page_gives_a_source_what_the_template_gives_the_erp(followed: Path) -> None:
    template = yaml.load((followed / "template.yaml").read_text("utf-8"), TemplateLoader)  # noqa: S506 - a SafeLoader
    events = template["Resources"]["Pipeline"]["Properties"]["Events"]
    for part in (template["Parameters"], template["Resources"], events):
        for name in [name for name in part if "Erp" in name]:
            ours, theirs = as_desk(part[as_desk(name)]), as_desk(part[name])
            assert ours | {"Default": None} == theirs | {"Default": None}, f"{name} and {as_desk(name)} differ"
