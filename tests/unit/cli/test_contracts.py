"""`lake contract check`, `diff`, `release` on contracts at hand and in a git repository."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lake.cli.main import app

CONTRACTS = Path(__file__).parents[3] / "contracts"


def lake(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["contract", *arguments])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with the CRM's source and its accounts alone."""
    (tmp_path / "contracts" / "crm").mkdir(parents=True)
    shutil.copy(CONTRACTS / "crm" / "source.yaml", tmp_path / "contracts" / "crm")
    text = re.sub(r", relationships: \[.*?\]", "", (CONTRACTS / "crm" / "account.odcs.yaml").read_text("utf-8"))
    (tmp_path / "contracts" / "crm" / "account.odcs.yaml").write_text(text, "utf-8")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "first"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(project: Path, old: str, new: str) -> int:
    """Changes the accounts' contract; the line."""
    file = project / "contracts" / "crm" / "account.odcs.yaml"
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_check_names_file_line_place_and_reason(project: Path) -> None:
    assert lake("check").exit_code == 0
    assert "1 contracts are right" in lake("check", "contracts/crm").output
    line = edit(project, "classification: internal, description: Company name", "description: Company name")
    for folder in ("contracts", "contracts/crm"):
        result = lake("check", folder)
        assert result.exit_code == 1
        assert result.output.startswith(
            f"contracts/crm/account.odcs.yaml:{line}: schema[0].properties[1].classification: is None, expected one of"
        )
    (mistake,) = json.loads(lake("check", "--json").output)["mistakes"]
    assert (mistake["file"], mistake["line"]) == ("crm/account.odcs.yaml", line)


def test_diff_compares_the_working_tree_with_a_revision(project: Path) -> None:
    assert "Nothing changed." in lake("diff", "HEAD:contracts").output
    edit(project, "physicalType: string(255), classification: internal, description: Company name",
         "physicalType: string(300), classification: internal, description: Company name")  # fmt: skip
    widened = lake("diff", "HEAD:contracts")
    assert widened.exit_code == 0
    assert "compatible  crm.account: name: is widened from string(255) to string(300)" in widened.output
    edit(project, "name: industry,", "name: branch,")
    for before, after in (
        ("HEAD:contracts", "contracts"),
        ("HEAD:contracts/crm", "contracts/crm"),
        ("HEAD:contracts/crm/account.odcs.yaml", "contracts/crm/account.odcs.yaml"),
    ):
        broken = lake("diff", before, after)
        assert broken.exit_code == 1
        assert (
            "BREAKING  crm.account: industry: is gone; if it has a new name, say `renamed_from: industry`"
            in broken.output
        )
    edit(project, "\nversion: 1.", "\nversion: 2.")
    allowed = lake("diff", "HEAD:contracts", "--json")
    assert allowed.exit_code == 0
    assert [change["place"] for change in json.loads(allowed.output)["changes"] if change["breaking"]] == ["industry"]


def test_what_cannot_be_compared_is_named(project: Path) -> None:
    for where, said in (
        ("nowhere", "neither there nor REVISION:path"),
        ("HEAD:nowhere", "git does not give nowhere of HEAD"),
    ):
        result = lake("diff", where)
        assert result.exit_code == 1
        assert said in result.output
    edit(project, "kind: DataContract", "kind: Data")
    result = lake("diff", "HEAD:contracts")
    assert "The contracts of contracts have mistakes" in result.output


def test_a_release_is_what_the_next_one_is_judged_by(project: Path) -> None:
    assert lake("release").exit_code == 0
    file = project / "contracts" / "released.json"
    before = file.read_text("utf-8")
    assert lake("diff", "contracts/released.json").output == "Nothing changed.\n"
    edit(project, "name: industry,", "name: branch,")
    refused = lake("release")
    assert refused.exit_code == 1
    assert "Breaking without a new major version" in refused.output
    assert file.read_text("utf-8") == before
    edit(project, "\nversion: 1.", "\nversion: 2.")
    assert lake("release").exit_code == 0
    assert file.read_text("utf-8") != before
