"""The Lambda side of extraction: event, environment, secret; one function of three lines binds it to a source."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import requests
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_jsonable_python

from lake.contract.plan import plans, sources
from lake.extract.auth import login_for
from lake.extract.budget import Budget
from lake.extract.engine import extract
from lake.extract.errors import BadRequest, SourceAuthError
from lake.extract.http import Connection
from lake.extract.protocols import DIALECTS
from lake.extract.world import Extracted, World
from lake.instants import now, to_text
from lake.raw.store import RawBucket
from lake.settings import Environment
from lake.state.entity import LIVE, StateTable
from lake.state.runs import RunRecords
from lake.state.source import LimitsItem

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from lake.contract.plan import SourcePlan

SECRET_CACHED_S = 300
MOST_PARALLEL = 16
"""Windows that a source file may have read side by side; each asks for its next page ahead."""

logger = Logger()


class ExtractEvent(BaseModel):
    """What the state machine sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_id: str
    entity: str
    lane: str = Field(LIVE, pattern=r"live|backfill#[A-Za-z0-9._-]{1,64}")
    window: dict[str, str] | None = None


class ExtractEnvironment(Environment):
    """The environment of an extract function."""

    raw_bucket: str
    state_table: str
    source_url: str
    source_secret: str


def handler_for(source: str) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The Lambda handler of a source."""

    @logger.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        request = _request(event, source)
        logger.append_keys(entity=request.entity, run_id=request.run_id)
        plan = sources()[source]
        try:
            result = extract(
                plans()[request.entity],
                plan,
                request.run_id,
                _world(plan),
                Budget.of(context),
                lane=request.lane,
                window=request.window,
            )
        except SourceAuthError:
            _clients().secrets.clear_cache()  # type: ignore[no-untyped-call]  # a corrected secret counts from the next invocation on
            raise
        answer = _answer(result)
        logger.info("extracted", extra={"result": answer})
        return answer

    return handler


def _request(event: dict[str, Any], source: str) -> ExtractEvent:
    try:
        request = ExtractEvent.model_validate(event)
    except ValidationError as error:
        raise BadRequest(f'expected {{"run_id": "...", "entity": "{source}...."}}: {error}') from None
    known = sorted(name for name, plan in plans().items() if plan.source == source)
    if request.entity not in known:
        raise BadRequest(f"{request.entity} is no entity of {source}; there are {', '.join(known)}")
    return request


@dataclass(frozen=True, slots=True)
class Clients:
    """What outlives an invocation."""

    s3: S3Client
    dynamodb: DynamoDBClient
    secrets: SecretsProvider
    session: requests.Session


@cache
def _clients() -> Clients:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=2 * MOST_PARALLEL))
    return Clients(boto3.client("s3"), boto3.client("dynamodb"), SecretsProvider(), session)


def _world(source: SourcePlan) -> World:
    environment = ExtractEnvironment.read()
    clients = _clients()

    def connect(budget: Budget) -> Connection:
        secret = clients.secrets.get(environment.source_secret, max_age=SECRET_CACHED_S)
        return Connection(
            url=environment.source_url.rstrip("/"),
            plan=source,
            login=login_for(source, str(secret)),
            session=clients.session,
            budget=budget,
            quota_reached=DIALECTS[source.protocol].quota_reached,
            usage_of=DIALECTS[source.protocol].usage_of,
            passing=DIALECTS[source.protocol].passing,
            now=now,
            sleep=time.sleep,
        )

    return World(
        raw=RawBucket(clients.s3, environment.raw_bucket),
        table=StateTable(clients.dynamodb, environment.state_table),
        limits=LimitsItem(clients.dynamodb, environment.state_table, source.source),
        runs=RunRecords(clients.dynamodb, environment.state_table),
        connect=connect,
        now=now,
    )


def _answer(result: Extracted) -> dict[str, Any]:
    answer: dict[str, Any] = to_jsonable_python(result, exclude={"notes", "drift"})
    return answer | {"resume_at": result.resume_at and to_text(result.resume_at)}
