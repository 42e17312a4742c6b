"""`lake quarantine`, `lake accept`, `lake discard` as an operator meets them."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.contract.build import compile_folder
from lake.contract.plan import Plan
from lake.raw.layout import decision_key, manifest_key
from tests.support.cli_lake import PROJECT, Lake, put_table

ORDER = "erp.sales_order"
NEGATIVE = "sales_order_item.requested_quantity_not_negative"
HELD: dict[str, Any] = {
    "_load": 1, "_row": 4, "sales_order": "O'1", "_observed_at": "2026-11-16 12:05:00", "_cursor": None,
    "reasons": [NEGATIVE, "unfit"], "row": '{"SalesOrder": "O\'1"}', "status": "open", "first_seen": "2026-11-16 12:01:00",
    "plan": "abc", "contract": "1.0.0", "closed_at": None, "replayed_by": None, "_record": "f00",
}  # fmt: skip


@pytest.fixture
def plan() -> Plan:
    return Plan.load(compile_folder(PROJECT / "contracts")[f"{ORDER}.json"])


@pytest.fixture
def lake_with_orders(a_lake: Lake, plan: Plan) -> Lake:
    """A lake whose orders are curated up to load 1, of three."""
    a_lake.write_raw(f"plans/{plan.sha256}.json", plan.dump())
    body = io.BytesIO()
    pq.write_table(pa.table({"SalesOrder": ["7", "8"], "_row": [0, 1]}), body)
    a_lake.client("s3").put_object(Bucket=f"{a_lake.name}-raw", Key="data/3-0.parquet", Body=body.getvalue())
    for load in (1, 2, 3):
        a_lake.write_raw(manifest_key(ORDER, load), {"parts": [{"key": "data/3-0.parquet"}]})
    a_lake.write_state("curated", ORDER, through={"N": "1"})
    return a_lake


@pytest.fixture
def lake_with_bad_rows(lake_with_orders: Lake) -> Lake:
    """One open record of two rules, and one that is superseded."""
    types = dict.fromkeys(HELD, "string") | {"_load": "bigint", "_row": "bigint", "reasons": "array<string>"}
    closed = HELD | {"_row": 5, "sales_order": "2", "status": "superseded", "closed_at": "2026-11-17 00:00:00"}
    put_table(lake_with_orders, "erp_sales_order_quarantine", types, [HELD, closed])
    put_table(
        lake_with_orders, "erp_sales_order", {"sales_order": "string"}, [{"sales_order": "O'1"}, {"sales_order": "2"}]
    )
    return lake_with_orders


def test_a_lake_without_tables_says_that_there_is_no_quarantine_yet(lake_with_orders: Lake) -> None:
    assert "lake run" in lake_with_orders.run("quarantine", "list").output


def test_what_is_held_back_is_counted_by_rule_and_listed_without_what_is_closed(lake_with_bad_rows: Lake) -> None:
    rules = json.loads(lake_with_bad_rows.run("quarantine", "list", "--json").stdout)["rules"]
    assert [(rule["entity"], rule["reason"], rule["rows"]) for rule in rules] == [
        (ORDER, NEGATIVE, 1),
        (ORDER, "unfit", 1),
    ]
    listed = json.loads(lake_with_bad_rows.run("quarantine", "list", ORDER, "--json").stdout)
    assert [(row["_load"], row["_row"], row["sales_order"]) for row in listed["rows"]] == [("1", "4", "O'1")]
    everything = lake_with_bad_rows.run("quarantine", "list", ORDER, "--closed").output
    assert "superseded" in everything
    assert "O'1" in everything


def test_a_record_is_shown_with_its_rules_in_words_what_was_sent_and_what_current_has(lake_with_bad_rows: Lake) -> None:
    shown = json.loads(lake_with_bad_rows.run("quarantine", "show", ORDER, "1", "4", "--json").stdout)
    assert shown["broken"].keys() == {NEGATIVE, "unfit"}
    assert "Nobody orders less than nothing" in shown["broken"][NEGATIVE]
    assert (shown["record"], shown["current"]) == ({"SalesOrder": "O'1"}, {"sales_order": "O'1"})
    text = lake_with_bad_rows.run("quarantine", "show", ORDER, "1", "4").output
    assert "load 1 row 4: open" in text
    assert "a value is not of its type" in text


def test_a_row_of_a_load_that_was_stopped_is_shown_as_it_lies_in_raw(lake_with_orders: Lake) -> None:
    shown = json.loads(lake_with_orders.run("quarantine", "show", ORDER, "3", "1", "--json").stdout)
    assert shown["record"] == {"SalesOrder": "8", "_row": 1}
    assert "has no row 2" in lake_with_orders.run("quarantine", "show", ORDER, "3", "2").output
    assert "has no load 4" in lake_with_orders.run("quarantine", "show", ORDER, "4", "0").output


def test_a_decision_is_written_once_beside_its_manifest_and_stands_in_the_audit(lake_with_orders: Lake) -> None:
    first = lake_with_orders.run("discard", ORDER, "3", "--why", "the proxy cut it")
    second = lake_with_orders.run("accept", ORDER, "3", "--why", "no, it is right")
    assert first.exit_code == 0, first.output
    assert f"lake run --entity {ORDER}" in first.output
    assert second.exit_code == 1
    assert "discard, for 'the proxy cut it'" in second.output
    stored = lake_with_orders.client("s3").get_object(Bucket=f"{lake_with_orders.name}-raw", Key=decision_key(ORDER, 3))
    written = json.loads(stored["Body"].read())
    assert (written["load"], written["decision"], written["why"]) == (3, "discard", "the proxy cut it")
    assert written["by"].startswith("arn:aws")
    (audited,) = json.loads(lake_with_orders.run("state", "audit", ORDER, "--json").stdout)["changes"]
    assert (audited["action"], audited["after"]) == ("discard", {"load": 3})


@pytest.mark.parametrize(("load", "said"), [("1", "is merged already"), ("4", "has no load 4")])
def test_only_a_load_that_waits_can_be_decided_about(lake_with_orders: Lake, load: str, said: str) -> None:
    result = lake_with_orders.run("accept", ORDER, load, "--why", "x")
    assert result.exit_code == 1
    assert said in result.output


def test_nothing_is_decided_while_a_run_may_be_merging(lake_with_orders: Lake) -> None:
    machine = lake_with_orders.client("stepfunctions")
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
    arn = f"arn:aws:states:eu-central-1:000000000000:stateMachine:{lake_with_orders.name}-pipeline"
    machine.update_state_machine(stateMachineArn=arn, definition=json.dumps(waits))
    execution = machine.start_execution(stateMachineArn=arn, name="run-9", input="{}")["executionArn"]
    lake_with_orders.write_state("pipeline", "lease", execution={"S": execution})
    try:
        refused = lake_with_orders.run("accept", ORDER, "2", "--why", "x")
    finally:
        machine.stop_execution(executionArn=execution)
    assert refused.exit_code == 1
    assert "Run run-9 is going on" in refused.output
    assert lake_with_orders.run("accept", ORDER, "2", "--why", "x").exit_code == 0


def test_a_replay_is_an_execution_with_a_task(lake_with_orders: Lake) -> None:
    begun = json.loads(lake_with_orders.run("quarantine", "replay", ORDER, "--no-wait", "--json").stdout)
    described = lake_with_orders.client("stepfunctions").describe_execution(executionArn=begun["execution"])
    assert json.loads(described["input"]) == {"entities": [ORDER], "task": "replay", "trigger": "lake"}
