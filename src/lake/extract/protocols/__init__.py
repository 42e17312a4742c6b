"""Protocols: how a query is written and an answer read. One module a protocol, chosen by the source's plan."""

from __future__ import annotations

from lake.extract.protocols import odata, rest, salesforce
from lake.extract.protocols.dialect import Dialect

DIALECTS: dict[str, Dialect] = {"odata": odata.DIALECT, "rest": rest.DIALECT, "salesforce": salesforce.DIALECT}

__all__ = ["DIALECTS", "Dialect"]
