"""What the engine needs of a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.http import Request
    from lake.extract.query import Query
    from lake.raw.page import Envelope


@dataclass(frozen=True, slots=True)
class Dialect:
    """One protocol as functions of values.

    `count` asks how many rows the source has (deleted ones excepted), which also shows its clock; `read_count` reads the
    answer (raises ValueError). `link` makes the request for a next link, on the configured base whatever host it names.
    """

    page: Callable[[SourcePlan, Query], Request]
    link: Callable[[SourcePlan, str], Request]
    count: Callable[[SourcePlan, Plan], Request]
    read_count: Callable[[bytes], int]
    envelope: Envelope
    quota_reached: Callable[[requests.Response], bool]
