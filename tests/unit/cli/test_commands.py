"""The command as an operator meets it: exit codes, words, JSON; against an AWS that is not there, or not in order."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from lake.contract.build import compile_folder
from lake.instants import to_text
from tests.support.cli_lake import PROJECT, REGION, Lake, lake
from tests.support.endpoints import free_port

COMMANDS = (["status"], ["run"], ["query", "SELECT 1"], ["doctor"])


@pytest.mark.parametrize("command", COMMANDS)
def test_an_endpoint_that_is_down_is_named_with_the_way_to_start_it(
    command: list[str], credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)

    result = lake(*command)

    assert result.exit_code == 1
    assert endpoint in result.output
    assert "make up" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_missing_credentials_are_said(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)

    result = lake(*command)

    assert result.exit_code == 1
    assert "no AWS credentials" in result.output
    assert ".lake/stack/env" in result.output


def test_a_missing_region_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    result = lake("status")

    assert result.exit_code == 1
    assert "AWS_REGION" in result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_stack_is_named_with_the_way_to_deploy_it(command: list[str], aws: str) -> None:
    result = lake(*command, "--stack", "nowhere")

    assert result.exit_code == 1
    assert "no stack nowhere" in result.output
    assert "lake deploy" in result.output


@pytest.mark.parametrize("command", [["status"], ["run"], ["query", "SELECT 1"]])
def test_a_script_gets_json_alone_on_stdout_when_something_is_wrong(command: list[str], aws: str) -> None:
    result = lake(*command, "--json")

    document = json.loads(result.stdout)

    assert result.exit_code == 1
    assert "no stack lake" in document["error"]
    assert "lake deploy" in document["next_step"]
    assert "no stack lake" in result.stderr


def test_the_doctors_findings_are_json_for_a_script(aws: str) -> None:
    result = lake("doctor", "--json")

    findings = {finding["what"]: finding for finding in json.loads(result.stdout)["findings"]}

    assert result.exit_code == 1
    assert findings["credentials"]["verdict"] == "ok"
    assert findings["stack"]["verdict"] == "fail"
    assert "lake deploy" in findings["stack"]["remedy"]


def test_a_stack_that_lacks_an_output_is_told_from_one_that_is_whole(aws: str) -> None:
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    boto3.client("cloudformation").create_stack(StackName="bare", TemplateBody=json.dumps(template))

    asked = lake("query", "SELECT 1", "--stack", "bare")
    examined = lake("doctor", "--stack", "bare")

    assert "has no output AnalyticsDatabaseName" in asked.output
    assert "lacks outputs: Pipeline" in examined.output
    assert (asked.exit_code, examined.exit_code) == (1, 1)


def report(run_id: str, settled_at: datetime, **changes: Any) -> dict[str, Any]:
    read = {"received": 5, "landed": 5, "repeated": 0, "beyond": 0}
    line = {"entity": "crm.account", "status": "DONE", "extracted": read, "curated": None, "unsettled": None}
    return {
        "run_id": run_id,
        "outcome": "GOOD",
        "settled_at": to_text(settled_at),
        "balanced": True,
        "balance": "The balance closes: every row that was received is accounted for.",
        "entities": [line],
        "marts": {},
        "problems": [],
        **changes,
    }


def status_of(a_lake: Lake) -> dict[str, Any]:
    """`crm.account`'s line after a run of `a_lake`."""
    document = json.loads(a_lake.run("status", "--json").stdout)
    return next(line for line in document["entities"] if line["entity"] == "crm.account")


def with_plan(a_lake: Lake) -> None:
    """What a deployment leaves in raw: the plans."""
    a_lake.write_raw("plans/0.json", compile_folder(PROJECT / "contracts")["crm.account.json"])


def test_a_lake_that_never_ran_says_how_to_begin(a_lake: Lake) -> None:
    with_plan(a_lake)

    result = a_lake.run("status")

    assert result.exit_code == 0
    assert "No run yet" in result.output
    assert "lake run" in result.output
    assert "NEVER" in result.output


def test_an_entity_that_was_read_lately_is_done(a_lake: Lake) -> None:
    with_plan(a_lake)
    a_lake.write_state(
        "entity#crm.account", "live", watermark={"S": "2020-01-01T00:00:00.000000Z"}, last_load={"N": "3"}
    )
    a_lake.write_state("curated", "crm.account", through={"N": "2"})
    a_lake.start("run-1")
    a_lake.write_raw("runs/run-1.json", report("run-1", datetime.now(UTC) - timedelta(hours=1)))

    line = status_of(a_lake)

    assert (line["standing"], line["last_load"], line["through"]) == ("DONE", 3, 2)


def test_an_entity_that_is_older_than_its_contract_allows_is_late_and_degrades(a_lake: Lake) -> None:
    with_plan(a_lake)
    a_lake.write_state("entity#crm.account", "live", watermark={"S": "2020-01-01T00:00:00.000000Z"})

    assert status_of(a_lake)["standing"] == "LATE"
    assert a_lake.run("status").exit_code == 3


def test_an_entity_that_rests_says_until_when(a_lake: Lake) -> None:
    with_plan(a_lake)
    until = datetime.now(UTC) + timedelta(hours=5)
    a_lake.write_state("entity#crm.account", "live", resume_at={"S": to_text(until)})

    line = status_of(a_lake)

    assert line["standing"] == "PAUSED"
    assert f"{until:%Y-%m-%d %H:%M}" in line["reason"]


def test_an_entity_that_failed_last_names_its_problem_until_it_is_read_again(a_lake: Lake) -> None:
    with_plan(a_lake)
    a_lake.write_state("entity#crm.account", "live", watermark={"S": to_text(datetime.now(UTC))})
    problem = {"where": "crm.account", "error": "SourceAuthError", "cause": "401", "remedy": "mend it"}
    a_lake.start("run-1")
    a_lake.write_raw("runs/run-1.json", report("run-1", datetime.now(UTC), entities=[], problems=[problem]))

    failing = status_of(a_lake)
    a_lake.start("run-2")
    a_lake.write_raw("runs/run-2.json", report("run-2", datetime.now(UTC)))

    assert (failing["standing"], failing["reason"]) == ("FAILED", "SourceAuthError: 401")
    assert status_of(a_lake)["standing"] == "DONE"


def test_the_plan_that_was_deployed_last_counts(a_lake: Lake) -> None:
    text = compile_folder(PROJECT / "contracts")["crm.account.json"]
    a_lake.write_raw("plans/b.json", text)
    a_lake.write_raw("plans/a.json", text.replace('"freshness_s":90000', '"freshness_s":60'))

    assert status_of(a_lake)["owes_s"] == 60


def test_one_run_is_shown_whole_and_an_unknown_one_refused(a_lake: Lake) -> None:
    a_lake.start("run-1")
    a_lake.write_raw("runs/run-1.json", report("run-1", datetime.now(UTC)))

    known, unknown = a_lake.run("status", "run-1"), a_lake.run("status", "run-9")

    assert known.exit_code == 1  # an execution without an outcome in its output did not do its work
    assert f"s3://{a_lake.name}-raw/runs/run-1.json" in known.output
    assert unknown.exit_code == 1
    assert "no run run-9" in unknown.output


def test_a_run_that_left_no_report_says_where_to_look(a_lake: Lake) -> None:
    result = a_lake.run("run")

    assert result.exit_code == 1
    assert "without a report" in result.output
    assert "Step Functions console" in result.output


def test_a_run_that_nobody_waits_for_is_named(a_lake: Lake) -> None:
    document = json.loads(a_lake.run("run", "--no-wait", "--entity", "crm.account", "--json").stdout)

    described = a_lake.client("stepfunctions").describe_execution(executionArn=document["execution"])

    assert json.loads(described["input"]) == {"entities": ["crm.account"], "trigger": "lake"}
    assert document["run_id"] == described["name"]


def findings(a_lake: Lake) -> dict[str, dict[str, Any]]:
    return {finding["what"]: finding for finding in json.loads(a_lake.run("doctor", "--json").stdout)["findings"]}


def test_a_lease_that_a_dead_execution_holds_is_found(a_lake: Lake) -> None:
    gone = f"arn:aws:states:{REGION}:000000000000:execution:{a_lake.name}-pipeline:gone"
    since = {"S": "2026-11-16T12:00:00.000000Z"}
    a_lake.write_state("pipeline", "lease", execution={"S": gone}, since=since, pending={"L": [{"S": "{}"}]})

    found = findings(a_lake)["lease"]

    assert found["verdict"] == "warn"
    assert "run gone, which no longer runs, 1 waiting" in found["said"]
    assert "lake run" in found["remedy"]


def test_a_free_lease_is_well(a_lake: Lake) -> None:
    assert findings(a_lake)["lease"]["said"] == "free"


@pytest.mark.parametrize(
    ("text", "verdict", "said"),
    [
        ('{"client_id": "a", "client_secret": "b"}', "ok", "has client_id, client_secret"),
        ('{"client_id": "a"}', "fail", "lacks client_secret"),
        ("a password", "fail", "lacks client_id, client_secret"),
        (None, "fail", "does not exist"),
    ],
)
def test_a_secret_that_is_missing_or_malformed_is_found(
    a_lake: Lake, text: str | None, verdict: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    if text is not None:
        a_lake.client("secretsmanager").create_secret(Name=f"{a_lake.name}/Crm", SecretString=text)

    found = findings(a_lake)["crm secret"]

    assert found["verdict"] == verdict
    assert said in found["said"]


@pytest.mark.parametrize(
    ("text", "verdict", "said"),
    [('{"token": "a"}', "ok", "has token"), ('{"user": "a"}', "fail", "lacks password")],
)
def test_where_no_contracts_are_at_hand_a_secret_is_well_that_fits_any_login(
    a_lake: Lake, text: str, verdict: str, said: str
) -> None:
    a_lake.client("secretsmanager").create_secret(Name=f"{a_lake.name}/Crm", SecretString=text)

    found = findings(a_lake)["crm secret"]

    assert found["verdict"] == verdict
    assert said in found["said"]


def test_a_mistake_in_a_source_at_hand_is_found(a_lake: Lake) -> None:
    Path("contracts/crm").mkdir(parents=True)
    Path("contracts/crm/source.yaml").write_text("source: crm\n", "utf-8")

    assert "protocol" in findings(a_lake)["crm contracts"]["said"]


def test_a_third_source_is_examined_as_the_shipped_ones_are(a_lake: Lake, aws: str) -> None:
    parameters = [{"ParameterKey": "DeskUrl", "ParameterValue": aws}]
    template = a_lake.client("cloudformation").get_template(StackName=a_lake.name)["TemplateBody"]
    template = template if isinstance(template, dict) else json.loads(template)
    template["Parameters"]["DeskUrl"] = {"Type": "String"}
    a_lake.client("cloudformation").update_stack(
        StackName=a_lake.name, TemplateBody=json.dumps(template), Parameters=parameters
    )

    found = findings(a_lake)

    assert found["desk source"]["verdict"] == "ok"
    assert found["desk schedule"]["verdict"] == "fail"
    assert "desk secret" not in found


def test_a_start_that_failed_is_found_in_the_dead_letters(a_lake: Lake) -> None:
    queue = a_lake.client("sqs").get_queue_url(QueueName=f"{a_lake.name}-dead")["QueueUrl"]
    a_lake.client("sqs").send_message(QueueUrl=queue, MessageBody="{}")

    assert "1 scheduled starts failed" in findings(a_lake)["dead letters"]["said"]


def test_an_alarm_that_rings_is_found(a_lake: Lake) -> None:
    cloudwatch = a_lake.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=f"{a_lake.name}-pipeline-failed",
        AlarmDescription="A run failed.",
        Namespace="AWS/States",
        MetricName="ExecutionsFailed",
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName=f"{a_lake.name}-pipeline-failed", StateValue="ALARM", StateReason="test")

    found = findings(a_lake)["alarm"]

    assert (found["verdict"], found["said"]) == ("fail", f"{a_lake.name}-pipeline-failed")


def test_a_source_that_does_not_answer_is_found(a_lake: Lake) -> None:
    found = findings(a_lake)

    assert found["crm source"]["verdict"] == "ok"
    assert found["erp source"]["verdict"] == "warn"
    assert "does not answer this machine" in found["erp source"]["said"]


@pytest.mark.parametrize(("state", "verdict"), [("ENABLED", "ok"), ("DISABLED", "note")])
def test_a_schedule_that_does_not_start_anything_is_told(a_lake: Lake, state: str, verdict: str) -> None:
    scheduler = a_lake.client("scheduler")
    scheduler.create_schedule_group(Name=a_lake.name)
    scheduler.create_schedule(
        GroupName=a_lake.name,
        Name=f"{a_lake.name}-crm",
        ScheduleExpression="rate(1 hour)",
        State=state,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": f"arn:aws:sqs:{REGION}:000000000000:x", "RoleArn": "arn:aws:iam::000000000000:role/x"},
    )

    found = findings(a_lake)

    assert found["crm schedule"]["verdict"] == verdict
    assert "rate(1 hour)" in found["crm schedule"]["said"]
    assert found["erp schedule"]["verdict"] == "fail"
    assert "does not exist" in found["erp schedule"]["said"]


def test_curated_tables_that_are_missing_are_named(a_lake: Lake) -> None:
    with_plan(a_lake)

    before = findings(a_lake)["tables"]
    a_lake.client("glue").create_table(DatabaseName=f"{a_lake.name}_curated", TableInput={"Name": "crm_account"})

    assert "crm_account" in before["said"]
    assert "lake run" in before["remedy"]
    assert findings(a_lake)["tables"]["verdict"] == "ok"


def test_the_last_run_is_judged(a_lake: Lake) -> None:
    before = findings(a_lake)["last run"]
    a_lake.start("run-1")  # an execution without an outcome in its output did not do its work

    after = findings(a_lake)["last run"]

    assert before["verdict"] == "note"
    assert after["verdict"] == "fail"
    assert "lake status run-1" in after["remedy"]


def test_a_tables_first_rows_are_asked_for_by_its_name(a_lake: Lake) -> None:
    a_lake.client("glue").create_table(
        DatabaseName=f"{a_lake.name}_curated",
        TableInput={
            "Name": "crm_account",
            "StorageDescriptor": {
                "Columns": [{"Name": "id", "Type": "string"}],
                "Location": f"s3://{a_lake.name}-raw/data/",
                "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
            },
            "Parameters": {"classification": "json"},
        },
    )
    a_lake.write_raw("data/rows.json", "\n".join(json.dumps({"id": f"row {number}"}) for number in range(5)))

    by_name = json.loads(a_lake.run("query", "crm_account", "--limit", "3", "--json").stdout)
    by_database = json.loads(a_lake.run("query", f"{a_lake.name}_curated.crm_account", "--json").stdout)
    shown = a_lake.run("query", "crm_account", "--limit", "3").output

    assert by_name["rows"] == [{"id": "row 0"}, {"id": "row 1"}, {"id": "row 2"}]
    assert by_name["more"] is True
    assert (len(by_database["rows"]), by_database["more"]) == (5, False)
    assert "row 2" in shown
    assert "3 rows, and there are more (--limit)" in shown


def test_tables_are_listed_and_a_missing_one_is_named(a_lake: Lake) -> None:
    none = a_lake.run("query")
    a_lake.client("glue").create_table(
        DatabaseName=f"{a_lake.name}_analytics", TableInput={"Name": "customer_xref", "Description": "Who is who."}
    )

    listed, missing = a_lake.run("query"), a_lake.run("query", "customer_xrf")

    assert "lake run" in none.output
    assert "customer_xref" in listed.output
    assert "Who is who." in listed.output
    assert missing.exit_code == 1
    assert "no table customer_xrf" in missing.output


def test_a_query_answers_rows_by_column_and_says_that_there_are_more(a_lake: Lake) -> None:
    result = a_lake.run(
        "query", "SELECT i, i * 1.50 AS amount, NULL AS nothing FROM range(2500) t(i)", "--limit", "2100", "--json"
    )

    document = json.loads(result.stdout)

    assert result.exit_code == 0
    assert [column["name"] for column in document["columns"]] == ["i", "amount", "nothing"]
    assert len(document["rows"]) == 2_100
    assert [int(row["i"]) for row in document["rows"]] == list(range(2_100))
    assert document["rows"][2]["amount"] == "3.00"
    assert document["rows"][2]["nothing"] is None
    assert document["more"] is True


def test_a_query_that_fails_says_why(a_lake: Lake) -> None:
    result = a_lake.run("query", "SELECT nothing_of_this_name")

    assert result.exit_code == 1
    assert "nothing_of_this_name" in result.output


def test_help_of_each_command_says_what_it_does_and_what_the_exit_codes_mean() -> None:
    assert "degraded" in lake("--help").output
    for command in ("deploy", "run", "status", "query", "doctor"):
        help_text = lake(command, "--help").output
        assert "--json" in help_text
        assert "--stack" in help_text
