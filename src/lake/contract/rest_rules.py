"""Whether what a contract says of a REST API is enough to read it whole: all that is missing is found at build time."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from lake.contract.rest import NUMBERED, merged
from lake.contract.templates import placeholders, torn

if TYPE_CHECKING:
    from lake.contract.errors import Findings
    from lake.contract.odcs import ExtractionSpec, SourceSpec
    from lake.contract.plan import Cursor, Field

PLACE = "customProperties.extraction.rest"
STAMPS = ("low", "high")
REQUEST = {*STAMPS, "after", "filter", "order", "fields", "page_size", "page", "offset", "token"}
CONDITIONS = {
    "compare": {"field", "operator", "value"},
    "compare_as": {"field", "operator", "value"},
    "null": {"field"},
    "one_of": {"field", "values"},
    "all": {"conditions"},
    "any": {"conditions"},
}
FORM = re.compile(r"epoch_ms|epoch_s|yyyymmdd|hhmmss|date|local\(.+\)|%.+")
PLACE_OF = {"page_number": "page", "offset": "offset", "cursor": "token"}


def rest_of(
    found: Findings, spec: ExtractionSpec, source: SourceSpec, cursor: Cursor, fields: tuple[Field, ...], key: int
) -> dict[str, Any] | None:
    """An entity's `rest` as plans keep it, checked against its paging, its cursor and the number of its key's fields."""
    if spec.rest is None or source.protocol != "rest":
        return None
    rest = merged(source.rest, spec.rest)
    used = _placeholders(found, rest)
    for name, why in (("data_selector", "where the records stand in an answer"), ("count", "how rows are counted")):
        if name not in rest:
            found.add(f"{PLACE}.{name}", f"is missing, here and in source.yaml: {why}")
    for name in ("filter", "order"):
        if name in used and name not in rest:
            found.add(f"{PLACE}.{name}", f"is missing, here and in source.yaml: the request holds {{{name}}}")
    _check_filter(found, rest)
    _check_paging(found, spec, rest, used, key)
    _check_cursor(found, spec, rest, used, cursor)
    _check_forms(found, rest, {field.field: field for field in fields}, cursor)
    return rest


def _placeholders(found: Findings, rest: dict[str, Any]) -> dict[str, str | None]:
    """The placeholders of an entity's requests, with their forms; unknown ones are noted."""
    used: dict[str, str | None] = {}
    for part in ("params", "headers", "json"):
        _known(found, f"{PLACE}.{part}", rest.get(part), REQUEST)
        used |= dict(placeholders(rest.get(part)))
    count = rest.get("count", {})
    for part in ("params", "json"):
        _known(found, f"{PLACE}.count.{part}", count.get(part), {"filter", *STAMPS})
    for part, known in CONDITIONS.items():
        _known(found, f"{PLACE}.filter.{part}", rest.get("filter", {}).get(part), known)
    _known(found, f"{PLACE}.order.column", rest.get("order", {}).get("column"), {"field"})
    return used


def _known(found: Findings, place: str, template: Any, known: set[str]) -> None:
    for name, form in placeholders(template):
        if name not in known:
            found.add(place, f"{{{name}}} is no placeholder here; there are: {', '.join(sorted(known))}")
        elif form is not None and name not in STAMPS:
            found.add(place, f"{{{name}:{form}}}: only low and high take a form; for values in a filter say `literals`")
        elif form is not None and not FORM.fullmatch(form):
            found.add(place, f"{{{name}:{form}}} is of no known form; there are: {FORM.pattern.replace('|', ', ')}")
    for text in torn(template):
        found.add(place, f"{text!r} has a brace that belongs to no placeholder: write two for one")


def _check_filter(found: Findings, rest: dict[str, Any]) -> None:
    spec = rest.get("filter")
    if spec is None:
        return
    for part, needed in CONDITIONS.items():
        templates = spec.get(part, {}).values() if part == "compare_as" else [spec[part]] if part in spec else []
        if spec["style"] in ("text", "prefix") and part in ("all", "any"):
            continue
        for template in templates:
            for name in sorted(needed - {name for name, _ in placeholders(template)}):
                found.add(f"{PLACE}.filter.{part}", f"lacks {{{name}}}")
    for base, form in spec["literals"].items():
        if not FORM.fullmatch(form):
            found.add(f"{PLACE}.filter.literals.{base}", f"{form!r} is no known form")


def _check_paging(
    found: Findings, spec: ExtractionSpec, rest: dict[str, Any], used: dict[str, str | None], key: int
) -> None:
    mode, place = spec.paging.mode, f"{PLACE}.paginator"
    kind = rest["paginator"]["type"] if "paginator" in rest else None
    if mode == "server" and kind is None:
        found.add(place, "is missing: `paging: {mode: server}` follows what the API says comes next")
    if mode != "server" and kind not in (None, "json_link", "cursor"):
        found.add(place, f"{kind} is for `mode: server`; under `{mode}` a link or token leads on from an empty page")
    for word in ("first_token", "end"):
        if mode != "server" and rest.get("paginator", {}).get(word) is not None:
            found.add(f"{place}.{word}", f"is for `mode: server`; under `{mode}` no page is asked for by a token first")
    for other, name in PLACE_OF.items():
        if kind == other and name not in used:
            found.add(place, f"{other} has no place in the request: put {{{name}}} into `params` or `json`")
        if kind != other and name in used:
            found.add(place, f"the request holds {{{name}}}, which is for `type: {other}`")
    accepted = spec.paging.rows_may_shift or rest.get("paginator", {}).get("rows_may_shift")
    if mode == "server" and kind in NUMBERED and not accepted:
        found.add(
            "customProperties.extraction.paging",
            f"{kind} loses rows where others change while pages are read: say `rows_may_shift: accepted` beside the mode, or "
            "page by `mode: key` or `keyset`",
        )
    if kind in NUMBERED and spec.full_refresh is None and spec.paging.rows_may_shift is None:
        found.add(place, f"{kind} may lose rows that shift: a `full_refresh` must make it whole now and then")
    _check_keys(found, spec, rest, used, key)


def _check_keys(
    found: Findings, spec: ExtractionSpec, rest: dict[str, Any], used: dict[str, str | None], key: int
) -> None:
    mode = spec.paging.mode
    if mode == "key" and not used.keys() & {"after", "filter"}:
        found.add(PLACE, "`mode: key` has no place in the request: put {after} or {filter} into `params` or `json`")
    if "after" in used and (mode == "keyset" or "filter" in used or key > 1):
        found.add(PLACE, "{after} is for a key of one field, and requests without {filter}")
    if spec.paging.result_cap is not None and not used.keys() & {"after", "filter"}:
        found.add(PLACE, "a `result_cap` is passed by key: put {after} or {filter} into `params` or `json`")
    if mode == "keyset" and ("filter" not in used or "any" not in rest.get("filter", {})):
        found.add(PLACE, '`mode: keyset` needs {filter} in the request, and `filter.any`: how the API says "or"')


def _check_cursor(
    found: Findings, spec: ExtractionSpec, rest: dict[str, Any], used: dict[str, str | None], cursor: Cursor
) -> None:
    says = rest.get("filter", {}) if "filter" in used else {}
    if cursor.kind != "none" and not says and "low" not in used:
        found.add(PLACE, "the window has no place in the request: put {low} (and {high}), or {filter}, into it")
    if says and used.keys() & set(STAMPS):
        found.add(PLACE, "{low} and {high} are for requests without {filter}, which holds the window's bounds")
    if cursor.kind == "split" and not says:
        found.add(PLACE, "a date with a time cannot be said by {low} alone: put {filter} into the request")
    if cursor.nulls != "never" and "null" not in says:
        found.add(PLACE, "rows without a stamp are asked for: needs {filter} in the request, and `filter.null`")
    _check_own_filter(found, spec, says)
    _check_deletes(found, spec)


def _check_own_filter(found: Findings, spec: ExtractionSpec, says: dict[str, Any]) -> None:
    place = "customProperties.extraction.filter"
    if spec.filter is None:
        return
    if not says:
        found.add(place, "needs {filter} in the request")
    elif says["style"] != "text":
        try:
            json.loads(spec.filter)
        except ValueError:
            found.add(place, "is no JSON: a condition as the API takes it")


def _check_deletes(found: Findings, spec: ExtractionSpec) -> None:
    for position, deletes in enumerate(spec.deletes):
        if deletes.strategy in ("feed", "delta_link"):
            found.add(
                f"customProperties.extraction.deletes[{position}]",
                f"{deletes.strategy} is not spoken by `protocol: rest`: say key_sweep, or a full_refresh",
            )


def _check_forms(found: Findings, rest: dict[str, Any], fields: dict[str, Field], cursor: Cursor) -> None:
    """Bounds must not be cut: a form that holds fewer digits than the source stamps would lose the rows between."""
    if cursor.kind == "none" or (stamp := fields.get(cursor.fields[0])) is None:
        return
    forms = [form for part in ("params", "json") for name, form in placeholders(rest.get(part)) if name in STAMPS]
    if "filter" in rest:
        forms.append(rest["filter"]["literals"].get(stamp.base))
    for form in {form or stamp.form for form in forms} - {None}:
        if not FORM.fullmatch(str(form)):
            found.add(
                PLACE, f"{stamp.field} comes as {form}, which no request can say: give {{low}} or `literals` a form"
            )
        elif cursor.kind == "instant" and cursor.digits > _digits(str(form)):
            found.add(PLACE, f"{form} holds fewer digits of a second than {stamp.field}, a {stamp.type}, has")


def _digits(form: str) -> int:
    """The digits of a second that a form holds; fewer than none where it holds no seconds."""
    if form.startswith("%"):
        return 6 if "%f" in form else 0 if "%S" in form else -1
    return {"epoch_s": 0, "epoch_ms": 3, "date": -1, "yyyymmdd": -1}.get(form, 6)
