"""How a source misunderstands a request: what faults of understanding set, and what the sources look at."""

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

from local.simulators.schema import Entity, Field, Kind

NEW_FIELD_HOLDS: Final = "came along"
"""What each row has in a field that drift added."""

_CHANGED: dict[str, tuple[Kind, str]] = {
    "string": ("boolean", "({0} <> '')"),
    "id": ("string", "{0}"),
    "reference": ("string", "{0}"),
    "boolean": ("string", "CASE {0} WHEN 1 THEN 'X' WHEN 0 THEN '' END"),
    "decimal": ("string", "{0}"),
    "date": ("instant7", "({0} || 'T00:00:00.0000000Z')"),
    "time": ("string", "{0}"),
    "instant": ("string", "{0}"),
    "instant0": ("string", "{0}"),
    "instant3": ("string", "{0}"),
    "instant7": ("date", "SUBSTR({0}, 1, 10)"),
}
"""By a field's kind: the kind that it changes to, and the SQL of its new value."""


@dataclass(frozen=True)
class Drift:
    """One change of an entity's schema: a field that is new or gone, or has another type."""

    entity: str
    how: Literal["new", "gone", "type"]
    field: str

    def apply(self, entity: Entity) -> Entity:
        """The entity as it is now; another one stays as it is."""
        if entity.name != self.entity:
            return entity
        if self.how == "new":
            new = Field(self.field, "string", 40, sql=f"'{NEW_FIELD_HOLDS}'")
            return replace(entity, fields=(*entity.fields, new))
        changed = (self._changed(each) if each.name == self.field else each for each in entity.fields)
        return replace(entity, fields=tuple(each for each in changed if each is not None))

    def _changed(self, each: Field) -> Field | None:
        if self.how == "gone":
            return None
        kind, sql = _CHANGED[each.kind]
        return replace(each, kind=kind, size=max(each.size, 40), scale=0, sql=sql.format(each.name))


@dataclass(frozen=True)
class Quirks:
    """What a source does instead of what it is asked to. Without any it does as asked."""

    ignores_filter: bool = False
    shows_nothing: bool = False
    order: Literal["asked", "key", "reverse"] = "asked"
    most_a_page: int | None = None
    share_of_page: float = 1.0
    empty_page: bool = False
    offset_tokens: Literal["", "hidden", "skip", "skiptoken"] = ""
    count_off_by: int = 0
    result_cap: int | None = None
    refuses_beyond_cap: bool = False
    daily_requests: int | None = None
    drifts: tuple[Drift, ...] = ()

    def counted(self, rows: int) -> int:
        """What is told of the number of rows."""
        return max(0, rows + self.count_off_by)

    def page_size(self, asked: int) -> int:
        """The rows that a page gets where `asked` were due: at least one of them, none where the page is to be empty."""
        if self.empty_page:
            return 0
        return min(asked, self.most_a_page or asked, math.ceil(asked * self.share_of_page))

    def result_size(self, asked: int | None) -> int | None:
        """The rows that all pages of a query may have, where `asked` were (None: all there are)."""
        if self.result_cap is None or self.refuses_beyond_cap:
            return asked
        return self.result_cap if asked is None else min(asked, self.result_cap)

    def too_many(self, found: int, asked: int | None) -> bool:
        """Whether a query is refused that finds so many rows and was asked for so many of them (None: all)."""
        due = found if asked is None else min(found, asked)
        return self.refuses_beyond_cap and self.result_cap is not None and due > self.result_cap

    def seen(self, entity: Entity) -> Entity:
        """The entity as the source publishes it now."""
        for drift in self.drifts:
            entity = drift.apply(entity)
        return entity


NO_QUIRKS: Final = Quirks()
