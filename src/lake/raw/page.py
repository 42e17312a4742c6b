"""From a page's JSON to Arrow: a strict fast lane for pages that fit their plan, a lane by record for those that don't.

Neither lane drops, repairs or judges anything: what was sent can be read back from what they give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from lake.raw import fast, slow
from lake.raw.envelope import Envelope, ErrorInBody, NotAPage, Page
from lake.raw.record import layout_of

if TYPE_CHECKING:
    from lake.contract.plan import Plan

__all__ = ["Envelope", "ErrorInBody", "NotAPage", "Page", "read_page"]

MARK = b"\xef\xbb\xbf"
"""The byte order mark, with which some servers begin UTF-8."""


def read_page(body: bytes, plan: Plan, envelope: Envelope) -> Page:
    """The page in a body; raises NotAPage."""
    body = body.removeprefix(MARK)
    layout = layout_of(plan, envelope)
    try:
        return fast.read(body, layout)
    except pa.ArrowInvalid:
        return slow.read(body, layout)
