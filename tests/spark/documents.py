"""Documents with items: the entity whose histories are played, and what its tables hold in the model's words."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from lake.contract.plan import Check, Child, Curated, Cursor, Deletes, Field, Plan
from lake.curate.layout import Table, layout
from lake.curate.tables import Tables
from tests.spark.model import Bad, State, Stretch
from tests.spark.model import Version as Shown
from tests.spark.raw_loads import NOON, Version, at, cursor

MINUTES = f"CAST((unix_seconds({{}}) - {int(NOON.timestamp())}) / 60 AS INT)"


def column(name: str, field: str, kind: str, required: bool = False) -> Field:
    return Field(name, field, kind, required, "internal", name)


DOCUMENTS = Plan(
    entity="erp.document",
    source="erp",
    name="document",
    version="1.0.0",
    major=1,
    description="Documents with items",
    path="A_Document",
    key=("document",),
    fields=(
        column("document", "Document", "string", required=True),
        column("total", "Total", "decimal(10,0)"),
    ),
    children=(
        Child(
            entity="erp.item",
            name="item",
            field="to_Item",
            path="A_Item",
            key=("document", "number"),
            parent_key=("document",),
            description="Items of documents",
            fields=(
                column("document", "Document", "string", required=True),
                column("number", "Number", "int64", required=True),
                column("amount", "Amount", "int64"),
            ),
            checks=(Check("amount_not_negative", "error", "amount >= 0", "Nothing costs less than nothing"),),
        ),
    ),
    cursor=Cursor("instant", ("Changed",), 7, None, "own_pass", None),
    deletes=(Deletes("key_sweep", max_fraction=1.0), Deletes("feed")),
    checks=(),
    filter=None,
    initial_from=None,
    page_size=1000,
    overlap_s=0,
    settle_lag_s=0,
    freshness_s=86_400,
    curated=Curated(history=True, bad_fraction=1.0),
)
"""No brake stops a load of these. Their stamps are no part of their content, so that a document may become what it was."""

LATER = replace(
    DOCUMENTS,
    version="1.1.0",
    fields=(DOCUMENTS.fields[0], column("note", "Note", "string"), column("total", "Total", "decimal(20,0)")),
)
"""The contract with a new column, which the source leaves empty, and a wider one: no reason for a row to look changed."""
SINCE = 5
"""The first load that is written under it."""


def plan_at(load: int) -> Plan:
    """The plan of the release that wrote the load."""
    return DOCUMENTS if load < SINCE else LATER


def row(shown: Shown) -> Version:
    """The version as raw holds it."""
    amounts = (*shown.amounts, -1) if shown.breaks == "item.amount_not_negative" else shown.amounts
    unfit = shown.breaks == "unfit"
    stamp = None if shown.stamp is None else cursor(shown.stamp)
    values = {
        "Document": shown.key,
        "Total": None if unfit else Decimal(sum(shown.amounts)),
        "to_Item": [
            {"Document": shown.key, "Number": number, "Amount": amount} for number, amount in enumerate(amounts)
        ],
    }
    return Version(values, at(shown.observed), stamp, unfit={"Total": '"much"'} if unfit else None)


@dataclass(frozen=True)
class Found:
    """What the tables hold; of a current row the version's order and the amounts of its items."""

    current: dict[str, tuple[int, int | None, tuple[int, ...]]]
    deleted: dict[str, int]
    quarantine: list[Bad]
    history: list[Stretch]


def found(tables: Tables) -> Found:
    """Read the tables."""
    shape = layout(LATER)
    amounts: dict[str, list[int]] = {}
    for line in sorted(tables.read(shape.children[0]).collect(), key=lambda line: line._item):
        amounts.setdefault(line.document, []).append(line.amount)
    current = tables.read(shape.current).selectExpr("document", "total", "_cursor", MINUTES.format("_observed_at"))
    heads = {key: (total, observed, minutes(stamp)) for key, total, stamp, observed in current.collect()}
    assert amounts.keys() <= heads.keys()
    assert all(total == sum(amounts.get(key, ())) for key, (total, _, _) in heads.items())
    gone = tables.read(shape.deleted).selectExpr("document", MINUTES.format("deleted_at")).collect()
    seen = (MINUTES.format(name) for name in ("first_seen", "_observed_at"))
    bad = tables.read(shape.quarantine).selectExpr("document", *seen, "_cursor", "array_join(reasons, ',')", "status")
    assert len(gone) == len(dict(gone))
    return Found(
        {key: (observed, stamp, tuple(amounts.get(key, ()))) for key, (_, observed, stamp) in heads.items()},
        dict(gone),
        [Bad(key, first, last, minutes(stamp), *rest) for key, first, last, stamp, *rest in bad.collect()],
        stretches(tables, shape.history) if shape.history else [],
    )


def stretches(tables: Tables, history: Table) -> list[Stretch]:
    """The rows of history."""
    instants = (MINUTES.format(name) for name in ("valid_from", "valid_to", "_observed_at"))
    rows = tables.read(history).selectExpr("document", "item.amount", "_ended", *instants, "_cursor").collect()
    return [
        Stretch(key, tuple(amounts), ended, since, until, observed, minutes(stamp))
        for key, amounts, ended, since, until, observed, stamp in rows
    ]


def minutes(stamp: str | None) -> int | None:
    """The minute of a cursor."""
    return None if stamp is None else int((datetime.fromisoformat(stamp) - NOON).total_seconds() // 60)


def differences(expected: State, there: Found) -> list[str]:
    """Where the tables are not what the model says, a line for each key and table."""
    current = {key: (each.observed, each.stamp, each.amounts) for key, each in expected.current.items()}
    lines = [
        f"{key}: current has {there.current.get(key)}, not {current.get(key)}"
        for key in sorted(current.keys() | there.current.keys())
        if there.current.get(key) != current.get(key)
    ]
    lines += [
        f"{key}: deleted has {there.deleted.get(key)}, not one of {sorted(expected.deleted.get(key, ()))}"
        for key in sorted(expected.deleted.keys() | there.deleted.keys())
        if there.deleted.get(key) not in expected.deleted.get(key, ())
    ]
    has, wanted = (Counter[Bad | Stretch]([*some.quarantine, *some.history]) for some in (there, expected))
    lines += [f"{each.key}: there is {each}" for each in has - wanted]
    lines += [f"{each.key}: there is no {each}" for each in wanted - has]
    return sorted(lines)


def contents(tables: Tables) -> dict[str, list[str]]:
    """All rows of all tables, but the instants of deletions, when the lake knew (`closed_at`), and by which release it judged
    (`contract`). Columns stand in the order of their names: one that was added later comes last in its table."""
    own = ("closed_at", "contract", "deleted_at")
    rows = {table.name: tables.read(table).drop(*own) for table in layout(LATER).all}
    return {name: sorted(str(line) for line in of.select(*sorted(of.columns)).collect()) for name, of in rows.items()}
