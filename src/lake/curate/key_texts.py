"""Keys as texts, so that those can be compared too that are not of their type. `_key` is an array of a key's texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812

from lake.curate.columns import quoted
from lake.curate.keys import from_text, unfit_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import Column

    from lake.contract.plan import Field, Plan


def key_of_typed(plan: Plan) -> Column:
    """`_key` of a row whose key columns have their types."""
    return _key(_text(quoted(field.name)) for field in plan.key_fields)


def key_of_sent(plan: Plan) -> Column:
    """`_key` of a key that a sweep saw: the texts of values in today's types, or what was sent where it is not of them."""
    return _key(
        f"coalesce({_text(quoted(field.name))}, _sent[{position}])" for position, field in enumerate(plan.key_fields)
    )


def key_of_bad(plan: Plan) -> Column:
    """`_key` of a row of quarantine: of what was sent where that was not of its type. A text in it is null where nothing was
    sent."""
    return _key(
        f"coalesce({_text(value)}, {quoted(field.name)}, {_unfit(field)})"
        for field, value in zip(plan.key_fields, values_of_bad(plan), strict=True)
    )


def values_of_bad(plan: Plan) -> list[str]:
    """The SQL of the key's values in a row of quarantine; null where what was sent is not of today's type."""
    return [
        f"coalesce({from_text(field, quoted(field.name))}, {from_text(field, _unfit(field))})"
        for field in plan.key_fields
    ]


def _unfit(field: Field) -> str:
    return unfit_text(field.field, "get_json_object(row, '$._unfit')")


def _text(value: str) -> str:
    """The SQL of a value's text. That of a stamp has no offset: no query takes it, so that nobody asks for another one by it."""
    return f"CAST({value} AS STRING)"


def _key(texts: Iterable[str]) -> Column:
    return F.expr(f"array({', '.join(texts)})").alias("_key")
