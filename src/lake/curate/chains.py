"""Chains: what history says of a key, as Spark SQL over what is known of it.

Known of a key are its observations (when and with which stamp a content was seen) and the instants at which it was gone.
Its chain is a function of these two sets alone, whatever order they came in (docs/decisions/0035). Everything here is
text; nothing touches Spark.
"""

from __future__ import annotations

MOST = 100
"""Earlier observations that a row of history keeps: the first, and the latest of the others."""

SEEN = "ARRAY<STRUCT<_observed_at: TIMESTAMP, _cursor: STRING, _load: BIGINT, _row: BIGINT>>"
"""The type of a row's earlier observations."""

OBSERVATIONS = "ARRAY<STRUCT<_observed_at: TIMESTAMP, _cursor: STRING, _content: STRING, _load: BIGINT, _row: BIGINT>>"
"""The type of a key's observations; sorted, they stand in version order."""

HELD = f"ARRAY<STRUCT<_load: BIGINT, _row: BIGINT, valid_from: TIMESTAMP, valid_to: TIMESTAMP, _ended: BOOLEAN, _seen: {SEEN}>>"
"""The type of the rows that history has of a key, without their values."""

GONE = "ARRAY<TIMESTAMP>"
"""The type of the instants at which a key was gone."""

SORTED = "array_sort(array_distinct(_observations))"
"""`_observations`, each once, in version order."""

STARTS = """filter(sequence(0, size(_observations) - 1), i -> i = 0
    OR _observations[i]._content <> get(_observations, i - 1)._content
    OR exists(_gone, at -> at > get(_observations, i - 1)._observed_at AND at <= _observations[i]._observed_at))"""
"""`_starts`: the positions at which a row begins: other content, or the key was gone in between."""

SPANS = (
    "transform(_starts, (i, n) -> slice(_observations, i + 1, coalesce(get(_starts, n + 1), size(_observations)) - i))"
)
"""`_spans`: the observations of each row."""

_STAMP = "TRY_CAST(concat(substr(span[0]._cursor, 1, 26), 'Z') AS TIMESTAMP)"
_AFTER = "at > element_at(span, -1)._observed_at"
_BEFORE_NEXT = "(n + 1 >= size(_spans) OR at <= get(_spans, n + 1)[0]._observed_at)"
BOUNDS = f"""transform(_spans, (span, n) -> named_struct(
    'seen', span[0]._observed_at,
    'stamp', least({_STAMP}, span[0]._observed_at),
    'gone', array_min(filter(_gone, at -> {_AFTER} AND {_BEFORE_NEXT}))))"""
"""`_bounds`: when each row was first seen, the stamp of that (a stamp later than that is not believed), and when its key
was first known to be gone before the next row was seen."""

_LAST = "get(done, size(done) - 1)"
ENDS = f"""aggregate(_bounds, CAST(array() AS ARRAY<STRUCT<since: TIMESTAMP, gone: TIMESTAMP>>), (done, row) -> concat(done,
    array(named_struct(
        'since', IF(coalesce(row.stamp >= {_LAST}.gone, row.stamp > {_LAST}.since, true), row.stamp, row.seen),
        'gone', row.gone))))"""
"""`_ends`: since when each row is valid, and `gone`. A stamp counts where it is later than the row before."""

_EARLIER = f"""IF(size(span) <= {MOST + 1}, slice(span, 1, size(span) - 1),
    concat(slice(span, 1, 1), slice(span, size(span) - {MOST - 1}, {MOST - 1})))"""
_SEEN = f"transform({_EARLIER}, o -> struct(o._observed_at, o._cursor, o._load, o._row))"
_SAME = "o._load = x._load AND o._row = x._row"
ROWS = f"""transform(_spans, (span, n) -> named_struct(
    'valid_from', _ends[n].since,
    'valid_to', coalesce(_ends[n].gone, get(_ends, n + 1).since),
    '_ended', _ends[n].gone IS NOT NULL,
    '_last', element_at(span, -1),
    '_seen', {_SEEN},
    '_was', get(filter(_held, x -> exists(span, o -> {_SAME})), 0),
    '_new', get(filter(_brought, x -> exists(span, o -> {_SAME})), 0),
    '_split', get(filter(_held, h -> exists(h._seen, x -> exists(span, o -> {_SAME}))), 0)))"""
"""`_rows`: the chain. `_was`: the row as it is held; `_new`: a version of it that has just come; `_split`: the held row of
which it is a part."""

STEPS = (
    ("_observations", SORTED),
    ("_starts", STARTS),
    ("_spans", SPANS),
    ("_bounds", BOUNDS),
    ("_ends", ENDS),
    ("_rows", ROWS),
)
"""From `_observations`, `_gone`, `_held` and `_brought` of a key to its `_rows`, one column after the other."""

CHANGED = """_was IS NULL OR NOT (
    _was.valid_from <=> valid_from AND _was.valid_to <=> valid_to AND _was._ended <=> _ended
    AND _was._load = _last._load AND _was._row = _last._row AND _was._seen <=> _seen)"""
"""The condition that a row of a chain is not in the table as it should be."""
