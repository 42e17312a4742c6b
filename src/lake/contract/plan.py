"""Plans: what a contract compiles to. Read with the standard library alone, by Lambda and by Glue.

The JSON form is described in docs/formats.md ("Plan").
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

FORMAT = 1
ONLY_WHERE_SAID = ("rows_may_shift", "count_ignored", "column")
"""Plans that do not use them keep their bytes, and so their hashes."""

Severity = Literal["error", "warning"]
Nulls = Literal["never", "stand_in", "own_pass"]
Strategy = Literal["soft_flag", "feed", "delta_link", "key_sweep", "none"]
Paging = Literal["keyset", "key", "server"]


class PlanError(Exception):
    """A plan is missing or cannot be read."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `name` is the curated column, `field` the API's name, `type` as in docs/formats.md.

    `form`: how the source writes its values, where that is not the protocol's usual way (`lake.raw.forms`).
    `renamed_from`: the curated name that the column had before. `column`: the name of its column in raw, where the API's
    name is taken there (`lake.contract.raw_columns`).
    """

    name: str
    field: str
    type: str
    required: bool
    classification: str
    description: str
    form: str | None = None
    renamed_from: str | None = None
    column: str | None = None

    @property
    def raw(self) -> str:
        """The name of its column in raw."""
        return self.column or self.field

    @property
    def base(self) -> str:
        """The type without its parameters: `decimal` of `decimal(16,3)`."""
        return self.type.partition("(")[0]

    @property
    def parameters(self) -> tuple[int, ...]:
        """The numbers in the type's parentheses, for example (16, 3)."""
        return tuple(int(number) for number in re.findall(r"\d+", self.type.partition("(")[2]))


@dataclass(frozen=True, slots=True)
class Check:
    """A Spark SQL condition that each row must not make false."""

    name: str
    severity: Severity
    sql: str
    description: str


@dataclass(frozen=True, slots=True)
class Child:
    """A collection that travels with its parent and has a curated table of its own.

    `filter`: the items that are asked for, in the protocol's language; the others never leave it. `column`: as of a field.
    """

    entity: str
    name: str
    field: str
    path: str
    key: tuple[str, ...]
    parent_key: tuple[str, ...]
    description: str
    fields: tuple[Field, ...]
    checks: tuple[Check, ...]
    filter: str | None = None
    column: str | None = None

    @property
    def raw(self) -> str:
        """The name of its column in raw."""
        return self.column or self.field


@dataclass(frozen=True, slots=True)
class Cursor:
    """How a row says when it was last modified; kind `none`: it does not.

    `fields`: one API field (`instant`), date and time (`split`) or a date alone (`day`), the latter two in the server's
    `zone` (an instant has one where the source writes it without an offset). `digits`: of a second, as the source stamps.
    `stand_in`: fields of the same kind that count where the stamp is null. `by_day`: the server compares a split stamp by its
    date alone.
    """

    kind: Literal["instant", "split", "day", "none"]
    fields: tuple[str, ...]
    digits: int
    zone: str | None
    nulls: Nulls
    stand_in: tuple[str, ...] | None
    by_day: bool = False

    @property
    def days(self) -> bool:
        """Whether the source compares whole days alone."""
        return self.kind == "day" or self.by_day


NO_CURSOR = Cursor("none", (), 0, None, "never", None)


@dataclass(frozen=True, slots=True)
class Deletes:
    """One declared way in which deletions are seen. What a strategy does not use is null."""

    strategy: Strategy
    field: str | None = None
    every_s: int | None = None
    max_fraction: float | None = None
    min_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Relationship:
    """`columns` of the entity (of its child `child`, where that is given) name a row of `entity` by its `references`.

    Both are curated names, in the same order. Looked at by `lake verify`, never row by row.
    """

    name: str
    columns: tuple[str, ...]
    entity: str
    references: tuple[str, ...]
    child: str | None = None


@dataclass(frozen=True, slots=True)
class Curated:
    """How the curated tables are kept.

    `history`: whether there is a table of all versions. `sort`: columns of the current table by which its files are
    ordered. `partition`: transforms of key columns, `bucket(16, sales_order)`, `truncate(4, id)` or a column's name; items
    take them over their columns of the parent's key. More than `bad_fraction` of at least `bad_min_rows` rows broken stop a
    load. `snapshots_s`: how far back the tables can be read.
    """

    history: bool = False
    sort: tuple[str, ...] = ()
    partition: tuple[str, ...] = ()
    bad_fraction: float = 0.2
    bad_min_rows: int = 100
    snapshots_s: int = 604_800


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the lake knows of one entity.

    Where rows carry no stamp (a cursor of kind `none`) the full refresh, due every `full_refresh_s`, is the window.
    `window_s`: initial extractions and backfills are split into windows of this length. `paging`: by client keyset on
    stamp and key, by client keyset on the key alone within the window's bounds, or by what the server says comes next.
    `result_cap`: rows that one query gives at most, however it is paged. `rows_may_shift`: pages that are counted are accepted.
    `count_ignored`: why the source's count is not believed. `rest`: see `lake.contract.rest`. `owner`: whom to ask.
    """

    entity: str
    source: str
    name: str
    version: str
    major: int
    description: str
    path: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    children: tuple[Child, ...]
    cursor: Cursor
    deletes: tuple[Deletes, ...]
    checks: tuple[Check, ...]
    filter: str | None
    initial_from: str | None
    page_size: int
    overlap_s: int
    settle_lag_s: int
    freshness_s: int
    full_refresh_s: int | None = None
    window_s: int | None = None
    paging: Paging = "keyset"
    result_cap: int | None = None
    rest: dict[str, Any] | None = None
    curated: Curated = Curated()
    relationships: tuple[Relationship, ...] = ()
    owner: str = ""
    rows_may_shift: bool = False
    count_ignored: str | None = None

    @property
    def accepts_shifts(self) -> bool:
        """Whether the contract accepts that pages are counted, so that rows shift; it may say so of a REST API's paginator."""
        return self.rows_may_shift or "rows_may_shift" in (self.rest or {}).get("paginator", {})

    @property
    def key_fields(self) -> tuple[Field, ...]:
        """The key's fields, in the key's order."""
        by_name = {field.name: field for field in self.fields}
        return tuple(by_name[name] for name in self.key)

    @property
    def raw_cursor(self) -> Cursor:
        """The cursor with the names of its columns in raw in place of the API's."""
        stand_in = self.cursor.stand_in and tuple(map(self.column_of, self.cursor.stand_in))
        return replace(self.cursor, fields=tuple(map(self.column_of, self.cursor.fields)), stand_in=stand_in)

    def column_of(self, field: str) -> str:
        """The name of the column in raw that holds an API field of the entity."""
        return next((each.raw for each in self.fields if each.field == field), field)

    @property
    def table(self) -> str:
        """The name of the current table: `erp_sales_order`."""
        return f"{self.source}_{self.name}"

    def strategy(self, name: str) -> Deletes | None:
        """The declared deletes of this strategy, or None."""
        return next((deletes for deletes in self.deletes if deletes.strategy == name), None)

    def dump(self) -> str:
        """Canonical JSON: the bytes that `sha256` is taken of."""
        members = asdict(self, dict_factory=_said)
        return json.dumps({"format": FORMAT, **members}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def sha256(self) -> str:
        """The plan's hash, by which manifests name it."""
        return hashlib.sha256(self.dump().encode()).hexdigest()

    @staticmethod
    def load(text: str) -> Plan:
        """The plan in a JSON text; raises PlanError where it is of another format."""
        raw = _object(text)
        return Plan(
            **{
                **raw,
                "key": tuple(raw["key"]),
                "fields": _fields(raw["fields"]),
                "children": tuple(
                    Child(
                        **{
                            **child,
                            "key": tuple(child["key"]),
                            "parent_key": tuple(child["parent_key"]),
                            "fields": _fields(child["fields"]),
                            "checks": tuple(Check(**check) for check in child["checks"]),
                        }
                    )
                    for child in raw["children"]
                ),
                "cursor": Cursor(
                    **{
                        **raw["cursor"],
                        "fields": tuple(raw["cursor"]["fields"]),
                        "stand_in": tuple(raw["cursor"]["stand_in"]) if raw["cursor"]["stand_in"] else None,
                    }
                ),
                "deletes": tuple(Deletes(**deletes) for deletes in raw["deletes"]),
                "checks": tuple(Check(**check) for check in raw["checks"]),
                "curated": _curated(raw.get("curated", {})),
                "relationships": tuple(_relationship(each) for each in raw.get("relationships", ())),
            }
        )


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """What the entities of one source share. Durations in seconds; a limit that is null is not known.

    `version`: the protocol's, where its dialects differ (OData `v2`, `v4`). `client_auth`: where OAuth's id and secret
    stand, in the form (`post`) or in a header (`basic`). Tokens come from `token_path` at the source, or from
    `token_url`. `auth_header`: the header of an API key. `daily_share`: of the calls that the source itself says it
    allows a day, the share up to which the lake reads. `parallel_windows`: windows read side by side in initial
    extractions and backfills. `rest`: see `lake.contract.rest`.
    """

    source: str
    protocol: str
    description: str
    base_path: str
    auth: str
    token_path: str | None
    params: dict[str, str]
    daily_requests: int | None
    max_retries: int
    max_retry_after_s: int
    timeout_s: int
    concurrency: int
    version: str | None = None
    auth_header: str | None = None
    client_auth: Literal["post", "basic"] = "post"
    scope: str | None = None
    token_url: str | None = None
    daily_share: float | None = None
    requests_per_second: float | None = None
    parallel_windows: int = 1
    rest: dict[str, Any] | None = None

    def dump(self) -> str:
        """Canonical JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @staticmethod
    def load(text: str) -> SourcePlan:
        """The source's plan in a JSON text; raises PlanError where it is of another format."""
        return SourcePlan(**_object(text))


def _said(members: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in members if value or name not in ONLY_WHERE_SAID}


def _object(text: str) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(text)
    if (found := raw.pop("format", None)) != FORMAT:
        raise PlanError(f"a plan of format {found} was found, this code reads {FORMAT}: build and deploy again")
    return raw


def _fields(raw: list[dict[str, Any]]) -> tuple[Field, ...]:
    return tuple(Field(**field) for field in raw)


def _curated(raw: dict[str, Any]) -> Curated:
    lists: dict[str, Any] = {name: tuple(raw[name]) for name in ("sort", "partition") if name in raw}
    return Curated(**{**raw, **lists})


def _relationship(raw: dict[str, Any]) -> Relationship:
    return Relationship(**{**raw, "columns": tuple(raw["columns"]), "references": tuple(raw["references"])})
