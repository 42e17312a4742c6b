"""Glue jobs on the emulator are real Spark runs, under their own role."""

import io
import json
import os
import re
import signal
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.emulator import Emulator

pytestmark = [pytest.mark.stack, pytest.mark.spark]

MERGE_SCRIPT = """
import sys
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession
import parts
options = getResolvedOptions(sys.argv, ["JOB_NAME", "JOB_RUN_ID", "amount"])
spark = SparkSession.builder.getOrCreate()
table = "glue_catalog.lake_curated.orders"
spark.sql(f"CREATE TABLE IF NOT EXISTS {table} (id BIGINT, amount DECIMAL(19,2), at TIMESTAMP) USING iceberg "
          "TBLPROPERTIES ('format-version'='2')")
spark.sql(f"SELECT CAST(1 AS BIGINT) AS id, CAST('{options['amount']}' AS DECIMAL(19,2)) AS amount, "
          "TIMESTAMP '2026-11-23 06:00:00.123456' AS at").createOrReplaceTempView("arrived")
spark.sql(f"MERGE INTO {table} t USING arrived s ON t.id = s.id "
          "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
spark.read.json("s3://raw/in.json").write.mode("overwrite").parquet("s3://raw/out")
print(parts.WORDS, options["JOB_NAME"], spark.conf.get("spark.sql.session.timeZone"))
"""
LEAVING_SCRIPT = """
import os
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
spark.range(1).createOrReplaceGlobalTempView("left")
spark.sql("SET spark.sql.session.timeZone = Asia/Tokyo")
os.environ["LEFT"] = sys.left = "left"
print(spark.conf.get("spark.lake.left"))
"""
LOOKING_SCRIPT = """
import os
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print(spark.catalog.tableExists("global_temp.left"), spark.conf.get("spark.lake.left", "none"),
      spark.conf.get("spark.sql.session.timeZone"), os.environ.get("LEFT"), hasattr(sys, "left"))
"""
WAITING_SCRIPT = """
import time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
while True:
    spark.range(10).count()
    time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def merging(emulator: Emulator, job_role: str) -> str:
    library = io.BytesIO()
    with zipfile.ZipFile(library, "w") as archive:
        archive.writestr("parts/__init__.py", "WORDS = 'from the library'\n")
    s3 = emulator.client("s3")
    s3.put_object(Bucket="assets", Key="glue/parts.zip", Body=library.getvalue())
    s3.put_object(Bucket="raw", Key="in.json", Body=b'{"a": 1}\n')
    arguments = {"--extra-py-files": "s3://assets/glue/parts.zip", "--amount": "0.00"}
    emulator.job("merging", MERGE_SCRIPT, job_role, DefaultArguments=arguments)
    return "merging"


@pytest.fixture
def waiting(emulator: Emulator, job_role: str, request: pytest.FixtureRequest) -> str:
    name = re.sub(r"\W", "-", request.node.name)
    emulator.job(name, WAITING_SCRIPT, job_role)
    return name


def test_a_run_merges_into_iceberg_and_athena_reads_what_it_wrote(emulator: Emulator, merging: str) -> None:
    run = emulator.start(merging, amount="1234567890123.45")

    ended = emulator.ended(merging, run)

    assert (ended["JobRunState"], ended["ErrorMessage"]) == ("SUCCEEDED", "")
    read = _athena(emulator, 'SELECT id, amount, "at" FROM lake_curated.orders')
    assert read == [["1", "1234567890123.45", "2026-11-23 06:00:00.123 UTC"]]
    written = emulator.client("s3").list_objects_v2(Bucket="raw", Prefix="out/")["Contents"]
    assert any(item["Key"].endswith(".parquet") for item in written)
    assert _log_lines(emulator, run) == ["from the library merging UTC"]


def test_a_run_without_a_permission_fails_and_names_it(emulator: Emulator, merging: str) -> None:
    allowed = emulator.start(merging, amount="1.00")
    assert emulator.ended(merging, allowed)["JobRunState"] == "SUCCEEDED"
    role = emulator.role("reader", ("s3:GetObject", "s3:ListBucket", "glue:*", "logs:*"))
    emulator.client("glue").update_job(JobName=merging, JobUpdate={**_definition(emulator, merging), "Role": role})

    run = emulator.start(merging, amount="1.00")
    ended = emulator.ended(merging, run)

    assert _running_pid(emulator, merging, run, "jvm.pid") == _running_pid(emulator, merging, allowed, "jvm.pid")
    assert ended["JobRunState"] == "FAILED"
    assert "s3:PutObject" in ended["ErrorMessage"]
    assert "assumed-role/reader" in ended["ErrorMessage"]
    denied = {call["action"] for call in emulator.calls() if call["verdict"] == "denied"}
    assert "s3:PutObject" in denied


def test_a_run_finds_a_warm_jvm_and_nothing_that_the_run_before_has_left(emulator: Emulator, job_role: str) -> None:
    emulator.job("leaving", LEAVING_SCRIPT, job_role, DefaultArguments={"--conf": "spark.lake.left=left"})
    emulator.job("looking", LOOKING_SCRIPT, job_role)
    runs = {}
    for job in ("leaving", "looking"):
        runs[job] = emulator.start(job)
        assert emulator.ended(job, runs[job])["JobRunState"] == "SUCCEEDED"

    assert _running_pid(emulator, "leaving", runs["leaving"], "jvm.pid") == _running_pid(
        emulator, "looking", runs["looking"], "jvm.pid"
    )
    assert _log_lines(emulator, runs["leaving"]) == ["left"]
    assert _log_lines(emulator, runs["looking"]) == ["False none UTC None False"]


def test_a_jvm_in_which_a_run_may_have_left_something_serves_no_other(emulator: Emulator, job_role: str) -> None:
    emulator.job(
        "rude", "import os; from pyspark import SparkContext; SparkContext.getOrCreate(); os._exit(0)", job_role
    )
    emulator.job("polite", LOOKING_SCRIPT, job_role)
    rude = emulator.start("rude")
    assert emulator.ended("rude", rude)["JobRunState"] == "SUCCEEDED"
    polite = emulator.start("polite")
    assert emulator.ended("polite", polite)["JobRunState"] == "SUCCEEDED"
    assert _running_pid(emulator, "rude", rude, "jvm.pid") != _running_pid(emulator, "polite", polite, "jvm.pid")


def test_a_jvm_that_died_while_nothing_ran_is_replaced(
    emulator: Emulator, job_role: str, alive: Callable[[int], bool]
) -> None:
    emulator.job("before", LOOKING_SCRIPT, job_role)
    run = emulator.start("before")
    assert emulator.ended("before", run)["JobRunState"] == "SUCCEEDED"
    jvm = _running_pid(emulator, "before", run, "jvm.pid")
    os.kill(jvm, signal.SIGKILL)
    keeper = int(Path(f"/proc/{jvm}/stat").read_text("ascii").rsplit(")", 1)[1].split()[1])
    give_up = time.monotonic() + 10
    while alive(keeper) and time.monotonic() < give_up:
        time.sleep(0.1)
    assert emulator.ended("before", emulator.start("before"))["JobRunState"] == "SUCCEEDED"


def test_a_role_that_glue_may_not_assume_fails_the_run(emulator: Emulator) -> None:
    role = emulator.role("not-glue", ("s3:*",), service="lambda.amazonaws.com")
    emulator.job("untrusted", "", role)

    ended = emulator.ended("untrusted", emulator.start("untrusted"))

    assert ended["JobRunState"] == "FAILED"
    assert "does not let glue.amazonaws.com assume it" in ended["ErrorMessage"]


def test_a_second_run_is_refused_while_one_is_at_work_and_a_stopped_run_ends_its_process(
    emulator: Emulator, waiting: str, alive: Callable[[int], bool]
) -> None:
    run = emulator.start(waiting)
    pid = _running_pid(emulator, waiting, run, "worker.pid")

    with pytest.raises(ClientError) as refused:
        emulator.start(waiting)
    emulator.client("glue").batch_stop_job_run(JobName=waiting, JobRunIds=[run])

    assert refused.value.response["Error"]["Code"] == "ConcurrentRunsExceededException"
    assert emulator.ended(waiting, run)["JobRunState"] == "STOPPED"
    assert not alive(pid)


@pytest.mark.parametrize(("process", "told"), [("worker.pid", "ended by SIGKILL"), ("jvm.pid", "Spark JVM")])
def test_a_killed_spark_process_fails_the_run_and_says_so(
    emulator: Emulator, waiting: str, process: str, told: str, alive: Callable[[int], bool]
) -> None:
    run = emulator.start(waiting)
    others = [_running_pid(emulator, waiting, run, name) for name in ("worker.pid", "jvm.pid")]

    os.kill(_running_pid(emulator, waiting, run, process), signal.SIGKILL)

    ended = emulator.ended(waiting, run)
    assert ended["JobRunState"] == "FAILED"
    assert told in ended["ErrorMessage"]
    assert not any(alive(pid) for pid in others)


def test_a_state_machine_in_yaml_waits_for_the_run_and_gets_its_job_run_as_cause(
    emulator: Emulator, job_role: str
) -> None:
    emulator.job("failing", "raise ValueError('no such day')", job_role)

    execution = _executed(emulator, "failing")

    assert execution["status"] == "FAILED"
    assert execution["error"] == "States.TaskFailed"
    cause = json.loads(execution["cause"])
    assert (cause["JobRunState"], cause["ErrorMessage"]) == ("FAILED", "ValueError: no such day")


def _executed(emulator: Emulator, job: str) -> dict[str, Any]:
    """Deploy a machine whose definition is YAML on S3, as `sam deploy` leaves it, and run it to its end."""
    definition = """
        StartAt: Transform
        QueryLanguage: JSONata
        States:
          Transform:
            Type: Task
            Resource: arn:aws:states:::glue:startJobRun.sync
            Arguments: {JobName: "${Job}"}
            End: true
    """
    emulator.client("s3").put_object(Bucket="assets", Key="machine.yaml", Body=definition.encode())
    role = emulator.role("machine", ("glue:*",), service="states.amazonaws.com")
    template = {
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": role,
                    "DefinitionS3Location": {"Bucket": "assets", "Key": "machine.yaml"},
                    "DefinitionSubstitutions": {"Job": job},
                },
            }
        },
        "Outputs": {"Arn": {"Value": {"Ref": "Machine"}}},
    }
    formation, states = emulator.client("cloudformation"), emulator.client("stepfunctions")
    formation.create_stack(StackName="machine", TemplateBody=json.dumps(template))
    formation.get_waiter("stack_create_complete").wait(StackName="machine", WaiterConfig={"Delay": 1})
    machine = formation.describe_stacks(StackName="machine")["Stacks"][0]["Outputs"][0]["OutputValue"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        found: dict[str, Any] = states.describe_execution(executionArn=execution)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.2)
    raise AssertionError("the execution did not end")


def _definition(emulator: Emulator, job: str) -> dict[str, Any]:
    known = emulator.client("glue").get_job(JobName=job)["Job"]
    return {name: known[name] for name in ("Command", "DefaultArguments", "GlueVersion")}


def _running_pid(emulator: Emulator, job: str, run: str, name: str) -> int:
    """The pid of a run's process, once its script is at work."""
    folder = emulator.data / "logs" / "glue" / job / run
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        if (folder / "jvm.pid").exists() and any((folder / "files").glob("*.py")):
            return int((folder / name).read_text(encoding="utf-8"))
        time.sleep(0.1)
    raise AssertionError(f"{folder} shows no run at work: {Path(folder).exists()}")


def _athena(emulator: Emulator, query: str) -> list[list[str | None]]:
    athena = emulator.client("athena")
    place = {"OutputLocation": "s3://assets/results/"}
    query_id = athena.start_query_execution(QueryString=query, ResultConfiguration=place)["QueryExecutionId"]
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        status = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]
        if status["State"] in ("SUCCEEDED", "FAILED"):
            break
        time.sleep(0.1)
    assert status["State"] == "SUCCEEDED", status
    rows = athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows[1:]]


def _log_lines(emulator: Emulator, run: str) -> list[str]:
    """What the run printed, in CloudWatch Logs."""
    logs = emulator.client("logs")
    give_up = time.monotonic() + 10
    while time.monotonic() < give_up:
        try:
            events = logs.get_log_events(logGroupName="/aws-glue/jobs/output", logStreamName=run)["events"]
            return [event["message"] for event in events]
        except logs.exceptions.ResourceNotFoundException:
            time.sleep(0.1)
    raise AssertionError("the run left no log")
