"""Forms: how a source may write the values of a type. One entry a form, in a dictionary.

A form without a name is the usual one of its type: numbers as JSON numbers or quoted, dates and stamps as ISO 8601. What a
value says is the same in every form; raw keeps it in its type. A value in another form than the declared one does not fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lake.raw import fit, typed

if TYPE_CHECKING:
    from collections.abc import Callable

    from lake.contract.plan import Field

TEXT = pa.string()
WHOLE = pa.int64()


@dataclass(frozen=True, slots=True)
class Form:
    """How the values of one field are read.

    `json`: the types by which Arrow's JSON reader may read them, the usual one first. `column` makes a column of such a type
    one of the raw type (raises ArrowInvalid), `value` one value (raises Unfit).
    """

    json: tuple[pa.DataType, ...]
    column: Callable[[pa.Array], pa.Array]
    value: Callable[[Any], Any]

    @property
    def raw(self) -> pa.DataType:
        """The type that the values get in raw."""
        return self.column(pa.nulls(0, self.json[0])).type


def form_of(field: Field, usual: str | None = None) -> Form:
    """The form of a field: its own, or the one that is usual for its type with this protocol."""
    name, _, argument = (field.form or usual or field.base).removesuffix(")").partition("(")
    return FORMS[name](field, argument)


def _decimal(field: Field, _: str) -> Form:
    precision, scale = field.parameters
    column = partial(typed.decimal, precision=precision, scale=scale)
    return Form((typed.decimal_as_json(precision, scale),), column, fit.decimal(precision, scale))


def _instant(field: Field, _: str) -> Form:
    digits = field.parameters[0]
    return Form((TEXT,), partial(typed.instant, digits=digits), fit.instant(digits))


def _local(field: Field, zone: str) -> Form:
    digits = field.parameters[0]
    return Form((TEXT,), partial(typed.local, digits=digits, zone=zone), fit.local(digits, zone))


def _epoch(field: Field, per_second: int) -> Form:
    base, digits = field.base, max(field.parameters, default=0)
    column = partial(typed.epoch, base=base, digits=digits, per_second=per_second)
    return Form((WHOLE, TEXT), column, fit.epoch(base, digits, per_second))


def _odata_date(field: Field, _: str) -> Form:
    base, digits = field.base, max(field.parameters, default=0)
    return Form((TEXT,), partial(typed.odata_date, base=base, digits=digits), fit.odata_date(base, digits))


FORMS: dict[str, Callable[[Field, str], Form]] = {
    "string": lambda *_: Form((TEXT,), typed.same, fit.string),
    "boolean": lambda *_: Form((pa.bool_(),), typed.same, fit.boolean),
    "int64": lambda *_: Form((WHOLE, TEXT), typed.int64, fit.int64),
    "decimal": _decimal,
    "date": lambda *_: Form((TEXT,), typed.iso_date, fit.iso_date),
    "time": lambda *_: Form((TEXT,), typed.time, fit.time),
    "timestamp": _instant,
    "epoch_ms": lambda field, _: _epoch(field, 1000),
    "epoch_s": lambda field, _: _epoch(field, 1),
    "odata_date": _odata_date,
    "odata_datetime": _odata_date,
    "local": _local,
    "yyyymmdd": lambda *_: Form((TEXT, WHOLE), typed.yyyymmdd, fit.yyyymmdd),
    "hhmmss": lambda *_: Form((TEXT, WHOLE), typed.hhmmss, fit.hhmmss),
    "guid": lambda *_: Form((TEXT,), typed.same, fit.string),
    "iso_duration": lambda *_: Form((TEXT,), typed.iso_duration, fit.iso_duration),
}
