"""Which bodies Arrow's JSON reader must not be given: it would hand on what nobody can read, read another number, or crash."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

OBJECT = re.compile(rb"[ \t\r\n]*\{")
MANY_DIGITS = r"\.\d{29}"
ESCAPED_NUMBER = r"\\u00(?:2[dDeE]|3\d|[46]5)"
"""A digit, point, minus or e in disguise; what else is escaped is no part of such a number."""
TINY = r"(?i)e-\d\d"
TINY_NUMBER = r"(?i)(?:[:\[,\s\"]|\\u002b)[-+]?[\d.]+e-\d{2,}[\"\s,}\]]"
"""A number with an exponent of two digits; what only looks like one (names, UUIDs) is told apart where `TINY` is found."""


def begins_an_object(body: bytes) -> bool:
    """Whether a body begins as a JSON object does. Of `null` the reader dies."""
    return OBJECT.match(body) is not None


def is_utf8(body: bytes) -> bool:
    """Whether the body is UTF-8. The reader does not look."""
    try:
        _as_text(body).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def holds_tiny_numbers(body: bytes) -> bool:
    """Whether a number has so many digits behind its point that the reader, making a decimal of it, looks beyond its table of
    powers: 1e-43 becomes 0, and 1e-999999999 the end of the process."""
    text = _as_text(body)
    if any(pc.match_substring_regex(text, pattern)[0].as_py() for pattern in (MANY_DIGITS, ESCAPED_NUMBER)):
        return True
    return all(pc.match_substring_regex(text, pattern)[0].as_py() for pattern in (TINY, TINY_NUMBER))


def _as_text(body: bytes) -> pa.Array:
    """The body as a text, without a copy of it."""
    ends = pa.array([0, len(body)], pa.int64()).buffers()[1]
    return pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(body)])
