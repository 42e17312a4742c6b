"""What contracts say of REST APIs: the examples compile, and what is missing to read an API whole is a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lake.contract.build import compile_folder
from lake.contract.errors import ContractError
from lake.contract.plan import Plan, SourcePlan
from tests.support.contract_copies import CONTACT, EXAMPLES, Edit, edited, extraction

if TYPE_CHECKING:
    from pathlib import Path

HUBSPOT = "hubspot/source.yaml"
ORDER = "service/work_order.odcs.yaml"
ENGINEER = "service/engineer.odcs.yaml"
SERVICE = "service/source.yaml"
PLACE = "customProperties.extraction"


def rest(raw: dict[str, Any]) -> dict[str, Any]:
    """The `rest` of a contract, or of a source."""
    found: dict[str, Any] = raw["rest"] if "rest" in raw else extraction(raw)["rest"]
    return found


def without_filter(raw: dict[str, Any]) -> None:
    rest(raw)["json"].pop("filterGroups")


def by_name(raw: dict[str, Any]) -> None:
    """Asks HubSpot by a named value beside the filter."""
    rest(raw)["json"] |= {"last": "{after}"}


FILTER = {
    "style": "nested",
    "compare": ["{field}", "{operator}", "{value}"],
    "operators": {"eq": "eq", "gt": "gt", "ge": "ge", "lt": "lt"},
    "one_of": ["{field}", "in", "{values}"],
    "all": {"and": "{conditions}"},
}

CASES: list[tuple[str, str, Edit, str]] = [
    ("no records", SERVICE, lambda s: rest(s).pop("data_selector"),
     f"{PLACE}.rest.data_selector: is missing, here and in source.yaml: where the records stand"),
    ("no count", ORDER, lambda c: rest(c).pop("count"), f"{PLACE}.rest.count: is missing"),
    ("an unknown key", ORDER, lambda c: rest(c).update(data_select="x"), "rest.data_select: Extra inputs are not"),
    ("an unknown placeholder", ORDER, lambda c: rest(c)["params"].update(since="{lo}"),
     f"{PLACE}.rest.params: {{lo}} is no placeholder here; there are: after, fields"),
    ("an unknown placeholder of a condition", HUBSPOT, lambda s: rest(s)["filter"]["compare"].update(x="{val}"),
     f"{PLACE}.rest.filter.compare: {{val}} is no placeholder here"),
    ("a lonely brace", ORDER, lambda c: rest(c)["params"].update(q="{low"), "'{low' has a brace that belongs to no"),
    ("an unknown form", ORDER, lambda c: rest(c)["params"].update(updated_from="{low:epoch_min}"),
     f"{PLACE}.rest.params: {{low:epoch_min}} is of no known form"),
    ("a form of what has none", ORDER, lambda c: rest(c)["params"].update(page="{page:epoch_s}"), "only low and high take"),
    ("a form that cuts", ORDER, lambda c: c["schema"][0]["properties"][5].update(physicalType="timestamp(3)"),
     f"{PLACE}.rest: epoch_s holds fewer digits of a second than updated_at, a timestamp(3), has"),
    ("a filter that cuts", HUBSPOT, lambda s: rest(s)["filter"]["literals"].update(timestamp="%Y-%m-%d"),
     "%Y-%m-%d holds fewer digits of a second than lastmodifieddate"),
    ("a form that is read but not written", HUBSPOT, lambda s: rest(s)["filter"]["literals"].update(timestamp="odata_date"),
     f"{PLACE}.rest.filter.literals.timestamp: 'odata_date' is no known form"),
    ("pages without a place", ORDER, lambda c: rest(c)["params"].pop("page"),
     f"{PLACE}.rest.paginator: page_number has no place in the request: put {{page}} into"),
    ("an offset without a place", ENGINEER, lambda c: rest(c)["params"].pop("offset"), "offset has no place in the request"),
    ("a place of another paging", ENGINEER, lambda c: rest(c)["params"].update(token="{token}"),
     "the request holds {token}, which is for `type: cursor`"),
    ("counted pages by key", CONTACT, lambda c: rest(c).update(paginator={"type": "offset", "rows_may_shift": "accepted"}),
     "offset is for `mode: server`; under `key` a link or token leads on from an empty page"),
    ("no paginator", ENGINEER, lambda c: (rest(c).pop("paginator"), rest(c)["params"].pop("offset")),
     f"{PLACE}.rest.paginator: is missing: `paging: {{mode: server}}` follows"),
    ("rows may shift, unaccepted", ORDER, lambda c: extraction(c)["paging"].pop("rows_may_shift"),
     "page_number loses rows where others change while pages are read: say `rows_may_shift: accepted`"),
    ("rows may shift, never made whole", ORDER, lambda c: extraction(c).pop("full_refresh"),
     "needs a `full_refresh`: what shifted out of sight is made whole by it"),
    ("rows may shift, said of the paginator, never made whole", ORDER, lambda c: (
        extraction(c).pop("full_refresh"), extraction(c)["paging"].pop("rows_may_shift"),
        rest(c)["paginator"].update(rows_may_shift="accepted")),
     "page_number may lose rows that shift: a `full_refresh` must make it whole"),
    ("rows may shift though pages go by key", CONTACT, lambda c: extraction(c)["paging"].update(rows_may_shift="accepted"),
     "is for `mode: server`: pages by key are not counted"),
    ("what a paginator does not take", ORDER, lambda c: rest(c)["paginator"].update(cursor_path="next"),
     "page_number needs nothing and takes ['base_page', 'has_more_path', 'past_end', 'rows_may_shift', 'total_path']"),
    ("what a paginator lacks", ORDER, lambda c: rest(c).update(paginator={"type": "cursor"}), "cursor needs ['cursor_path']"),
    ("a first token of what has no token", ORDER, lambda c: rest(c)["paginator"].update(first_token="*"),
     "page_number needs nothing and takes ['base_page', 'has_more_path'"),
    ("a first token where no page is asked for by one", HUBSPOT, lambda s: rest(s)["paginator"].update(first_token="*"),
     f"{PLACE}.rest.paginator.first_token: is for `mode: server`"),
    ("an end by token where no page is asked for by one", HUBSPOT, lambda s: rest(s)["paginator"].update(end="same_token"),
     f"{PLACE}.rest.paginator.end: is for `mode: server`"),
    ("the window has no place", ORDER, lambda c: rest(c)["params"].pop("updated_from"),
     f"{PLACE}.rest: the window has no place in the request: put {{low}} (and {{high}})"),
    ("the key has no place", HUBSPOT, without_filter, "`mode: key` has no place in the request: put {after} or {filter}"),
    ("a stamp that no request can say", CONTACT, lambda c: (
        c["schema"][0]["properties"][6].update(customProperties=[{"property": "form", "value": "odata_date"}]),
        rest(c).update(filter=FILTER)),
     f"{PLACE}.rest: lastmodifieddate comes as odata_date, which no request can say"),
    ("two places for the window", HUBSPOT, lambda s: rest(s)["json"].update(since="{low}"),
     f"{PLACE}.rest: {{low}} and {{high}} are for requests without {{filter}}"),
    ("no filter", ORDER, lambda c: rest(c).update(filter=None, params={"low": "{low}", "f": "{filter}"}),
     f"{PLACE}.rest.filter: is missing, here and in source.yaml: the request holds {{filter}}"),
    ("two places for the key", HUBSPOT, by_name, "{after} is for a key of one field, and requests without"),
    ("a cap that cannot be passed", ORDER, lambda c: extraction(c)["paging"].update(result_cap=10_000),
     f"{PLACE}.rest: a `result_cap` is passed by key: put {{after}} or {{filter}}"),
    ("keyset without an or", CONTACT, lambda c: extraction(c)["paging"].update(mode="keyset"),
     "`mode: keyset` needs {filter} in the request, and `filter.any`"),
    ("null stamps without a word for null", CONTACT, lambda c: extraction(c)["cursor"].update(nulls="own_pass"),
     "rows without a stamp are asked for: needs {filter} in the request, and `filter.null`"),
    ("a filter of its own that is no JSON", CONTACT, lambda c: extraction(c).update(filter="email is not null"),
     f"{PLACE}.filter: is no JSON: a condition as the API takes it"),
    ("a filter of its own without a place", ORDER, lambda c: extraction(c).update(filter="{}"), "needs {filter} in the request"),
    ("an incomplete condition", HUBSPOT, lambda s: rest(s)["filter"]["one_of"].pop("values"),
     f"{PLACE}.rest.filter.one_of: lacks {{values}}"),
    ("operators left out", HUBSPOT, lambda s: rest(s)["filter"]["operators"].pop("eq"), "needs the API's words for eq, gt, ge"),
    ("no word for and", HUBSPOT, lambda s: rest(s)["filter"].pop("all"), "`all` is missing: how the API says that several"),
    ("a quote outside of a text", HUBSPOT, lambda s: rest(s)["filter"].update(quote="'"), "are for `style: text`"),
    ("values of a text", HUBSPOT, lambda s: rest(s)["filter"].update(style="text", compare="", all=""), "say `any`"),
    ("codes without a place", SERVICE, lambda s: rest(s)["errors"].pop("code"), "`code` and the codes to `pause` or `retry`"),
    ("a delete strategy of other protocols", CONTACT, lambda c: extraction(c)["deletes"].append({"strategy": "feed"}),
     f"{PLACE}.deletes[1]: feed is not spoken by `protocol: rest`"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "edit", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_missing_to_read_an_api_whole_is_a_mistake(
    tmp_path: Path, name: str, edit: Edit, expected: str
) -> None:
    with pytest.raises(ContractError) as error:
        compile_folder(edited(tmp_path, name, edit))
    assert expected in str(error.value)


def test_the_examples_compile() -> None:
    built = compile_folder(EXAMPLES)
    assert sorted(built) == [
        "hubspot.company.json",
        "hubspot.contact.json",
        "service.engineer.json",
        "service.work_order.json",
        "source.hubspot.json",
        "source.service.json",
    ]
    source = SourcePlan.load(built["source.hubspot.json"])
    assert source.rest is not None
    assert source.rest["errors"] == {"code": "policyName", "pause": ["DAILY"], "retry": []}


def test_an_entitys_word_replaces_its_sources_and_parameters_add_up(tmp_path: Path) -> None:
    def edit(raw: dict[str, Any]) -> None:
        rest(raw).update(data_selector="items", params={"sort": "-id", "tenant": "7"}, headers={"X-Version": "2"})

    plan = Plan.load(compile_folder(edited(tmp_path, SERVICE, edit))["service.work_order.json"])
    assert plan.rest is not None
    assert plan.rest["data_selector"] == "items"
    assert plan.rest["headers"] == {"X-Version": "2"}
    assert {name: plan.rest["params"][name] for name in ("sort", "tenant")} == {"sort": "id", "tenant": "7"}
