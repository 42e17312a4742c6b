"""Glue's calls are judged on the resources that AWS judges them on: the catalog, the database, and the table.

The emulator takes any `Name` for a table's, so that a grant on exactly the right ARNs would be refused. AWS wants the action on
each of a table's ancestors too: https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions, iam_evaluator

NAMED = {"Crawler": "crawler", "Job": "job", "JobRun": "job", "JobRuns": "job"}


def resource(action: str, body: dict[str, Any], region: str, account: str) -> str:
    """The ARN of the lowest resource that a Glue call touches."""
    base = f"arn:aws:glue:{region}:{account}"
    kind = action.partition(":")[2].removeprefix("BatchStop")
    for verb in ("Get", "Create", "Update", "Delete", "Start", "Stop", "BatchGet", "BatchCreate", "BatchUpdate"):
        kind = kind.removeprefix(verb)
    if kind in NAMED and (name := body.get("Name") or body.get("JobName")):
        return f"{base}:{NAMED[kind]}/{name}"
    if kind == "Database":
        name = body.get("Name") or body.get("DatabaseInput", {}).get("Name")
        return f"{base}:database/{name}"
    database = body.get("DatabaseName")
    if database is None:
        return f"{base}:catalog"
    table = body.get("TableName") or body.get("Name") or body.get("TableInput", {}).get("Name")
    return f"{base}:table/{database}/{table}" if table else f"{base}:database/{database}"


def ancestors(arn: str) -> list[str]:
    """The ARNs above a table or a database, from the catalog down."""
    base, _, path = arn.rpartition(":")
    kind, _, names = path.partition("/")
    if kind == "table":
        return [f"{base}:catalog", f"{base}:database/{names.partition('/')[0]}"]
    return [f"{base}:catalog"] if kind == "database" else []


def judging(enforce: Callable[..., Any]) -> Callable[..., Any]:
    """`enforce` of the emulator that wants a Glue action on the ancestors as well."""

    def judged(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        for arn in ancestors(resource_arn) if service == "glue" else []:
            if denied := enforce(access_key_id, iam_action, service, region, arn, service_context):
                return denied
        return enforce(access_key_id, iam_action, service, region, resource_arn, service_context)

    return judged


def install() -> None:
    """Replaces how the emulator finds a Glue call's resource, and judges it on its ancestors too."""
    extract = iam_actions.extract_resource_arn

    def extract_resource_arn(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        if service != "glue":
            return str(extract(service, method, path, headers, body, query_params, region, account_id))
        action = iam_actions.extract_iam_action(service, method, path, headers, body, query_params) or ""
        return resource(action, json.loads(body or b"{}"), region, account_id)

    iam_actions.extract_resource_arn = extract_resource_arn
    iam_evaluator.enforce = judging(iam_evaluator.enforce)
