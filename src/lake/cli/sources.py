"""A source as it is met from an operator's machine: its folder of contracts, its URL, its secret."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from lake.cli.aws import client, find_stack
from lake.cli.errors import NoStack, OperatorError
from lake.contract.build import compile_source_folder, read_source
from lake.contract.errors import ContractError
from lake.contract.plan import Plan, SourcePlan
from lake.extract.auth import login_for
from lake.extract.budget import Budget
from lake.extract.errors import MalformedAnswer, SourceAuthError
from lake.extract.http import Connection
from lake.extract.protocols import DIALECTS
from lake.extract.query import EVERY_ROW
from lake.extract.reading import Reader
from lake.instants import now

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from lake.extract.http import Answer
    from lake.extract.protocols import Dialect

PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a source answers, and where its secret lies. What is None is the deployed stack's."""

    stack: str
    url: str | None
    secret: str | None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of contracts, compiled."""

    source: SourcePlan
    plans: dict[str, Plan]

    @staticmethod
    def read(folder: Path) -> Folder:
        """The plans of a folder; OperatorError with each mistake of its contracts."""
        if not (folder / "source.yaml").is_file():
            raise OperatorError(
                f"{folder} holds no source.yaml.", "Name a folder of contracts, such as contracts/erp, or write one."
            )
        try:
            texts = compile_source_folder(folder)
        except ContractError as error:
            raise OperatorError(str(error), "Correct these contracts, then ask again.") from None
        plans = [Plan.load(text) for name, text in texts.items() if not name.startswith("source.")]
        source = next(SourcePlan.load(text) for name, text in texts.items() if name.startswith("source."))
        return Folder(source, {plan.entity: plan for plan in plans})


@dataclass(frozen=True, slots=True)
class Met:
    """A source that can be asked."""

    source: SourcePlan
    connection: Connection

    @property
    def dialect(self) -> Dialect:
        """How its protocol is spoken."""
        return DIALECTS[self.source.protocol]

    def reader(self, plan: Plan) -> Reader:
        """What reads an entity's pages."""
        return Reader(self.connection, self.dialect, self.source, plan)

    def ask_count(self, plan: Plan) -> Answer:
        """The answer to a count of an entity's rows, which also shows the source's clock; raises SourceError, Paused."""
        return self.connection.read(self.dialect.count(self.source, plan, EVERY_ROW))

    def clock(self, plan: Plan, answer: Answer) -> datetime | None:
        """The source's clock, from the answer to a count or from its Date header; raises MalformedAnswer."""
        dialect = self.dialect
        try:
            told = dialect.read_clock(self.source, plan, answer.body) if dialect.read_clock else None
        except ValueError as error:
            raise MalformedAnswer(f"{plan.entity}: the source's clock cannot be read: {error}") from None
        return told or answer.source_now


def source_plan(folder: Path) -> SourcePlan:
    """What a folder's source.yaml says, with contracts beside it or without; OperatorError with each mistake in it."""
    file = folder / "source.yaml"
    if not file.is_file():
        raise OperatorError(f"{folder} holds no source.yaml.", "docs/adding-a-source.md shows one.")
    try:
        return read_source(folder)[1]
    except ContractError as error:
        raise OperatorError(str(error), "Correct source.yaml, then ask again.") from None


def meet(source: SourcePlan, address: Address, patience_s: float = PATIENCE_S) -> Met:
    """The source at its address; OperatorError where URL or secret are not known, or the secret lacks what is needed.

    `patience_s`: how long all of its answers may take together.
    """
    url = address.url or _of_stack(address.stack, source.source, "Url")
    try:
        login = login_for(source, _secret(source, address))
    except SourceAuthError as error:
        raise OperatorError(str(error), "docs/formats.md, Secrets, shows what each kind of login needs.") from None
    dialect = DIALECTS[source.protocol]
    connection = Connection(
        url=url.rstrip("/"),
        plan=source,
        login=login,
        session=requests.Session(),
        budget=Budget(time.monotonic() + patience_s, 0, None),
        quota_reached=dialect.quota_reached,
        usage_of=dialect.usage_of,
        passing=dialect.passing,
        now=now,
        sleep=time.sleep,
    )
    return Met(source, connection)


def _secret(source: SourcePlan, address: Address) -> str:
    if source.auth == "none":
        return "{}"
    named = address.secret or _of_stack(address.stack, source.source, "SecretArn")
    return str(client("secretsmanager").get_secret_value(SecretId=named)["SecretString"])


def _of_stack(name: str, source: str, what: str) -> str:
    """A stack's parameter of a source (`ErpUrl`); OperatorError where there is no stack or none of this name."""
    parameter = f"{source.capitalize()}{what}"
    option = "--url" if what == "Url" else "--secret"
    try:
        value = find_stack(name).parameters.get(parameter)
    except NoStack as error:
        raise OperatorError(
            f"{error.what} So nobody knows the source's {option.removeprefix('--')}.",
            f"Give {option}, or deploy first and name the stack with --stack.",
        ) from None
    if not value:
        raise OperatorError(f"The stack {name} has no parameter {parameter}.", f"Give {option}.")
    return value
