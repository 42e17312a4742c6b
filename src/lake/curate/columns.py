"""Fields as Spark SQL: the types they have in raw and in curated, and the way from one to the other.

Everything here is text made of plans; nothing touches Spark.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.contract.plan import Child, Field, Plan

MICROS = 6
NUMBERS = ("int64", "decimal")
CONTENT_DIGITS = 32
PLAIN = {"string": "STRING", "boolean": "BOOLEAN", "int64": "BIGINT", "date": "DATE", "time": "STRING"}
SEEN = "ARRAY<STRUCT<_observed_at: TIMESTAMP, _cursor: STRING, _load: BIGINT, _row: BIGINT>>"
"""The earlier observations of a row of history."""
LINEAGE_IN_RAW = (
    ("_row", "BIGINT"),
    ("_observed_at", "TIMESTAMP"),
    ("_cursor", "STRING"),
    ("_unfit", "STRING"),
    ("_unmapped", "STRING"),
)


def quoted(name: str) -> str:
    """An identifier in backticks."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def curated_type(field: Field) -> str:
    """The column's type in curated tables."""
    if field.base == "timestamp":
        return "TIMESTAMP"
    if field.base == "decimal":
        precision, scale = field.parameters
        return f"DECIMAL({precision},{scale})"
    return PLAIN[field.base]


def raw_type(field: Field) -> str:
    """The column's type in raw: stamps finer than microseconds are kept there as they were sent."""
    if field.base == "timestamp" and field.parameters[0] > MICROS:
        return "STRING"
    return curated_type(field)


def raw_schema(plan: Plan) -> str:
    """The DDL of the row files that this plan writes."""
    columns = [(field.raw, raw_type(field)) for field in plan.fields]
    columns += [(child.raw, f"ARRAY<STRUCT<{_members(child)}>>") for child in plan.children]
    return ", ".join(f"{quoted(name)} {kind}" for name, kind in (*columns, *LINEAGE_IN_RAW))


def _members(child: Child) -> str:
    return ", ".join(f"{quoted(field.raw)}: {raw_type(field)}" for field in child.fields)


def from_source(part: Field | Child) -> str:
    """What a column of raw is called in a batch. All of the lake's own begin with an underscore: whatever the source calls its
    fields, none of them is one of these."""
    return f"source {part.raw}"


def json_member(text: str, name: str) -> str:
    """The SQL of a member of the JSON object in `text`, as text; null where there is none.

    A path cannot hold every name: one with dots and quotes in it is looked up in a map.
    """
    if re.fullmatch(r"\w+", name, re.ASCII):
        return f"get_json_object({text}, {literal(f'$.{name}')})"
    return f"try_element_at(from_json({text}, 'MAP<STRING, STRING>'), {literal(name)})"


def written_as(fields: tuple[Field, ...], today: Field) -> Field | None:
    """What today's column was in a plan with these fields; None: it was not there.

    By its name, by the one that it had before, else by the API's name: a column may have been renamed more than once.
    """
    names = {field.name: field for field in fields}
    sent = {field.field: field for field in fields}
    return names.get(today.name) or names.get(today.renamed_from or "") or sent.get(today.field)


def typed(written: Field | None, today: Field, value: str) -> str:
    """The SQL of today's value from `value`, which was written under another plan's field (None: it had none)."""
    wanted = curated_type(today)
    if written is None:
        return f"CAST(NULL AS {wanted})"
    if raw_type(written) == wanted:
        return value
    if wanted == "TIMESTAMP" and raw_type(written) == "STRING":
        return f"TRY_CAST(regexp_replace({value}, '([.][0-9]{{6}})[0-9]+', '$1') AS TIMESTAMP)"
    return f"TRY_CAST({value} AS {wanted})"


def misfit(written: Field | None, today: Field, value: str) -> str | None:
    """The SQL condition that a written value can't be had in today's type without loss; None where it always can."""
    if written is None or raw_type(written) == curated_type(today):
        return None
    converted = typed(written, today, value)
    lost = f"{converted} IS NULL"
    if written.base in NUMBERS and today.base in NUMBERS:
        lost = f"({lost} OR {converted} <> {value})"
    return f"({value} IS NOT NULL AND {lost})"


def within(condition: str, columns: frozenset[str], variable: str) -> str:
    """A compiled condition over columns as one over the members of a lambda's variable.

    String literals stay as they are, and so do function names (a name before a parenthesis is one) and words in capitals,
    such as the DATE of a cast, of which there may be a column.
    """
    token = re.compile(r"'(?:[^'\\]|\\.|'')*'|(?<![\w.`])`?([A-Za-z_]\w*)`?(?!\s*\()(?![\w`])")

    def member(match: re.Match[str]) -> str:
        name = match[1]
        return f"{variable}.{quoted(name)}" if name and name in columns else match[0]

    return token.sub(member, condition)


def content(plan: Plan) -> str:
    """The SQL of a document's fingerprint: 128 bits of SHA-256 over all values, items included, whatever their order. It is most
    of what a narrow row takes in a file, for it can't be compressed; two versions of one key that differ are never alike.

    Values go in as strings, for JSON would cut stamps to milliseconds, under the API's names: a column that is renamed, or
    that is new and null, makes no row look changed.
    """
    own = _strings(plan.fields, "")
    children = (
        f"array_sort(transform({quoted(child.name)}, x -> to_json(named_struct({_strings(child.fields, 'x.')})))) AS "
        f"{quoted(child.field)}"
        for child in sorted(plan.children, key=lambda child: child.field)
    )
    document = ", ".join((f"to_json(named_struct({own})) AS document", *children))
    return f"left(sha2(to_json(struct({document})), 256), {CONTENT_DIGITS})"


def _strings(fields: tuple[Field, ...], prefix: str) -> str:
    ordered = sorted(fields, key=lambda field: field.field)
    return ", ".join(f"{literal(field.field)}, CAST({prefix}{quoted(field.name)} AS STRING)" for field in ordered)
