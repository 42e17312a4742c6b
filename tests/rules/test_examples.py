"""What the documents show works: examples compile, and each error that people can meet has its line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from lake.contract.build import compile_folder
from lake.contract.errors import ContractError
from lake.contract.plan import Plan
from lake.run.remedy import REMEDIES
from tests.rules.project import ROOT, read

if TYPE_CHECKING:
    from pathlib import Path

YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def example(document: str) -> str:
    """The first YAML block of a document."""
    match = YAML.search(read(document))
    assert match is not None
    return match[1]


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    """A folder with the CRM's source alone."""
    (tmp_path / "crm").mkdir()
    (tmp_path / "crm" / "source.yaml").write_text(read("contracts/crm/source.yaml"), "utf-8")
    return tmp_path


def test_the_contract_that_shows_how_to_add_an_entity_compiles(contracts: Path) -> None:
    (contracts / "crm" / "lead.odcs.yaml").write_text(example("docs/adding-an-entity.md"), "utf-8")
    plan = Plan.load(compile_folder(contracts)["crm.lead.json"])
    assert (plan.table, plan.key, plan.cursor.fields) == ("crm_lead", ("id",), ("SystemModstamp",))


def test_the_message_that_the_same_page_shows_is_the_builds_own(contracts: Path) -> None:
    contract = example("docs/adding-an-entity.md").replace("classification: personal, ", "")
    (contracts / "crm" / "lead.odcs.yaml").write_text(contract, "utf-8")
    with pytest.raises(ContractError) as found:
        compile_folder(contracts)
    assert str(found.value) in read("docs/adding-an-entity.md")


def test_each_error_with_a_remedy_stands_in_the_operators_table() -> None:
    told = set(re.findall(r"^\| `([\w.]+)` \|", read("docs/operations.md"), re.MULTILINE))
    assert REMEDIES.keys() - told == set()


def test_each_parameter_of_the_stack_stands_in_the_readme() -> None:
    class Loader(yaml.SafeLoader):
        """Reads CloudFormation's tags as nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    template = yaml.load((ROOT / "template.yaml").read_text("utf-8"), Loader)  # noqa: S506 - a safe loader, tags ignored
    added = re.compile(
        r"(?!Crm|Erp)[A-Z][a-z0-9]*(Url|SecretArn|Schedule)"
    )  # a further source's: docs/adding-a-source.md
    own = [name for name in template["Parameters"] if not added.fullmatch(name)]
    assert [name for name in own if f"`{name}`" not in read("README.md")] == []
