"""What the jobs write into the state table, and their log lines."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lake.analytics.job import StateTable as MartState
from lake.curate.ledger import StateTable
from lake.curate.log import log_as_json
from lake.state.entity import CuratedState
from lake.state.entity import StateTable as State
from tests.support.state_table import create_state_table


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client(
            "dynamodb", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        create_state_table(client, "state")
        yield client


def item(client: Any, pk: str, sk: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get_item(TableName="state", Key={"pk": {"S": pk}, "sk": {"S": sk}})["Item"]
    return found


def test_progress_wants_and_record_of_an_entity_stand_where_the_run_looks_for_them(dynamodb: Any) -> None:
    ledger = StateTable(dynamodb, "state")
    ledger.curated("crm.account", 17, 40, 2)
    ledger.wanted("crm.account", "fetches/crm/account/000000000017.json", 2)
    ledger.record("run-1", "crm.account", {"merged": 3})
    ledger.suspected("crm.account", "fetches/crm/account/000000000017-suspects.json", 1)
    table = State(dynamodb, "state")
    assert table.curated("crm.account") == CuratedState(17, 40, 2)
    assert table.key_list("suspects", "crm.account") == "fetches/crm/account/000000000017-suspects.json"
    wanted = item(dynamodb, "fetch", "crm.account")
    assert (wanted["list"], wanted["keys"]) == ({"S": "fetches/crm/account/000000000017.json"}, {"N": "2"})
    assert item(dynamodb, "curated", "crm.account")["through"] == {"N": "17"}
    assert json.loads(item(dynamodb, "run#run-1", "curate#crm.account")["record"]["S"]) == {"merged": 3}


def test_inputs_and_rows_of_the_marts_stand_where_the_run_looks_for_them(dynamodb: Any) -> None:
    ledger = MartState(dynamodb, "state")
    ledger.built("abc")
    ledger.marts("run-1", {"customer_xref": 7})
    assert item(dynamodb, "analytics", "inputs")["digest"] == {"S": "abc"}
    assert json.loads(item(dynamodb, "run#run-1", "marts")["record"]["S"]) == {"customer_xref": 7}


def test_log_lines_are_json_and_hold_fields_and_stack(capsys: pytest.CaptureFixture[str]) -> None:
    log_as_json()
    logger = logging.getLogger("lake.test")
    logger.info("%s was curated", "crm.account", extra={"fields": {"record": {"merged": 3}}})
    try:
        raise ValueError("no")
    except ValueError as error:
        logger.error("failed", exc_info=error)
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["message"], first["record"], first["level"]) == ("crm.account was curated", {"merged": 3}, "INFO")
    assert "ValueError: no" in second["exception"]
    logging.getLogger("lake").handlers = []
