"""One run at a time, whoever starts, aborts or ends when; and no request is lost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from lake.instants import now, to_text
from lake.run.end import end
from lake.run.lease import ATTEMPTS, KEY, Held, LeaseContended, PipelineLease, Queued
from tests.support.state_table import TABLE
from tests.unit.run.world import AroundReads, Executions, OneAtATime, execution

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FIRST, SECOND, THIRD = execution("first"), execution("second"), execution("third")


def lease_of(client: AroundReads, executions: Executions) -> PipelineLease:
    return PipelineLease(cast("DynamoDBClient", client), TABLE, executions.still_runs)


def test_a_free_lease_is_held_with_a_growing_token(dynamodb: DynamoDBClient) -> None:
    executions = Executions({FIRST, SECOND})
    lease = PipelineLease(dynamodb, TABLE, executions.still_runs)
    assert lease.hold_or_queue(FIRST, {}, now()) == Held(1)
    lease.release(FIRST)
    assert lease.hold_or_queue(SECOND, {}, now()) == Held(2)


def test_whoever_holds_it_holds_it_again(dynamodb: DynamoDBClient) -> None:
    lease = PipelineLease(dynamodb, TABLE, Executions({FIRST}).still_runs)
    lease.hold_or_queue(FIRST, {}, now())
    assert isinstance(lease.hold_or_queue(FIRST, {}, now()), Held)


def test_a_request_waits_behind_a_running_holder_and_its_release_hands_it_on(dynamodb: DynamoDBClient) -> None:
    lease = PipelineLease(dynamodb, TABLE, Executions({FIRST, SECOND}).still_runs)
    lease.hold_or_queue(FIRST, {}, now())
    assert lease.hold_or_queue(SECOND, {"sources": ["crm"]}, now()) == Queued(FIRST)
    assert lease.release(FIRST) == [{"sources": ["crm"]}]


def test_a_holder_that_no_longer_runs_is_taken_over_and_what_waited_behind_it_is_inherited(
    dynamodb: DynamoDBClient,
) -> None:
    executions = Executions({FIRST, SECOND, THIRD})
    lease = PipelineLease(dynamodb, TABLE, executions.still_runs)
    lease.hold_or_queue(FIRST, {}, now())
    lease.hold_or_queue(SECOND, {"entities": ["crm.account"]}, now())
    executions.running.remove(FIRST)
    assert lease.hold_or_queue(THIRD, {}, now()) == Held(2)
    assert lease.release(FIRST) == []
    assert lease.release(THIRD) == [{"entities": ["crm.account"]}]


def test_what_was_started_is_forgotten_once_and_what_came_later_stays(dynamodb: DynamoDBClient) -> None:
    lease = PipelineLease(dynamodb, TABLE, Executions({FIRST, SECOND, THIRD}).still_runs)
    lease.hold_or_queue(FIRST, {}, now())
    lease.hold_or_queue(SECOND, {"sources": ["crm"]}, now())
    lease.hold_or_queue(THIRD, {"sources": ["crm"]}, now())
    lease.forget([{"sources": ["crm"]}])
    assert lease.release(FIRST) == [{"sources": ["crm"]}]


def test_what_was_started_is_known_again_whatever_the_order_of_its_words(dynamodb: DynamoDBClient) -> None:
    lease = PipelineLease(dynamodb, TABLE, Executions({FIRST, SECOND}).still_runs)
    lease.hold_or_queue(FIRST, {}, now())
    lease.hold_or_queue(SECOND, {"sources": ["crm"], "trigger": "schedule"}, now())
    lease.forget([{"trigger": "schedule", "sources": ["crm"]}])
    assert lease.release(FIRST) == []


def test_the_lease_names_the_run_that_holds_it_and_since_when(dynamodb: DynamoDBClient) -> None:
    at = now()
    PipelineLease(dynamodb, TABLE, Executions().still_runs).hold_or_queue(FIRST, {}, at)
    item = dynamodb.get_item(TableName=TABLE, Key=KEY)["Item"]
    assert (item["execution"], item["run_id"], item["since"]) == ({"S": FIRST}, {"S": "first"}, {"S": to_text(at)})


def test_a_lease_that_comes_free_while_one_asks_is_held(dynamodb: DynamoDBClient) -> None:
    first = PipelineLease(dynamodb, TABLE, Executions({FIRST}).still_runs)
    first.hold_or_queue(FIRST, {}, now())
    asking = AroundReads(dynamodb, before=lambda: first.release(FIRST))
    assert lease_of(asking, Executions({FIRST})).hold_or_queue(SECOND, {}, now()) == Held(2)


def test_the_lease_is_read_as_it_is_and_not_as_it_was(dynamodb: DynamoDBClient) -> None:
    asking = AroundReads(dynamodb)
    lease = lease_of(asking, Executions({FIRST}))
    lease.hold_or_queue(FIRST, {}, now())
    lease.hold_or_queue(SECOND, {}, now())
    lease.release(FIRST)
    assert [read["ConsistentRead"] for read in asking.reads] == [True, True]


def test_a_lease_that_changes_hands_each_time_is_given_up(dynamodb: DynamoDBClient) -> None:
    """Whoever holds it is dead, and each time somebody else is faster to take it over."""
    others = PipelineLease(dynamodb, TABLE, Executions().still_runs)
    others.hold_or_queue(FIRST, {}, now())
    names = iter(range(2 * ATTEMPTS))

    def others_are_faster(_: str) -> bool:
        others.hold_or_queue(execution(f"other-{next(names)}"), {}, now())
        return False

    with pytest.raises(LeaseContended, match=f"second met another holder {ATTEMPTS} times: start the run again"):
        PipelineLease(dynamodb, TABLE, others_are_faster).hold_or_queue(SECOND, {}, now())
    assert next(names) == ATTEMPTS


def test_requests_that_change_each_time_are_given_up(dynamodb: DynamoDBClient) -> None:
    others = PipelineLease(dynamodb, TABLE, Executions({FIRST}).still_runs)
    others.hold_or_queue(FIRST, {}, now())
    others.hold_or_queue(SECOND, {}, now())
    asking = AroundReads(dynamodb, after=lambda: others.hold_or_queue(THIRD, {}, now()))
    with pytest.raises(LeaseContended, match=f"changed {ATTEMPTS} times: they may be started once more"):
        lease_of(asking, Executions({FIRST})).forget([{}])
    assert len(asking.reads) == ATTEMPTS


def test_the_release_starts_one_run_for_all_that_waits(dynamodb: DynamoDBClient) -> None:
    lease = PipelineLease(dynamodb, TABLE, Executions({FIRST, SECOND, THIRD}).still_runs)
    lease.hold_or_queue(FIRST, {}, now())
    lease.hold_or_queue(SECOND, {"sources": ["crm"], "trigger": "schedule"}, now())
    lease.hold_or_queue(THIRD, {"entities": ["erp.sales_order"], "trigger": "schedule"}, now())
    started: list[dict[str, Any]] = []

    def start(request: dict[str, Any]) -> str:
        started.append(request)
        return execution("next")

    end(FIRST, lease, start)
    end(FIRST, lease, start)
    assert started == [{"sources": ["crm"], "entities": ["erp.sales_order"], "trigger": "schedule"}]


def test_a_crash_between_release_and_start_loses_no_request(dynamodb: DynamoDBClient) -> None:
    lease = PipelineLease(dynamodb, TABLE, Executions({FIRST, SECOND, THIRD}).still_runs)
    lease.hold_or_queue(FIRST, {}, now())
    lease.hold_or_queue(SECOND, {"sources": ["crm"]}, now())
    lease.release(FIRST)
    lease.hold_or_queue(THIRD, {}, now())
    assert lease.release(THIRD) == [{"sources": ["crm"]}]


def test_of_many_that_start_at_once_one_holds_and_the_others_wait(dynamodb: DynamoDBClient) -> None:
    arns = [execution(f"run-{number}") for number in range(8)]
    lease = PipelineLease(cast("DynamoDBClient", OneAtATime(dynamodb)), TABLE, Executions(set(arns)).still_runs)
    barrier = threading.Barrier(len(arns))
    ended: list[Held | Queued] = []

    def start(arn: str) -> None:
        barrier.wait()
        ended.append(lease.hold_or_queue(arn, {"entities": [arn]}, now()))

    threads = [threading.Thread(target=start, args=(arn,)) for arn in arns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (holder,) = [item.holder for item in ended if isinstance(item, Queued)][:1]
    assert sum(isinstance(item, Held) for item in ended) == 1
    assert len(lease.release(holder)) == len(arns) - 1


class LeaseLife(RuleBasedStateMachine):
    """Executions start, end and are aborted in any order. One table serves all lives, which begin with a free lease."""

    dynamodb: DynamoDBClient

    def __init__(self) -> None:
        super().__init__()
        self.dynamodb.delete_item(TableName=TABLE, Key=KEY)
        self.executions = Executions()
        self.lease = PipelineLease(self.dynamodb, TABLE, self.executions.still_runs)
        self.holders: set[str] = set()
        self.count = 0
        self.begun = 0
        self.asked: set[str] = set()
        self.read: set[str] = set()

    def teardown(self) -> None:
        while self.holders & self.executions.running:
            self.end_run()
        self.start_run()
        while self.holders & self.executions.running:
            self.end_run()
        assert self.asked == self.read, "a request was lost"

    @rule()
    def start_run(self) -> None:
        self.count += 1
        self._begin({"entities": [f"crm.entity_{self.count}"]})

    @rule()
    def end_run(self) -> None:
        for arn in self.holders & self.executions.running:
            end(arn, self.lease, self._begin)
            self.executions.running.remove(arn)

    @rule()
    def abort_run(self) -> None:
        self.executions.running -= self.holders

    @invariant()
    def at_most_one_running_execution_holds_the_lease(self) -> None:
        assert len(self.holders & self.executions.running) <= 1

    def _begin(self, request: dict[str, Any]) -> str:
        self.begun += 1
        arn = execution(f"run-{self.begun}")
        self.executions.running.add(arn)
        self.asked |= set(request["entities"])
        held = self.lease.hold_or_queue(arn, request, now())
        if isinstance(held, Held):
            # The one that ends now is still running while its release starts this one.
            self.holders = {arn}
            self.read |= set(request["entities"])
        else:
            self.executions.running.remove(arn)
        return arn


def test_at_most_one_execution_runs_and_each_request_is_read_whatever_happens(dynamodb: DynamoDBClient) -> None:
    LeaseLife.dynamodb = dynamodb
    run_state_machine_as_test(
        LeaseLife,
        settings=settings(
            max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
