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
    if _is_utf8(body):  # Arrow's reader does not look: it would hand on texts that nobody can read
        try:
            return fast.read(body, layout)
        except pa.ArrowInvalid:
            pass
    return slow.read(body, layout)


def _is_utf8(body: bytes) -> bool:
    """Whether the body is UTF-8, seen without a copy of it."""
    ends = pa.array([0, len(body)], pa.int64()).buffers()[1]
    text = pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(body)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
