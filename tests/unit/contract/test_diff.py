"""What lies between two versions of a contract: compatible or breaking, and what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lake.contract.build import compile_folder
from lake.contract.diff import compare, refused
from lake.contract.plan import Check, Curated, Deletes, Field, Plan
from lake.contract.released import read_released, written

if TYPE_CHECKING:
    from collections.abc import Callable

BUILT = compile_folder(Path(__file__).parents[3] / "contracts")
ORDER = Plan.load(BUILT["erp.sales_order.json"])
type Edit = Callable[[Plan], Plan]


def field(name: str, **said: Any) -> Edit:
    """A field of orders changed; one that there is none of is added."""

    def edit(plan: Plan) -> Plan:
        new = Field(name, name.upper(), "string(5)", required=False, classification="internal", description="")
        known = [each.name for each in plan.fields]
        fields = [replace(each, **said) if each.name == name else each for each in plan.fields]
        return replace(plan, fields=tuple(fields if name in known else [*fields, replace(new, **said)]))

    return edit


def without(name: str) -> Edit:
    return lambda plan: replace(plan, fields=tuple(each for each in plan.fields if each.name != name))


def renamed(plan: Plan) -> Plan:
    fields = [
        replace(each, name="buyer", renamed_from=each.name) if each.name == "sold_to_party" else each
        for each in plan.fields
    ]
    return replace(plan, fields=tuple(fields))


def rule(sql: str, severity: Any = "error") -> Edit:
    return lambda plan: replace(plan, checks=(Check("r", severity, sql, ""),))


def items(**said: Any) -> Edit:
    return lambda plan: replace(plan, children=(replace(plan.children[0], **said), *plan.children[1:]))


def curated(**said: Any) -> Edit:
    return lambda plan: replace(plan, curated=replace(plan.curated, **said))


def same(plan: Plan) -> Plan:
    return plan


COMPATIBLE: list[tuple[str, Edit, Edit, str]] = [
    ("a new column", same, field("x"), "x: is a new column, null until its row changes"),
    ("a longer text", field("x"), field("x", type="string(9)"), "x: is widened from string(5) to string(9)"),
    ("a text of any length", field("x"), field("x", type="string"), "x: is widened"),
    ("more digits", field("x", type="decimal(9,2)"), field("x", type="decimal(12,2)"), "x: is widened"),
    ("finer stamps", field("x", type="timestamp(0)"), field("x", type="timestamp(6)"), "x: is widened"),
    ("null allowed", field("x", required=True), field("x"), "x: may be null now"),
    ("a declared rename", same, renamed, "buyer: is the new name of sold_to_party; readers take the new name"),
    ("more open", field("x"), field("x", classification="public"), "x: is public, and was internal; more people see it"),
    ("less open", field("x"), field("x", classification="personal"), "x: is personal, and was internal; readers"),
    ("another description", field("x"), field("x", description="y"), "x: says otherwise how it is written or described"),
    ("a new warning", rule("`x` > 1"), lambda p: replace(p, checks=(*rule("`x` > 1")(p).checks, Check("w", "warning", "a", ""))),
     "w: is a new rule (warning)"),
    ("a rule less", rule("`x` > 1"), lambda p: replace(p, checks=()), "r: is a rule no more"),
    ("an error that warns", rule("`x` > 1"), rule("`x` > 1", "warning"), "r: counts now what it quarantined"),
    ("a tighter warning", rule("`x` > 1", "warning"), rule("`x` > 2", "warning"), "r: is a looser rule, or one that only warns"),
    ("a lower bound", rule("`x` > 1"), rule("`x` >= 1"), "r: is a looser rule"),
    ("a lower number", rule("`x` >= 10"), rule("`x` >= 9.5"), "r: is a looser rule"),
    ("a later day", rule("`x` <= DATE '2020-01-01'"), rule("`x` <= DATE '2021-01-01'"), "r: is a looser rule"),
    ("a longer list", rule("`x` IN ('a', 'b')"), rule("`x` IN ('b', 'c', 'a')"), "r: is a looser rule"),
    ("a new table of items", lambda p: replace(p, children=()), same, "sales_order_item: is a new table of items"),
    ("history", same, curated(history=True), "curated.history: a table of all versions is begun"),
    ("further back", same, curated(snapshots_s=9_999_999), "curated.time_travel: reaches further back"),
    ("fresher", same, lambda p: replace(p, freshness_s=60), "slaProperties: latency: owes more"),
    ("another order", same, curated(sort=("sold_to_party",)), "curated.sort: is another one; `lake rebuild`"),
    ("another brake", same, curated(bad_fraction=0.5), "curated.bad_fraction: is another one"),
    ("pages", same, lambda p: replace(p, page_size=7), "page_size: says otherwise how it is read"),
    ("deletions", same, lambda p: replace(p, deletes=(Deletes("none"),)), "deletes: says otherwise how it is read"),
]  # fmt: skip
BREAKING: list[tuple[str, Edit, Edit, str]] = [
    ("a new column that is required", same, field("x", required=True), "x: is a new column that may not be null; rows"),
    ("a shorter text", field("x"), field("x", type="string(4)"), "x: becomes string(4), and was string(5): values may not fit"),
    ("another type", field("x"), field("x", type="int64"), "x: becomes int64, and was string(5)"),
    ("fewer digits", field("x", type="decimal(9,2)"), field("x", type="decimal(8,2)"), "x: becomes decimal(8,2)"),
    ("another scale", field("x", type="decimal(9,2)"), field("x", type="decimal(12,3)"), "x: becomes decimal(12,3)"),
    ("null no more", field("x"), field("x", required=True), "x: may no longer be null"),
    ("a column less", field("x"), same, "x: is gone; if it has a new name, say `renamed_from: x` there"),
    ("another field of the source", field("x"), field("x", field="Y"), "x: reads Y instead of X"),
    ("another key", same, lambda p: replace(p, key=("sold_to_party",)), "key: another key: rows are told apart otherwise"),
    ("another cursor", same, lambda p: replace(p, cursor=replace(p.cursor, fields=("CreationDate",))), "cursor: another stamp"),
    ("another object", same, lambda p: replace(p, path="X"), "path: another object of the source"),
    ("another part", same, lambda p: replace(p, filter="X eq 1"), "filter: another part of the source"),
    ("a later beginning", same, lambda p: replace(p, initial_from="2020-01-01T00:00:00Z"), "initial_from: another beginning"),
    ("a new error", rule("`x` > 1"), lambda p: replace(p, checks=(*rule("`x` > 1")(p).checks, Check("e", "error", "a", ""))),
     "e: is a new rule (error); make it a warning first"),
    ("a warning that quarantines", rule("`x` > 1", "warning"), rule("`x` > 1"), "r: quarantines now what it counted"),
    ("a higher bound", rule("`x` >= 1"), rule("`x` > 1"), "r: may refuse rows that were good"),
    ("a bound of another column", rule("`x` >= 1"), rule("`y` >= 1"), "r: may refuse"),
    ("a bound of another side", rule("`x` >= 1"), rule("`x` <= 1"), "r: may refuse"),
    ("a shorter list", rule("`x` IN ('a', 'b')"), rule("`x` IN ('a')"), "r: may refuse"),
    ("a list of another column", rule("`x` IN ('a')"), rule("`y` IN ('a')"), "r: may refuse"),
    ("a condition of any kind", rule("`x` > 1 OR `y`"), rule("`x` > 1 OR `z`"), "r: may refuse"),
    ("a table of items less", same, lambda p: replace(p, children=()), "sales_order_item: the table of items is gone"),
    ("other items", same, items(field="to_Other"), "sales_order_item.field: means other items"),
    ("a column of items less", same, items(fields=()), "sales_order_item.material: is gone"),
    ("history no more", curated(history=True), same, "curated.history: the table of all versions is no longer kept"),
    ("less far back", same, curated(snapshots_s=60), "curated.time_travel: reaches less far back"),
    ("later", same, lambda p: replace(p, freshness_s=999_999), "slaProperties: latency: owes less; keep the promise"),
]  # fmt: skip


def changes(before: Plan, after: Plan) -> list[tuple[str, bool]]:
    found = compare({"e": before}, {"e": after})
    assert all(str(change).startswith(f"{change.entity}: {change.place}: ") for change in found)
    return [(str(change).partition(": ")[2], change.breaking) for change in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"), [case[1:] for case in COMPATIBLE], ids=[case[0] for case in COMPATIBLE]
)
def test_what_readers_do_not_notice_is_compatible(before: Edit, after: Edit, expected: str) -> None:
    ((text, breaking),) = changes(before(ORDER), after(ORDER))
    assert text.startswith(expected)
    assert not breaking


@pytest.mark.parametrize(
    ("before", "after", "expected"), [case[1:] for case in BREAKING], ids=[case[0] for case in BREAKING]
)
def test_what_breaks_readers_is_breaking_and_says_what_to_do(before: Edit, after: Edit, expected: str) -> None:
    found = changes(before(ORDER), after(ORDER))
    assert all(breaking for _, breaking in found)
    assert any(text.startswith(expected) for text, _ in found), found
    assert all("; " in text for text, _ in found)


def test_equal_contracts_have_no_changes() -> None:
    plans = {"e": ORDER}
    assert compare(plans, plans) == []


def test_a_condition_as_its_author_wrote_it_equals_its_compiled_form() -> None:
    before = field("x", type="int64")(rule("x > 1 AND sold_to_party IS NOT NULL")(ORDER))
    after = field("x", type="int64")(rule("(`x` > 1) AND (`sold_to_party` IS NOT NULL)")(ORDER))
    assert changes(before, after) == []


def test_breaking_is_refused_unless_the_major_version_is_new() -> None:
    broken = without("sold_to_party")(ORDER)
    assert [change.place for change in refused({"e": ORDER}, {"e": broken})] == ["sold_to_party"]
    assert refused({"e": ORDER}, {"e": replace(broken, major=2, version="2.0.0")}) == []
    assert refused({"e": ORDER}, {"e": field("x")(ORDER)}) == []


def test_an_entity_that_is_gone_and_a_version_that_goes_back_are_refused() -> None:
    (gone,) = refused({"e": ORDER}, {})
    assert str(gone).startswith("e: entity: is gone; tables and raw stay")
    newer = replace(ORDER, version="1.10.0")
    (change,) = refused({"e": newer}, {"e": replace(ORDER, version="1.9.0")})
    assert change.what == "goes back from 1.10.0 to 1.9.0"


def test_what_was_released_survives_its_file(tmp_path: Path) -> None:
    plans = {"erp.sales_order": replace(ORDER, curated=Curated(history=True)), "a": ORDER}
    file = tmp_path / "released.json"
    assert read_released(file) == {}
    file.write_text(written(plans), "utf-8")
    assert read_released(file) == plans
    assert len(file.read_text("utf-8").splitlines()) == 4
