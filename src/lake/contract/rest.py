"""Declarative REST: what a contract says of a source that speaks no protocol of its own."""

from __future__ import annotations

from typing import Literal

from lake.contract.strict import Strict


class SourceRest(Strict):
    """`rest` of a source.yaml: what its entities share."""


class EntityRest(Strict):
    """`extraction.rest` of a contract: how one entity is asked for, and how its answers are read."""

    method: Literal["GET", "POST"] = "GET"
