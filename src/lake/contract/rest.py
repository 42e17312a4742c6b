"""Declarative REST: what a contract says of a source that speaks no protocol of its own.

The words are those of dlt's REST source where they mean the same (`params`, `json`, `data_selector`, `paginator` with its
types and paths). Places in an answer are paths with dots; what goes into a request are templates (`lake.contract.templates`)
with these placeholders: `low`, `high` (the window's bounds), `after` (the key behind which reading goes on), `filter`,
`order`, `fields`, `page_size`, `page`, `offset`, `token`. A member whose placeholder has no value is left out; in an object
that stands in a list, the object is; so is what thereby becomes empty.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from lake.contract.strict import Strict

type Operator = Literal["eq", "gt", "ge", "lt"]
type Base = Literal["string", "boolean", "int64", "decimal", "date", "time", "timestamp"]

NUMBERED = ("page_number", "offset")


class FilterSpec(Strict):
    """How the API says conditions: what stands for `{filter}`.

    `style`: `text` ("a >= 1 AND b < 2"), `groups` (a list of groups, of which one must hold: HubSpot), `nested` (objects of
    "and" and "or" in each other), `prefix` (a list with the operators before their operands: Odoo). `compare` (`{field}`,
    `{operator}`, `{value}`), `null` (`{field}`) and `one_of` (`{field}`, `{values}`; not in a text) are templates of one
    condition; `compare_as` are others for some base types. `all` and `any`: the word between conditions (text), the
    operator before them (prefix), a template with `{conditions}` (groups, nested). `literals`: the form of a base type's values.
    `quote`: a character that is doubled inside values of a text. `nothing`: what a text says where there is no condition.
    """

    style: Literal["text", "groups", "nested", "prefix"]
    compare: Any
    operators: dict[Operator, str]
    compare_as: dict[Base, Any] = Field(default_factory=dict)
    null: Any = None
    one_of: Any = None
    all: Any = None
    any: Any = None
    literals: dict[Base, str] = Field(default_factory=dict)
    quote: str | None = Field(default=None, min_length=1, max_length=1)
    nothing: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> FilterSpec:
        if set(self.operators) != {"eq", "gt", "ge", "lt"}:
            raise ValueError("`operators` needs the API's words for eq, gt, ge and lt")
        if self.all is None:
            raise ValueError("`all` is missing: how the API says that several conditions hold")
        if self.style == "text" and not all(isinstance(part, str) for part in (self.compare, self.all)):
            raise ValueError("`compare` and `all` of a text are texts")
        if self.style == "text" and self.one_of is not None:
            raise ValueError("`one_of` is not for `style: text`: say `any`")
        if self.style != "text" and (self.quote or self.nothing is not None):
            raise ValueError("`quote` and `nothing` are for `style: text`")
        return self


class OrderSpec(Strict):
    """How the API says an order: what stands for `{order}`. `column` is a template with `{field}`; `join`: between columns,
    where the order is one text."""

    column: Any
    join: str | None = None


class PaginatorSpec(Strict):
    """How an answer leads to the next one, for `paging: {mode: server}`, and elsewhere from a page that came empty.

    `json_link` (the address stands at `next_url_path`), `header_link` (in the Link header), `cursor` (the token stands at
    `cursor_path`, and goes out as `{token}`; the first request has `first_token`, where that is given), `page_number`
    (`{page}`, counted from `base_page`), `offset` (`{offset}`: rows so far), `single_page`. The end is a missing link or
    token, with `end: same_token` also a page without rows that has the token that was sent; of numbered pages an empty one,
    the row that `total_path` counts as the last, `has_more_path` being false, or one of the statuses `past_end`.
    """

    type: Literal["json_link", "header_link", "cursor", "page_number", "offset", "single_page"]
    next_url_path: str | None = None
    cursor_path: str | None = None
    first_token: str | None = Field(default=None, min_length=1)
    end: Literal["same_token"] | None = None
    base_page: int = 1
    total_path: str | None = None
    has_more_path: str | None = None
    past_end: list[Literal[400, 404, 416]] = Field(default_factory=list)
    rows_may_shift: Literal["accepted"] | None = None

    @model_validator(mode="after")
    def _complete(self) -> PaginatorSpec:
        needed = {"json_link": {"next_url_path"}, "cursor": {"cursor_path"}}.get(self.type, set())
        optional = {"total_path", "past_end", "rows_may_shift"} if self.type in NUMBERED else set()
        optional |= {"first_token", "end"} if self.type == "cursor" else set()
        optional |= {"base_page"} if self.type == "page_number" else set()
        optional |= {"has_more_path"} if self.type in (*NUMBERED, "cursor") else set()
        given = self.model_fields_set - {"type"}
        if not needed <= given <= needed | optional:
            raise ValueError(
                f"{self.type} needs {sorted(needed) or 'nothing'} and takes {sorted(optional) or 'nothing else'}, "
                f"found {sorted(given) or 'nothing'}"
            )
        return self


class CountSpec(Strict):
    """The request for the number of rows, which is also the probe of the source's clock; the number stands at `total_path`
    (without it, any small answer serves to see the clock).

    The clock is the answer's Date header, or stands at `clock_path` in `clock_form` (ISO 8601 unless said).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    method: Literal["GET", "POST"] = "GET"
    path: str | None = None
    params: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] | list[Any] | None = Field(default=None, alias="json")
    total_path: str | None = None
    clock_path: str | None = None
    clock_form: Literal["epoch_ms", "epoch_s"] | None = None


class RestSpec(Strict):
    """What an entity says, or its source for all of them; an entity's word replaces its source's.

    `flatten`: objects of a record whose members count as the record's own. `items`: the member under which the list of an
    expanded collection stands. `wrappers`: class → member that holds the value. `beside`, `annotations`: what stands beside
    the records, and in them, that is no data, with base types. `unasked`: fields that come without being asked for, left
    out of `{fields}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    method: Literal["GET", "POST"] | None = None
    headers: dict[str, str] | None = None
    params: dict[str, str] | None = None
    body: dict[str, Any] | list[Any] | None = Field(default=None, alias="json")
    data_selector: str | None = None
    flatten: list[str] | None = None
    items: str | None = None
    wrappers: dict[str, str] | None = None
    beside: dict[str, Base] | None = None
    annotations: dict[str, Base] | None = None
    unasked: list[str] | None = None
    filter: FilterSpec | None = None
    order: OrderSpec | None = None
    paginator: PaginatorSpec | None = None
    count: CountSpec | None = None


class ErrorsSpec(Strict):
    """Errors that an answer's status does not tell. `path`: where a good answer says that it failed. `code`: where any answer
    says which error it is; `pause`: those that mean that the day's quota is used up, `retry`: those that pass."""

    path: str | None = None
    code: str | None = None
    pause: list[str] = Field(default_factory=list)
    retry: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _complete(self) -> ErrorsSpec:
        if (self.code is None) != (not self.pause and not self.retry):
            raise ValueError("`code` and the codes to `pause` or `retry` at belong together")
        return self


class SourceRest(RestSpec):
    """`rest` of a source.yaml: what its entities share."""

    errors: ErrorsSpec = ErrorsSpec()


class EntityRest(RestSpec):
    """`extraction.rest` of a contract: how one entity is asked for, and how its answers are read."""


def merged(source: SourceRest | None, entity: EntityRest) -> dict[str, Any]:
    """What holds for an entity, as plans keep it: its own words over its source's; parameters and headers add up."""
    shared = source.model_dump(by_alias=True, exclude_none=True, exclude={"errors"}) if source else {}
    own = entity.model_dump(by_alias=True, exclude_none=True)
    added = {name: shared.get(name, {}) | own.get(name, {}) for name in ("params", "headers")}
    return shared | own | added
