"""What is refused before anything is built, and how parameters reach SAM."""

import json
import shutil
from pathlib import Path

import pytest
from samcli.cli.types import CfnParameterOverridesType
from typer.testing import CliRunner

from lake.cli.deploying import overrides, read_parameters
from lake.cli.errors import OperatorError
from lake.cli.main import app

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the contracts beside a template that must not be reached."""
    shutil.copytree(PROJECT / "contracts", tmp_path / "contracts")
    (tmp_path / "template.yaml").write_text("this is never read", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_mistake_in_a_contract_is_named_and_nothing_is_built(project: Path) -> None:
    contract = project / "contracts" / "erp" / "sales_order.odcs.yaml"
    contract.write_text(
        contract.read_text(encoding="utf-8").replace("primaryKey: ", "primaryKye: ", 1), encoding="utf-8"
    )

    result = CliRunner().invoke(app, ["deploy", "--json"], env={"COLUMNS": "200"})

    (mistake, *_) = json.loads(result.stdout)["mistakes"]
    assert result.exit_code == 1
    assert mistake["file"] == "erp/sales_order.odcs.yaml"
    assert "primaryKye" in mistake["field"] + mistake["reason"]
    assert "nothing was deployed" in result.stderr
    assert "erp/sales_order.odcs.yaml" in result.stderr
    assert not (project / ".aws-sam").exists()


def test_another_folder_than_the_projects_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ["deploy"])

    assert result.exit_code == 1
    assert "no template.yaml" in result.output
    assert "project's folder" in result.output


def test_parameters_of_the_command_go_before_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text('{"LakeName": "one", "CurateWorkers": 4}', encoding="utf-8")

    assert read_parameters(file, ["LakeName=two", "AlarmEmail=a=b"]) == {
        "LakeName": "two",
        "CurateWorkers": "4",
        "AlarmEmail": "a=b",
    }


@pytest.mark.parametrize("text", ["no json", '["a list"]'])
def test_a_file_that_holds_no_parameters_is_named(text: str, tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(OperatorError, match=r"parameters\.json"):
        read_parameters(file, [])


@pytest.mark.parametrize("pair", ["LakeName", "=lake"])
def test_a_parameter_without_a_name_or_value_is_refused(pair: str) -> None:
    with pytest.raises(OperatorError, match="Name=Value"):
        read_parameters(None, [pair])


def test_sam_reads_parameters_as_they_were_given() -> None:
    given = {
        "CrmSchedule": "cron(5 * * * ? *)",
        "CrmUrl": "https://example.my.salesforce.com",
        "Quoted": 'a "word"',
        "AlarmEmail": "",
    }

    _option, *values = overrides(given)

    assert CfnParameterOverridesType().convert(tuple(values), None, None) == given
