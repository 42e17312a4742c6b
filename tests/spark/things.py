"""Things with a number and a name: a small entity whose keys may be unfit, whose rows may be bad or flagged as deleted."""

from dataclasses import replace
from typing import Any

from lake.contract.plan import Check, Curated, Deletes, Plan
from lake.curate.layout import layout
from lake.curate.tables import Tables
from tests.spark.documents import DOCUMENTS, column
from tests.spark.raw_loads import RawFolder, Version, at, cursor

THINGS = replace(
    DOCUMENTS,
    entity="erp.thing",
    name="thing",
    path="A_Thing",
    key=("number",),
    fields=(
        column("number", "Number", "int64", required=True),
        column("name", "Name", "string"),
        column("gone", "Gone", "boolean"),
    ),
    children=(),
    checks=(Check("is_not_bad", "error", "name <> 'bad'", "Nothing is called so"),),
    deletes=(Deletes("soft_flag", "Gone"), Deletes("key_sweep", max_fraction=1.0)),
    curated=Curated(history=True, bad_fraction=1.0),
)
"""No brake stops a load of these."""


def braked(plan: Plan) -> Plan:
    """The same with the brake that a contract has that declares none."""
    return replace(plan, deletes=tuple(replace(each, max_fraction=None) for each in plan.deletes))


def thing(number: int | str | None, observed: float, name: str = "good", gone: bool = False) -> Version:
    """One version; a number as text was sent as a JSON string that is none."""
    unfit = {"Number": f'"{number}"'} if isinstance(number, str) else None
    values: dict[str, Any] = {"Number": None if unfit else number, "Name": name, "Gone": gone}
    return Version(values, at(observed), cursor(observed), unfit=unfit)


def keys(*numbers: int | str) -> list[tuple[str, ...]]:
    """Keys as a sweep lands them."""
    return [(f'"{number}"' if isinstance(number, str) else str(number),) for number in numbers]


def told_gone(raw: RawFolder, plan: Plan, numbers: range | tuple[int, ...], asked: float) -> int:
    """Suspects that were not found when they were asked for; returns the load's number."""
    return raw.tombstones(plan, [((str(number),), at(asked)) for number in numbers], reason="suspects")


def current(tables: Tables, plan: Plan = THINGS) -> set[Any]:
    """The numbers in current."""
    return {row.number for row in tables.read(layout(plan).current).collect()}


def contents(tables: Tables, plan: Plan = THINGS) -> list[list[str]]:
    """All rows of all tables, without the instants at which the lake did something."""
    return [sorted(map(str, tables.read(table).drop("closed_at").collect())) for table in layout(plan).all]
