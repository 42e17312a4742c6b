"""What Salesforce says of its objects beside their rows: how they are described, and which records were deleted.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_getdeleted.htm
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lake.extract.errors import MalformedAnswer
from lake.extract.http import Request
from lake.extract.protocols.dialect import DeletedPage, Describe, Feed, SourceField

if TYPE_CHECKING:
    from lake.contract.plan import Plan, SourcePlan

JSON = (("Accept", "application/json"),)
LONGEST = timedelta(days=15)
TEXTS = (
    "combobox", "email", "encryptedstring", "id", "multipicklist", "phone", "picklist", "reference", "string", "textarea",
    "url",
)  # fmt: skip
DECIMALS = ("currency", "double", "percent")
OTHERS = {
    "boolean": "boolean",
    "int": "int64",
    "long": "int64",
    "date": "date",
    "datetime": "timestamp(3)",
    "time": "time",
}


def _describe(source: SourcePlan, plan: Plan) -> Request:
    return Request(f"{source.base_path}/sobjects/{plan.path}/describe", (), JSON)


def _read_described(_: SourcePlan, plan: Plan, body: bytes) -> dict[str, dict[str, SourceField]]:
    answer = _object(body, plan, "describe")
    fields = answer.get("fields")
    if not isinstance(fields, list) or not all(isinstance(field, dict) for field in fields):
        raise MalformedAnswer(f"{plan.entity}: the answer to describe {plan.path} holds no list of fields")
    return {plan.path: {str(field.get("name")): _field(field) for field in fields}}


def _field(raw: dict[str, Any]) -> SourceField:
    kind = str(raw.get("type"))
    return SourceField(
        name=str(raw.get("name")),
        type=_type(kind, raw),
        nullable=raw.get("nillable") is not False,
        key=kind == "id",
        description=str(raw.get("label") or ""),
    )


def _type(kind: str, raw: dict[str, Any]) -> str | None:
    if kind in TEXTS:
        length = raw.get("length")
        return f"string({length})" if isinstance(length, int) and length > 0 else "string"
    if kind in DECIMALS:
        precision, scale = raw.get("precision"), raw.get("scale")
        known = isinstance(precision, int) and isinstance(scale, int) and 0 <= scale <= precision and precision > 0
        return f"decimal({precision},{scale})" if known else None
    return OTHERS.get(kind)


def _deleted(source: SourcePlan, plan: Plan, since: datetime, until: datetime) -> Request:
    """Salesforce ignores seconds: the interval is rounded outwards to minutes."""
    start = since.astimezone(UTC).replace(second=0, microsecond=0)
    end = max(until.astimezone(UTC).replace(second=0, microsecond=0), start + timedelta(minutes=1))
    return Request(
        f"{source.base_path}/sobjects/{plan.path}/deleted",
        (("start", f"{start:%Y-%m-%dT%H:%M:%S}+00:00"), ("end", f"{end:%Y-%m-%dT%H:%M:%S}+00:00")),
        JSON,
    )


def _read_deleted(_: SourcePlan, plan: Plan, body: bytes) -> DeletedPage:
    answer = _object(body, plan, "deleted")
    records = answer.get("deletedRecords")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise MalformedAnswer(f"{plan.entity}: the answer to deleted {plan.path} holds no list of deletedRecords")
    keys = [record.get("id") for record in records]
    if not all(isinstance(key, str) and key for key in keys):
        raise MalformedAnswer(f"{plan.entity}: a deleted record of {plan.path} has no id")
    earliest = answer.get("earliestDateAvailable")
    return DeletedPage(
        keys=tuple((str(key),) for key in keys),
        deleted_at=tuple(None if (at := record.get("deletedDate")) is None else str(at) for record in records),
        covered_until=_instant(answer.get("latestDateCovered"), plan),
        known_since=None if earliest is None else _instant(earliest, plan),
    )


def _object(body: bytes, plan: Plan, what: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer(f"{plan.entity}: the answer to {what} {plan.path} is no JSON: {error}") from None
    if not isinstance(answer, dict):
        raise MalformedAnswer(f"{plan.entity}: the answer to {what} {plan.path} is no object")
    return answer


def _instant(text: Any, plan: Plan) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise MalformedAnswer(f"{plan.entity}: {text!r} in the answer to deleted {plan.path} is no instant with an offset")


DESCRIBE = Describe(_describe, _read_described)
FEED = Feed(_deleted, _read_deleted, int(LONGEST.total_seconds()))
