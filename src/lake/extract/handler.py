"""The Lambda side of extraction: event, environment, secret; one function of three lines binds it to a source."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from lake.contract.packaged import plans, sources
from lake.extract.auth import login_for
from lake.extract.budget import Budget
from lake.extract.clients import Clients, settled
from lake.extract.engine import extract
from lake.extract.errors import BadRequest, SourceAuthError
from lake.extract.event import ExtractEvent
from lake.extract.http import Connection
from lake.extract.protocols import DIALECTS
from lake.extract.world import Extracted, World
from lake.instants import now, to_text
from lake.raw.store import RawBucket
from lake.settings import Environment
from lake.state.entity import StateTable
from lake.state.runs import RunRecords
from lake.state.source import LimitsItem

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from lake.contract.plan import SourcePlan

logger = Logger()


@dataclass(frozen=True, slots=True)
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
            _clients().secrets.forget()  # a corrected secret counts from the next invocation on
            raise
        answer = _answer(result)
        logger.info("extracted", extra={"result": answer})
        return answer

    return handler


def _request(event: dict[str, Any], source: str) -> ExtractEvent:
    request = ExtractEvent.read(event, source)
    known = sorted(name for name, plan in plans().items() if plan.source == source)
    if request.entity not in known:
        raise BadRequest(f"{request.entity} is no entity of {source}; there are {', '.join(known)}")
    return request


@cache
def _clients() -> Clients:
    return Clients.make()


def _world(source: SourcePlan) -> World:
    environment = ExtractEnvironment.read()
    clients = _clients()

    def connect(budget: Budget) -> Connection:
        secret = clients.secrets.get(environment.source_secret)
        return Connection(
            url=environment.source_url.rstrip("/"),
            plan=source,
            login=login_for(source, secret),
            session=settled(clients.session, environment.source_url),
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
    answer = {name: value for name, value in asdict(result).items() if name not in ("notes", "drift", "problems")}
    return answer | {"loads": list(result.loads), "resume_at": result.resume_at and to_text(result.resume_at)}
