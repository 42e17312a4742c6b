"""What a Glue request is judged on: a table with its database and the catalog, a crawler or a job by its name.

The emulator takes any `Name` for a table's, so that a grant on exactly the right ARNs would be refused. AWS wants the
action on what is above a table, too: https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions, iam_evaluator


def resource(operation: str, request: Mapping[str, Any]) -> str:
    """The last part of the ARN of the lowest resource that a request touches."""
    if "Crawler" in operation and (crawler := request.get("Name") or request.get("CrawlerName")):
        return f"crawler/{crawler}"
    if "Job" in operation and (job := request.get("JobName") or request.get("Name")):
        return f"job/{job}"
    if operation.endswith("Database"):
        return f"database/{request.get('Name') or request.get('DatabaseInput', {}).get('Name')}"
    database = request.get("DatabaseName")
    if database is None:
        return "catalog"
    # A request for several tables is judged on all tables of the database.
    table = request.get("TableName") or request.get("Name") or request.get("TableInput", {}).get("Name") or "*"
    return f"table/{database}/{table}"


def ancestors(arn: str) -> list[str]:
    """The ARNs above a table or a database, from the catalog down."""
    base, _, path = arn.rpartition(":")
    kind, _, names = path.partition("/")
    if kind == "table":
        return [f"{base}:catalog", f"{base}:database/{names.partition('/')[0]}"]
    return [f"{base}:catalog"] if kind == "database" else []


def install() -> None:
    """After this the emulator names a Glue request's resource as AWS does, and judges it on those above it too."""
    iam_actions.extract_resource_arn = _naming(iam_actions.extract_resource_arn)
    iam_evaluator.enforce = _judging(iam_evaluator.enforce)


def _naming(extract: Callable[..., str]) -> Callable[..., str]:
    def named(
        service: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query_params: Mapping[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if service != "glue" or not operation:
            return extract(service, method, path, headers, body, query_params, region, account_id)
        return f"arn:aws:glue:{region}:{account_id}:{resource(operation, json.loads(body or b'{}'))}"

    return named


def _judging(enforce: Callable[..., Any]) -> Callable[..., Any]:
    def judged(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        for arn in [*ancestors(resource_arn), resource_arn] if service == "glue" else [resource_arn]:
            denied = enforce(access_key_id, iam_action, service, region, arn, service_context)
            if denied:
                return denied
        return None

    return judged
