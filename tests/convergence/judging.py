"""Whether raw is what the source has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tests.convergence.raw_reader import differences

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.convergence.kinds import Kind
    from tests.convergence.origin import Document, Origin
    from tests.convergence.raw_reader import Key, Row

BERLIN = ZoneInfo("Europe/Berlin")


class NotConverged(AssertionError):
    """Raw is not what the source has."""


def truth_of(origin: Origin, kind: Kind) -> dict[Key, Document]:
    """What of the source an entity's plan means."""
    rows = origin.truth(kind.entity)
    return {key: row for key, row in rows.items() if not (kind.hides_binned and row["IsDeleted"])}


def compare(kind: Kind, alive: Mapping[Key, Row], truth: Mapping[Key, Document], *, deletions: bool) -> None:
    """Raises NotConverged where the newest versions in raw are not the source's rows; `deletions` are seen too."""
    if extra := [key for key in alive if key not in truth] if deletions else []:
        raise NotConverged(f"raw still has {extra}, which the source has no more")
    for key, document in truth.items():
        check_row(kind, key, alive, document)


def check_row(kind: Kind, key: Key, alive: Mapping[Key, Row], document: Document, why: str = "") -> None:
    """Raises NotConverged where raw lacks a row or has another one."""
    if key not in alive:
        raise NotConverged(f"{why}raw lacks {key}, which the source has: {document}")
    if found := differences(kind, alive[key], document):
        raise NotConverged(f"{why}{key} is not what the source has: {'; '.join(found)}; source: {document}")


def stamp_of(kind: Kind, row: Document) -> datetime | None:
    """When a row was changed last, by its stamp or stand-in; None where it has neither."""
    match kind.entity:
        case "crm.account":
            return datetime.fromisoformat(row["SystemModstamp"])
        case "erp.sales_order":
            stamp = row["LastChangeDateTime"]
            return None if stamp is None else datetime.fromisoformat(f"{stamp[:26]}Z")
        case "erp.business_partner":
            day, clock = row["LastChangeDate"], row["LastChangeTime"]
            if day is None or clock is None:
                day, clock = row["CreationDate"], row["CreationTime"]
            return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=BERLIN).astimezone(UTC)
        case "hubspot.contact":
            return datetime.fromisoformat(row["lastmodifieddate"])
        case "service.work_order":
            return datetime.fromisoformat(row["updated_at"])
    return None
