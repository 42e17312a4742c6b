"""Whatever a source calls its fields, and whatever a contract calls its columns: what was sent is what is curated."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lake.contract.plan import Curated, Deletes, Field, Plan
from lake.contract.raw_columns import with_columns
from lake.curate.entity import curate
from lake.curate.layout import layout
from lake.curate.rebuild import rebuild
from lake.curate.tables import Tables
from lake.curate.verify import verify
from lake.raw import schema
from tests.spark.documents import DOCUMENTS
from tests.spark.notebook import Notebook
from tests.spark.raw_loads import RawFolder, Version, at, cursor, row_schema

SENT = (
    "_row", "_cursor", "_UNFIT", "_unmapped", "_observed_at", "major", "loaded_on", "_file", "_metadata", "_load", "_source",
    "Sales.Region", "it's", 'say "hi"', "back`tick", "it's a.b", "a b,c;{d}(e)=f", "Status", "STATUS", "status", "x", "document",
)  # fmt: skip
HERE = (
    "status", "reasons", "plan", "deleted_at", "row", "contract", "first_seen", "closed_at", "replayed_by", "valid_from",
    "valid_to", "x", "s", "t", "o", "done", "date", "order", "select", "left", "end", "name", "alive",
)  # fmt: skip
"""Columns that some table of the lake's own has, words of SQL, and what statements call their parts."""
(CHILD,) = DOCUMENTS.children


def of(name: str, field: str, kind: str = "string") -> Field:
    return Field(name, field, kind, False, "internal", name)


def made(plan: Plan) -> Plan:
    """The plan as contracts are compiled."""
    fields, children = with_columns(plan.fields, plan.children, plan.key)
    return replace(plan, fields=fields, children=children)


KEYS = (of("number", "it's a.key", "int64"), of("part", "_deleted_at"))
ITEMS = (*(of(key.name, key.field, key.type) for key in KEYS), of("position", "Position", "int64"))
WHOLE = replace(
    DOCUMENTS,
    key=("number", "part"),
    fields=(*KEYS, *(of(f"c{n}", name) for n, name in enumerate(SENT)), of("gone", "Is.Deleted's", "boolean")),
    children=(
        replace(
            CHILD, field="STATUs", key=("number", "part", "position"), parent_key=("number", "part"), checks=(),
            fields=(*ITEMS, *(of(f"c{n}", name) for n, name in enumerate(SENT))),
        ),
    ),
    deletes=(Deletes("key_sweep"), Deletes("feed"), Deletes("soft_flag", "Is.Deleted's")),
)  # fmt: skip
PLAN = made(WHOLE)


def sent(key: int | None, observed: float, mark: str = "", **more: Any) -> Version:
    names = {"it's a.key": key, "_deleted_at": "p"}
    values = names | {name: f"{name}{mark}" for name in SENT}
    return Version(
        values | {"Is.Deleted's": False, "STATUs": [values | {"Position": 7}]}, at(observed), cursor(observed), **more
    )


def wanted(mark: str = "") -> list[str]:
    return [f"{name}{mark}" for name in SENT]


def test_fields_of_any_names_are_curated_as_they_were_sent(spark: Any, tables: Tables, raw: RawFolder) -> None:
    assert row_schema(PLAN) == schema.row_schema(PLAN)
    raw.rows(PLAN, [sent(1, 1), sent(2, 1), sent(3, 1), sent(4, 1)])
    curate(spark, tables, raw, Notebook(), PLAN)
    bad = sent(None, 6, "!", unfit={"it's a.key": "five", "Sales.Region": 5})
    flagged = replace(
        sent(None, 6, "?", unfit={"it's a.key": "six"}), values=sent(None, 6, "?").values | {"Is.Deleted's": True}
    )
    raw.rows(PLAN, [sent(1, 6, "+"), bad, flagged])
    raw.sweep(PLAN, [("1", "p"), ("2", "p"), ("4", "p"), ("five", "p"), ("9", "p")], at(8))
    raw.tombstones(PLAN, [(("4", "p"), at(9))])
    notes = Notebook()
    record = curate(spark, tables, raw, notes, PLAN)
    shape, columns = layout(PLAN), [f"c{n}" for n in range(len(SENT))]
    current = {row[0]: list(row[1:]) for row in tables.read(shape.current).select("number", *columns).collect()}
    assert current == {1: wanted("+"), 2: wanted()}
    items = {
        row[0]: list(row[1:]) for row in tables.read(shape.children[0]).select("number", "position", *columns).collect()
    }
    assert items == {1: [7, *wanted("+")], 2: [7, *wanted()]}
    assert shape.history is not None
    assert sorted(row.number for row in tables.read(shape.history).collect()) == [1, 1, 2, 3, 4]
    held = [json.loads(row.row) for row in tables.read(shape.quarantine).collect()]
    assert sorted(row["Sales.Region"] for row in held) == ["Sales.Region!", "Sales.Region?"]
    assert {row["_row_2"] for row in held} == {"_row!", "_row?"}
    assert sorted(row.number for row in tables.read(shape.deleted).collect()) == [3, 4]
    assert (record["quarantined"], record["tombstoned"], record["lacking"]) == (2, 2, 1)
    assert json.loads(raw.get(notes.wants["erp.document"][0]) or b"")["keys"] == [["9", "p"]]
    verified = verify(spark, tables, raw, notes, PLAN)
    assert (verified["only_in_raw"], verified["only_in_tables"], verified["older"]) == (0, 0, 0)
    rebuilt = rebuild(spark, tables, raw, notes, PLAN)
    assert {found["different"] + found["only_before"] for found in rebuilt["tables"].values()} == {0}


def test_a_load_of_a_plan_from_before_is_read_by_the_names_of_that_plan(
    spark: Any, tables: Tables, raw: RawFolder
) -> None:
    names = ("major", "_file", "_metadata", "_load", "Sales.Region", "STATUS")
    fields = (DOCUMENTS.fields[0], *(of(f"c{n}", name) for n, name in enumerate(names)))
    before = replace(DOCUMENTS, fields=fields, children=())
    today = made(replace(before, fields=(*fields[:-1], of("twin", "Status"), fields[-1])))
    assert (today.fields[1].raw, today.fields[-1].raw) == ("major_2", "STATUS_2")
    raw.rows(before, [Version({"Document": "a", **{name: f"{name} a" for name in names}}, at(1), cursor(1))])
    raw.rows(
        today, [Version({"Document": "b", "Status": "twin", **{name: f"{name} b" for name in names}}, at(2), cursor(2))]
    )
    curate(spark, tables, raw, Notebook(), today)
    rows = (
        tables.read(layout(today).current).select("document", "twin", *(f"c{n}" for n in range(len(names)))).collect()
    )
    found = {row[0]: list(row[1:]) for row in rows}
    assert found == {"a": [None, *(f"{name} a" for name in names)], "b": ["twin", *(f"{name} b" for name in names)]}


@pytest.mark.parametrize("history", [False, True], ids=["current alone", "with history"])
def test_columns_may_be_called_as_those_of_tables_that_do_not_hold_them(
    spark: Any, tables: Tables, raw: RawFolder, history: bool
) -> None:
    here = [name for name in HERE if not (history and name.startswith("valid_"))]
    child = replace(
        CHILD, name="u", key=("x", "number"), parent_key=("x",),
        fields=(of("x", "Document"), *CHILD.fields[1:], *(of(name, f"F{n}") for n, name in enumerate(here) if name != "x")),
    )  # fmt: skip
    plan = made(
        replace(
            DOCUMENTS, key=("x",), children=(child,), curated=Curated(history=history),
            fields=(of("x", "Document"), *(of(name, f"F{n}") for n, name in enumerate(here) if name != "x")),
        )
    )  # fmt: skip
    names = [name for name in here if name != "x"]

    def version(key: str, observed: float, mark: str) -> Version:
        values = {field.field: f"{field.name}{mark}" for field in plan.fields} | {"Document": key}
        return Version(
            values | {"to_Item": [values | {"Number": 1, "Amount": 1 if mark else -1}]}, at(observed), cursor(observed)
        )

    raw.rows(plan, [version("a", 1, "1"), version("b", 1, "1"), version("c", 1, "")])
    raw.tombstones(plan, [(("a",), at(2)), (("b",), at(2))])
    curate(spark, tables, raw, Notebook(), plan)
    raw.rows(plan, [version("a", 3, "2"), version("c", 3, "2")])
    record = curate(spark, tables, raw, Notebook(), plan)
    shape = layout(plan)
    for table in (shape.current, shape.children[0]):
        rows = {
            row[0]: list(row[1:]) for row in tables.read(table).select("x", *(f"`{name}`" for name in names)).collect()
        }
        assert rows == {key: [f"{name}2" for name in names] for key in ("a", "c")}
    assert [row.status for row in tables.read(shape.quarantine).collect()] == ["superseded"]
    assert [row.x for row in tables.read(shape.deleted).collect()] == ["b"]
    assert (record["merged"], record["live_by_raw"], record["live_in_tables"]) == (2, 2, 2)
