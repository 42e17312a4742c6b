"""What an execution's input may ask for, and how waiting requests become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.curate.tasks import TASKS as DONE_BY_THE_JOB
from lake.extract.errors import BadRequest
from lake.run.request import TASKS, Request, merge, parse, select

KNOWN = ["crm.account", "erp.business_partner", "erp.sales_order"]

requests = st.builds(
    Request,
    st.frozensets(st.sampled_from(["crm", "erp"])),
    st.frozensets(st.sampled_from(KNOWN)),
    st.sampled_from([None, "schedule", "console", "lake"]),
    st.sampled_from([None, *TASKS]),
)


def test_an_empty_input_means_everything() -> None:
    assert select(parse({}, KNOWN), KNOWN) == KNOWN


def test_a_source_means_its_entities() -> None:
    assert select(parse({"sources": ["erp"]}, KNOWN), KNOWN) == ["erp.business_partner", "erp.sales_order"]


def test_an_entity_means_itself_alone() -> None:
    assert select(parse({"entities": ["erp.sales_order"], "trigger": "console"}, KNOWN), KNOWN) == ["erp.sales_order"]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"source": ["crm"]}, "source"),
        ({"sources": ["sap"]}, "sap"),
        ({"entities": ["erp.salesorder"]}, "erp.salesorder"),
        ({"entities": []}, "empty"),
        ({"entities": "erp.sales_order"}, "list"),
        ({"sources": [1]}, "list"),
        ({"trigger": "cron"}, "cron"),
        ({"task": "destroy"}, "destroy"),
    ],
)
def test_a_mistake_is_refused_and_named(asked: dict[str, object], named: str) -> None:
    with pytest.raises(BadRequest, match=named):
        parse(asked, KNOWN)


def test_what_is_refused_comes_with_what_there_is() -> None:
    with pytest.raises(BadRequest, match=r"crm\.account, erp\.business_partner, erp\.sales_order"):
        parse({"entities": ["erp.orders"]}, KNOWN)


def test_nothing_waiting_merges_to_nothing() -> None:
    assert merge([]) == []


@given(st.lists(requests, min_size=1, max_size=5))
def test_the_merged_requests_mean_exactly_what_all_of_them_mean(waiting: list[Request]) -> None:
    def meant(requests: list[Request]) -> set[tuple[str | None, str]]:
        return {(request.task, entity) for request in requests for entity in select(request, KNOWN)}

    merged = merge(waiting)
    assert meant(merged) == meant(waiting)
    assert len({request.task for request in merged}) == len(merged)


def test_each_task_that_a_request_may_name_is_one_that_the_job_can_do() -> None:
    assert set(TASKS) == set(DONE_BY_THE_JOB)


@given(requests)
def test_a_request_survives_being_written_as_an_input(request: Request) -> None:
    assert parse(request.as_input(), KNOWN) == request
