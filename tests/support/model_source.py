"""A source as a model: it knows its rows and answers queries as values, well or badly. It stands for the network alone."""

from __future__ import annotations

import base64
import json
import operator as operators
import pickle
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, cast

from lake.extract.budget import Budget
from lake.extract.errors import SourceRejected
from lake.extract.http import Answer, Connection, Request
from lake.extract.protocols import DIALECTS
from lake.extract.query import Column, Compare, Condition, Either, Every, IsNull, Query
from lake.extract.reading import Reader
from lake.raw.cursor import normalised
from tests.support.source_plans import source

if TYPE_CHECKING:
    from lake.contract.plan import Plan
    from lake.extract.protocols import Dialect

type Row = dict[str, Any]
type Quirk = Literal["filter ignored", "order ignored", "page repeated", "token repeated"]

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
LARGEST = 4
"""Rows in a page, whatever is asked for."""


def request_for(query: Query, token: str | None = None) -> Request:
    """The request that asks a model."""
    asked = base64.b64encode(pickle.dumps((query, token))).decode()
    return Request("/rows", (("asked", asked),))


def _asked(request: Request) -> tuple[Query, str | None]:
    return cast("tuple[Query, str | None]", pickle.loads(base64.b64decode(dict(request.params)["asked"])))  # noqa: S301


DIALECT = replace(
    DIALECTS["odata"],
    pages=lambda _source, _plan, query: (request_for(query),),
    link=lambda _source, _plan, query, token: request_for(query, token),
    follow=None,
)


@dataclass
class ModelSource:
    """Answers in pages of any size up to the limit, some of them empty with a link, some with rows of the page before.

    `quirk`: what it does wrong, now and then (`often`: of ten requests; always where it pages itself). `forgets`: tokens of
    earlier connections mean nothing. `cap`: rows that it gives to one query. `empties`: of five first pages of a query, those
    that come empty with a link.
    """

    rows: list[Row]
    seed: int = 0
    quirk: Quirk | None = None
    often: int = 10
    cap: int | None = None
    forgets: bool = False
    empties: int = 1
    requests: int | None = None
    requests_made: int = 0
    asked: list[Query] = field(default_factory=list)
    url: str = "http://model"
    _last: bytes = b""
    _given: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311
        self.budget = Budget(deadline=1, margin=0, requests=self.requests, clock=lambda: 0)

    def reader(self, plan: Plan, dialect: Dialect = DIALECT) -> Reader:
        """A reader of the model."""
        return Reader(cast("Connection", self), dialect, source(), plan)

    def sleep(self, seconds: float) -> None:
        """Nobody waits."""

    def read(self, request: Request) -> Answer:
        """The answer to a request."""
        with self._lock:
            self.requests_made += 1
            query, token = _asked(request)
            self.asked.append(query)
            body = self._answer(query, token)
            return Answer(body, NOON + timedelta(seconds=self.requests_made), None)

    def _answer(self, query: Query, token: str | None) -> bytes:
        wrong = self.quirk is not None and (query.served or self._random.randrange(10) < self.often)
        if token is not None and token not in self._given and self.forgets:
            raise SourceRejected("the token means nothing", 410)
        if wrong and self.quirk == "page repeated" and self._last:
            return self._last
        rows = self._found(query, wrong=wrong)[: self.cap]
        if query.served:
            self._last = self._served(rows, query, token, wrong=wrong)
        elif token is None and self._random.randrange(5) < self.empties:
            return self._page([], self._token("more"))
        else:
            self._last = self._page(rows[: self._size(query)], None)
        return self._last

    def _found(self, query: Query, *, wrong: bool) -> list[Row]:
        rows = list(self.rows)
        if not (wrong and self.quirk == "filter ignored"):
            rows = [row for row in rows if all(meets(row, condition) for condition in query.where)]
        rows.sort(key=lambda row: tuple(_ordered(row, column) for column in query.order))
        if self.quirk == "order ignored":
            rows.reverse()
        return [{name: row[name] for name in query.select} for row in rows]

    def _served(self, rows: list[Row], query: Query, token: str | None, *, wrong: bool) -> bytes:
        first = 0 if token is None else int(token.rpartition("/")[2])
        again = 1 if first and self._random.randrange(4) == 0 and first < len(rows) else 0
        size = self._size(query) if self._random.randrange(4) else 0
        end = first + size
        following = self._token(str(end)) if end < len(rows) else None
        if wrong and self.quirk == "token repeated" and token is not None:
            following = token
        return self._page(rows[first - again : end] if size else [], following)

    def _size(self, query: Query) -> int:
        if self.quirk == "order ignored":  # a page of one row would show no order
            return query.limit
        return self._random.randint(1, min(query.limit, LARGEST))

    def _token(self, text: str) -> str:
        token = f"{len(self._given)}-{self.seed}/{text}"
        self._given.add(token)
        return token

    def _page(self, rows: list[Row], link: str | None) -> bytes:
        return json.dumps({"value": rows} | ({"@odata.nextLink": link} if link else {})).encode()


def meets(row: Row, condition: Condition) -> bool:
    """Whether a row meets a condition; a comparison with a null is not met, as in SQL."""
    match condition:
        case Compare(name, operator, bound, kind):
            value = row[name]
            return value is not None and bool(
                getattr(operators, operator)(_comparable(value, kind), _comparable(bound, kind))
            )
        case IsNull(name):
            return row[name] is None
        case Every(conditions):
            return all(meets(row, item) for item in conditions)
        case Either(conditions):
            return any(meets(row, item) for item in conditions)
        case _:
            raise NotImplementedError(condition)


def _comparable(value: Any, kind: str) -> Any:
    if kind.startswith("timestamp"):
        return normalised(value, 7)
    return int(value) if kind == "int64" else value


def _ordered(row: Row, column: Column) -> Any:
    value = row[column.field]
    return (value is not None, None if value is None else _comparable(value, column.type))
