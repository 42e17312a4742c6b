"""What happens in the source during a history. Each change draws from a seed of its own, so that steps can be left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from local.simulators.changes import ChangeError
from local.simulators.schema import ENTITIES, children
from local.simulators.world import account_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.convergence.kinds import Kind
    from tests.convergence.origin import Document, Origin

type Step = Mapping[str, Any]

FREE = {
    "crm.account": "Industry",
    "erp.business_partner": "LastName",
    "erp.sales_order": "ExternalDocumentID",
    "hubspot.contact": "lastname",
    "service.work_order": "customer",
    "service.engineer": "name",
}
VALUES = ("A", "B")
"""Few, so that rows often go back to what they were."""
ODD = ["odd_text", "long_text", "beyond_floats", "many_digits", "null"]


def far(number: int) -> int:
    """A number that nobody else gives: others take the highest one and one more."""
    return 8_000_000 + 1_000 * number


NEW: dict[str, Callable[[int], dict[str, Any]]] = {
    "crm.account": lambda number: {"Id": account_id(7_000_000 + number), "Name": "old"},
    "erp.business_partner": lambda number: {"BusinessPartner": f"{far(number):010d}"},
    "erp.sales_order": lambda number: {
        "SalesOrder": f"{far(number):010d}",
        "to_Item": [{"SalesOrderItem": "000010"}],
    },
    "hubspot.contact": lambda number: {"hs_object_id": str(50_000_000_000 + number), "lastname": "old"},
}


@dataclass
class Hand:
    """Who makes the changes. `old`: keys of rows that appeared with an old stamp. `erased`: rows that may come back."""

    origin: Origin
    kind: Kind
    old: set[tuple[str, ...]] = field(default_factory=set)
    erased: list[Document] = field(default_factory=list)
    kept: bool = False
    numbers: int = 0
    favourite: tuple[str, ...] | None = None
    flips: int = 0
    ever_erased: set[tuple[str, ...]] = field(default_factory=set)
    restored: bool = False

    def pick(self, step: Step, where: Callable[[Document], bool] = lambda _: True) -> list[tuple[str, ...]]:
        """Some keys of visible rows."""
        found = sorted(key for key, row in self.origin.truth(self.kind.entity).items() if where(row))
        if step.get("favourite"):
            self.favourite = self.favourite or (found[step["seed"] % len(found)] if found else None)
            return [self.favourite] if self.favourite in found else []
        return Random(step["seed"]).sample(found, min(step.get("rows", 1), len(found)))  # noqa: S311

    def when(self, step: Step) -> dict[str, Any]:
        """The stamp of a change, and how late it is seen."""
        back = timedelta(minutes=step.get("back", 0))
        stamp: str | None = (self.origin.store.now - back).isoformat()
        if step.get("unstamped") and self.kind.unstamps:
            stamp = None
        if self.kind.entity == "service.engineer":
            stamp = "none"
        return {"stamp": stamp, "visible_after_minutes": step.get("late") or None}


def edit(hand: Hand, step: Step) -> None:
    """Some rows get another value, or the one they have."""
    values = Random(step["seed"])  # noqa: S311
    for key in hand.pick(step):
        columns = {FREE[hand.kind.entity]: values.choice(VALUES)}
        hand.origin.perform("change", entity=hand.kind.entity, key=list(key), set=columns, **hand.when(step))


def flip(hand: Hand, step: Step) -> None:
    """One row, always the same, has one value, then the other, then the first one again."""
    hand.flips += 1
    for key in hand.pick(step):
        columns = {FREE[hand.kind.entity]: VALUES[hand.flips % 2]}
        hand.origin.perform("change", entity=hand.kind.entity, key=list(key), set=columns, **hand.when(step))


def bulk(hand: Hand, step: Step) -> None:
    """More rows than a page has are changed at one instant."""
    edit(hand, step)


def churn(hand: Hand, step: Step) -> None:
    """Whatever users do."""
    hand.origin.perform("random_changes", changes=step["rows"], seed=step["seed"], **_delay(step))


def odd(hand: Hand, step: Step) -> None:
    """Values that break naive readers."""
    kinds = [*ODD, "odd_key"] if hand.kind.face.startswith("odata") else ODD
    hand.origin.perform("odd_values", entity=hand.kind.entity, rows=step["rows"], seed=step["seed"], kinds=kinds)


def erase(hand: Hand, step: Step) -> None:
    """Rows are deleted: softly where that is all that the lake can see."""
    live = (lambda row: not row["IsDeleted"]) if hand.kind.bins else (lambda _: True)
    keys = hand.pick(step, live)
    documents = hand.origin.truth(hand.kind.entity)
    hand.ever_erased |= set(keys)
    hand.erased += [] if hand.kind.bins else [documents[key] for key in keys]
    body = {"entity": hand.kind.entity, "keys": [list(key) for key in keys], "hard": not hand.kind.bins}
    hand.origin.perform("delete", **body, stamp=(hand.when(step)["stamp"] or "now"))


def bring_back(hand: Hand, step: Step) -> None:
    """A row that was deleted comes back as it was, with a new stamp."""
    if hand.kind.entity == "crm.account":
        for key in hand.pick(step, lambda row: bool(row["IsDeleted"])):
            hand.origin.perform("undelete", entity=hand.kind.entity, keys=[list(key)], **hand.when(step))
        return
    entity = ENTITIES[hand.kind.entity]
    mine = [
        doc for doc in hand.erased if not step.get("favourite") or tuple(doc[k] for k in entity.key) == hand.favourite
    ]
    if not mine:
        return
    document = mine[Random(step["seed"]).randrange(len(mine))]  # noqa: S311
    hand.erased.remove(document)
    nested = {str(child.navigation): child for child in children(entity)}
    row: dict[str, Any] = {
        name: value for name, value in document.items() if name in entity.columns and name not in _stamps(hand, step)
    }
    for name, child in nested.items():
        own = [column for column in child.columns if column not in entity.key]
        row[name] = [{column: item[column] for column in own} for item in document[name]]
    try:
        hand.origin.perform("insert", entity=hand.kind.entity, row=row, **hand.when(step))
    except ChangeError:
        return  # somebody else has inserted it


def appear(hand: Hand, step: Step) -> None:
    """Rows appear with a stamp of long ago."""
    if not hand.kind.old:
        return
    stamp = (hand.origin.store.now - timedelta(days=step["days"])).isoformat()
    for _ in range(step["rows"]):
        hand.numbers += 1
        row = NEW[hand.kind.entity](hand.numbers)
        (key,) = hand.origin.perform("insert", entity=hand.kind.entity, row=row, stamp=stamp)["keys"]
        hand.old.add(tuple(key))


def keep(hand: Hand, _: Step) -> None:
    """A backup is made."""
    hand.origin.perform("snapshot")
    hand.kept = True


def restore(hand: Hand, _: Step) -> str | None:
    """The backup is restored: stamps go back too."""
    if not hand.kept:
        return None
    hand.origin.perform("restore")
    hand.restored = True
    return "refresh"


def track(hand: Hand, step: Step) -> None:
    """Links are given, or not; in one notation or another; those that were given are forgotten."""
    if hand.kind.tracks:
        both = step.get("both", False)
        hand.origin.perform("track_changes", mode=step["mode"], notation=step["notation"], both=both)
        if step["expire"]:
            hand.origin.perform("expire_delta_links")


CHANGES: dict[str, Callable[[Hand, Step], str | None]] = {
    "edit": edit,
    "flip": flip,
    "bulk": bulk,
    "churn": churn,
    "odd": odd,
    "erase": erase,
    "bring_back": bring_back,
    "appear": appear,
    "keep": keep,
    "restore": restore,
    "track": track,
}


def _delay(step: Step) -> dict[str, Any]:
    return {"visible_after_minutes": step.get("late") or None}


def _stamps(hand: Hand, step: Step) -> set[str]:
    """Fields that the source fills in."""
    del step
    stamps = {
        "erp.business_partner": {"CreationDate", "CreationTime", "LastChangeDate", "LastChangeTime"},
        "erp.sales_order": {"LastChangeDateTime"},
        "hubspot.contact": {"lastmodifieddate"},
        "service.work_order": {"updated_at"},
    }
    return stamps.get(hand.kind.entity, set())
