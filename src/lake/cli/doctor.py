"""`lake doctor`: one look at everything that must be right, each with what to do where it is not."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from lake.cli.answer import Answer
from lake.cli.aws import Stack, client, endpoint, find_stack, region
from lake.cli.errors import NO_CREDENTIALS, REFUSED_ACTION, OperatorError, code_of, explained
from lake.cli.findings import Finding, Verdict, answer_of
from lake.cli.pictures import instant
from lake.cli.progress import deployed_plans, read_lease
from lake.cli.sources import source_plan
from lake.cli.status import last_runs
from lake.extract.auth import LOGINS
from lake.run.executions import runs_in

CONTRACTS = Path("contracts")
SOURCE_URL = re.compile(r"([A-Z][a-z0-9]*)Url")
OUTPUTS = (
    *("Pipeline", "RawBucketName", "CuratedBucketName", "AnalyticsBucketName", "AssetsBucketName", "StateTableName"),
    *(
        "RawDatabaseName",
        "CuratedDatabaseName",
        "AnalyticsDatabaseName",
        "WorkGroupName",
        "AlarmTopicArn",
        "DeadLettersUrl",
    ),
)
STEADY = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
ANSWERS_WITHIN_S = 5


type Check = Callable[[Stack], Iterator[Finding]]


def examine(stack_name: str) -> Answer:
    """All findings; failed where one check fails, degraded where one warns."""
    findings = [*check_credentials()]
    if not any(finding.verdict == "fail" for finding in findings):
        findings += check_stack(stack_name)
    return answer_of(findings)


def check_credentials() -> Iterator[Finding]:
    """Who asks, and where."""
    where = region()
    if where is None:
        yield Finding("region", "fail", "no region is chosen", "Set AWS_REGION.")
        return
    yield Finding("region", "ok", where)
    if endpoint():
        yield Finding("endpoint", "note", f"{endpoint()} stands in for AWS (AWS_ENDPOINT_URL)")
    try:
        who = client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        problem = explained(error)
        what = "credentials" if isinstance(error, (*NO_CREDENTIALS, ClientError)) else "connection"
        yield Finding(what, "fail", problem.what, problem.next_step)
        return
    yield Finding("credentials", "ok", f"{who['Arn']} of account {who['Account']}")


def check_stack(name: str) -> Iterator[Finding]:
    """The stack, and where there is one all that hangs on it."""
    try:
        stack = find_stack(name)
    except OperatorError as error:
        yield Finding("stack", "fail", error.what, error.next_step)
        return
    absent = [output for output in OUTPUTS if output not in stack.outputs]
    if stack.status not in STEADY:
        going = stack.status.endswith("_IN_PROGRESS")
        remedy = "Wait until it is done." if going else "See the stack's events in CloudFormation, then `lake deploy`."
        yield Finding("stack", "warn" if going else "fail", f"{name} is {stack.status}", remedy)
    if absent:
        yield Finding(
            "stack", "fail", f"{name} lacks outputs: {', '.join(absent)}", "Deploy this version: `lake deploy`."
        )
        return
    yield Finding("stack", "ok", f"{name} is {stack.status} since {instant(stack.changed_at)}")
    for check in CHECKS:
        try:
            yield from check(stack)
        except ClientError as error:
            yield _could_not_look(check, error)


def _could_not_look(check: Check, error: ClientError) -> Finding:
    what = check.__name__.removeprefix("check_").replace("_", " ")
    problem = explained(error)
    return Finding(what, "note" if code_of(error) in REFUSED_ACTION else "warn", problem.what, problem.next_step)


def sources_of(stack: Stack) -> list[str]:
    """The sources that the stack reads: each has a parameter for its URL."""
    found = filter(None, map(SOURCE_URL.fullmatch, stack.parameters))
    return sorted(match[1].lower() for match in found)


def check_secrets(stack: Stack) -> Iterator[Finding]:
    """That each source's secret is there, and holds what the login needs."""
    for source in sources_of(stack):
        arn = stack.parameters.get(f"{source.title()}SecretArn")
        try:
            logins = _logins(source)
        except OperatorError as error:
            yield Finding(f"{source} contracts", "fail", error.what, error.next_step)
            continue
        if arn is None or logins == [()]:
            continue
        try:
            text = client("secretsmanager").get_secret_value(SecretId=arn).get("SecretString", "")
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            yield Finding(
                f"{source} secret", "fail", f"{arn} does not exist", "Create it, and name its ARN: `lake deploy`."
            )
            continue
        keys = min(logins, key=lambda keys: (len(_missing(text, keys)), -len(keys)))
        missing = _missing(text, keys)
        if missing:
            named = " or ".join(", ".join(keys) for keys in logins)
            remedy = (
                f"Put a JSON object with {named} into it: `aws secretsmanager put-secret-value --secret-id {arn} ...`."
            )
            yield Finding(f"{source} secret", "fail", f"{arn} lacks {', '.join(missing)}", remedy)
        else:
            yield Finding(f"{source} secret", "ok", f"has {', '.join(keys)}")


def _logins(source: str) -> list[tuple[str, ...]]:
    """The members that the source's secret may hold: its contracts tell; where they are not at hand, those of any login."""
    folder = CONTRACTS / source
    if (folder / "source.yaml").is_file():
        return [LOGINS[source_plan(folder).auth][0]]
    return [members for members, _ in LOGINS.values() if members]


def _missing(text: str, keys: tuple[str, ...]) -> list[str]:
    try:
        value = json.loads(text)
    except ValueError:
        return list(keys)
    return [key for key in keys if not (isinstance(value, dict) and value.get(key))]


def check_sources(stack: Stack) -> Iterator[Finding]:
    """Whether each source answers this machine; the functions may see more of the network, or less."""
    for source in sources_of(stack):
        url = stack.parameters.get(f"{source.title()}Url", "")
        try:
            request = urllib.request.Request(url, method="HEAD")  # noqa: S310 (the template admits http and https alone)
            with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_S):  # noqa: S310
                pass
        except urllib.error.HTTPError:
            pass  # it answers: what it thinks of a request without a login is no matter here
        except OSError as error:
            said = f"{url} does not answer this machine ({getattr(error, 'reason', error)})"
            yield Finding(f"{source} source", "warn", said, "See whether it is up, and whether AWS may reach it.")
            continue
        yield Finding(f"{source} source", "ok", f"{url} answers")


def check_tables(stack: Stack) -> Iterator[Finding]:
    """That each deployed entity has its curated table."""
    database = stack.output("CuratedDatabaseName")
    pages = client("glue").get_paginator("get_tables").paginate(DatabaseName=database)
    there = {table["Name"] for page in pages for table in page["TableList"]}
    wanted = {plan.table for plan in deployed_plans(stack).values()}
    lacking = sorted(wanted - there)
    if lacking:
        said = f"{database} lacks {', '.join(lacking)}"
        yield Finding("tables", "note" if not there else "warn", said, "The next run makes them: `lake run`.")
    else:
        yield Finding("tables", "ok", f"{database} has {len(there)} tables of {len(wanted)} entities")


def check_schedules(stack: Stack) -> Iterator[Finding]:
    """Whether the pipeline starts by itself."""
    for source in sources_of(stack):
        name = f"{stack.lake}-{source}"
        try:
            schedule = client("scheduler").get_schedule(GroupName=stack.lake, Name=name)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            yield Finding(f"{source} schedule", "fail", f"{name} does not exist", "Deploy again: `lake deploy`.")
            continue
        zone = schedule.get("ScheduleExpressionTimezone", "UTC")
        when = f"{schedule['ScheduleExpression']}, {zone}"
        if schedule.get("State", "ENABLED") == "ENABLED":
            yield Finding(f"{source} schedule", "ok", when)
        else:
            on = "To let it: `lake deploy --parameter ScheduleState=ENABLED`."
            yield Finding(f"{source} schedule", "note", f"disabled ({when}): nothing starts by itself", on)


def check_lease(stack: Stack) -> Iterator[Finding]:
    """Whether the pipeline is held, and by an execution that lives."""
    lease = read_lease(stack)
    waiting = f", {len(lease.pending)} waiting" if lease.pending else ""
    if lease.execution is None:
        yield Finding("lease", "ok", f"free{waiting}")
        return
    holder = lease.execution.rpartition(":")[2]
    if runs_in(client("stepfunctions"))(lease.execution):
        yield Finding("lease", "ok", f"held by run {holder} since {instant(lease.since)}{waiting}")
    else:
        said = f"held since {instant(lease.since)} by run {holder}, which no longer runs{waiting}"
        yield Finding("lease", "warn", said, "The next run takes it over: `lake run`.")


def check_last_run(stack: Stack) -> Iterator[Finding]:
    """How the last run ended."""
    over = [run for run in last_runs(stack, 5) if run.outcome not in ("RUNNING", "QUEUED")]
    if not over:
        yield Finding("last run", "note", "there was none", "Start one: `lake run`.")
    elif over[0].outcome == "GOOD":
        yield Finding("last run", "ok", f"{over[0].run_id} was good")
    else:
        verdict: Verdict = "warn" if over[0].outcome == "DEGRADED" else "fail"
        said = f"{over[0].run_id} ended as {over[0].outcome}"
        yield Finding("last run", verdict, said, f"Its reasons and remedies: `lake status {over[0].run_id}`.")


def check_alarms(stack: Stack) -> Iterator[Finding]:
    """Alarms that ring, starts that failed, and whether anybody would hear."""
    alarms = client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{stack.lake}-").get("MetricAlarms", [])
    ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
    for alarm in ringing:
        yield Finding("alarm", "fail", alarm["AlarmName"], alarm.get("AlarmDescription"))
    if not ringing:
        yield Finding("alarms", "ok", f"none of {len(alarms)} rings")
    yield from _dead_letters(stack)
    topic = stack.output("AlarmTopicArn")
    if not client("sns").list_subscriptions_by_topic(TopicArn=topic).get("Subscriptions"):
        on = "To be told of bad runs: `lake deploy --parameter AlarmEmail=...`."
        yield Finding("alarms", "note", "nobody is subscribed to them", on)


def _dead_letters(stack: Stack) -> Iterator[Finding]:
    asked = {"QueueUrl": stack.output("DeadLettersUrl"), "AttributeNames": ["ApproximateNumberOfMessages"]}
    count = int(client("sqs").get_queue_attributes(**asked)["Attributes"]["ApproximateNumberOfMessages"])
    if count:
        remedy = "Read the queue's messages, start the run by hand (`lake run`), then purge the queue."
        yield Finding("dead letters", "fail", f"{count} scheduled starts failed", remedy)


CHECKS: tuple[Check, ...] = (
    check_secrets,
    check_sources,
    check_tables,
    check_schedules,
    check_lease,
    check_last_run,
    check_alarms,
)
