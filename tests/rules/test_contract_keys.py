"""docs/contracts.md has every key that is read and no other, each with an example, and its examples compile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from open_data_contract_standard import model as standard

from lake.contract import odcs
from lake.contract.build import compile_folder
from lake.contract.constraints import LENGTH, RANGE
from lake.contract.functions import PLAIN, SPECIAL
from lake.contract.keys import DESCRIBING, FOR_PEOPLE, READ, REFUSED
from lake.contract.plan import Curated, Plan
from tests.rules.project import read

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

PAGE = "docs/contracts.md"
EXAMPLE = re.compile(r"^```yaml\n# (.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


SECTIONS: dict[str, set[str]] = {
    "The contract": READ["contract"],
    "Team": READ["team"],
    "Member": READ["member"],
    "Freshness": READ["sla"],
    "Custom property": READ["custom"],
    "A table": READ["table"],
    "Child": keys(odcs.ChildSpec),
    "A field": READ["field"],
    "Enumeration": READ["enum"],
    "Bounds": RANGE.keys() | LENGTH.keys() | {"multipleOf", "pattern"},
    "Rules": READ["quality"],
    "Arguments": {"missingValues", "validValues", "pattern"},
    "Relationships": READ["relationship"],
    "Extraction": keys(odcs.ExtractionSpec),
    "Cursor": keys(odcs.CursorSpec),
    "Full refresh": keys(odcs.FullRefreshSpec),
    "Initial": keys(odcs.InitialSpec),
    "Paging": keys(odcs.PagingSpec),
    "Count": keys(odcs.CountSpec),
    "Deletes": keys(odcs.DeletesSpec),
    "Curated": keys(odcs.CuratedSpec),
    "Quarantine": keys(odcs.QuarantineSpec),
    "The source": keys(odcs.SourceSpec),
    "Login": keys(odcs.AuthSpec),
    "Limits": keys(odcs.LimitsSpec),
    "Clock": keys(odcs.ClockSpec),
}
"""A heading of the page → the keys that the code reads there."""

MODELS: dict[str, type[BaseModel]] = {
    "contract": standard.OpenDataContractStandard,
    "team": standard.Team,
    "member": standard.TeamMember,
    "table": standard.SchemaObject,
    "field": standard.SchemaProperty,
    "enum": standard.EnumValue,
    "quality": standard.DataQuality,
    "relationship": standard.Relationship,
    "sla": standard.ServiceLevelAgreementProperty,
    "custom": standard.CustomProperty,
}


def sections() -> dict[str, set[str]]:
    """Heading → the keys of the table below it."""
    parts = re.split(
        r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", read(PAGE), flags=re.MULTILINE | re.DOTALL), flags=re.MULTILINE
    )
    found = {
        name: set(re.findall(r"^\| `([\w]+)` \|", text, re.MULTILINE))
        for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    return {name: keys for name, keys in found.items() if keys}


def in_examples(value: Any) -> set[str]:
    """All keys in a YAML value, at any depth."""
    if isinstance(value, dict):
        return set(value) | {key for each in value.values() for key in in_examples(each)}
    return {key for each in value for key in in_examples(each)} if isinstance(value, list) else set()


def test_the_page_has_each_key_that_the_code_reads_and_no_other() -> None:
    assert sections() == SECTIONS


@pytest.mark.parametrize("part", MODELS)
def test_each_key_of_the_standard_is_read_for_people_or_refused(part: str) -> None:
    known = [READ[part], FOR_PEOPLE[part], set(REFUSED[part])]
    sorted_out, there = set[str]().union(*known), keys(MODELS[part])
    assert sorted_out - DESCRIBING <= there
    assert there - sorted_out <= DESCRIBING
    assert sum(len(each) for each in known) == len(sorted_out)


def test_each_key_has_an_example() -> None:
    shown = {key for _, text in EXAMPLE.findall(read(PAGE)) for key in in_examples(yaml.safe_load(text))}
    assert {key for keys in sections().values() for key in keys} - shown == {"rest"}


def test_the_pages_examples_compile(tmp_path: Path) -> None:
    files = {name: text for name, text in EXAMPLE.findall(read(PAGE)) if name.endswith(".yaml")}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    plan = Plan.load(compile_folder(tmp_path)["shop.order.json"])
    assert plan.curated == Curated(True, ("ordered_on", "buyer"), ("bucket(16, order_id)",), 0.2, 100, 30 * 86_400)
    (logins,) = (yaml.safe_load(text) for name, text in EXAMPLE.findall(read(PAGE)) if name == "auth, one of")
    assert [odcs.AuthSpec.model_validate(login).type for login in logins]


def test_the_page_names_each_function_of_a_condition() -> None:
    table = read(PAGE).partition("| of | functions |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) == PLAIN.keys() | SPECIAL.keys()
