"""The rows that all sides read: 22 fields, made by arithmetic, kept as JSON in one file that a server can cut anywhere.

Row i has the key i and the stamp `FIRST + i // TIES * step`, so that a query's bounds are found by calculation.
"""

from __future__ import annotations

import json
import mmap
import os
import random
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=360)
TIES = 3
TOTALED = 10_000
SEED = 7
SECOND = timedelta(seconds=1)
WORDS = (
    "Bearing",
    "Flange",
    "Gasket",
    "Housing",
    "Impeller",
    "Manifold",
    "Nozzle",
    "Piston",
    "Rotor",
    "Spindle",
    "Valve",
)
CITIES = ("Aachen", "Bremen", "Chemnitz", "Dresden", "Erfurt", "Freiburg", "Graz", "Hamburg", "Jena", "Linz", "Mainz")
STATES = ("open", "in delivery", "delivered", "billed")
CURRENCIES = ("EUR", "EUR", "EUR", "USD", "CHF")
UNDECLARED = ',"YY1_Undeclared":"x%d"'
"""What a record carries that no contract declares, in the rows that are to go the slow way."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one protocol writes a row: the key's and the stamp's field, their texts, and what it adds to each record."""

    name: str
    key: str
    stamp: str
    key_text: Callable[[int], str]
    stamp_text: Callable[[datetime], str]
    annotation: Callable[[str], str]


def _seven_digits(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond:06}5Z"


FORMS = {
    "odata": Form("odata", "SalesOrder", "LastChangeDateTime", lambda i: f"{i:010}", _seven_digits, lambda _: ""),
    "salesforce": Form(
        "salesforce",
        "Id",
        "SystemModstamp",
        lambda i: f"801{i:015}",
        lambda instant: f"{instant:%Y-%m-%dT%H:%M:%S}.000+0000",
        lambda key: f'"attributes":{{"type":"Order","url":"/services/data/v62.0/sobjects/Order/{key}"}},',
    ),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Which rows there are: how many, and by which step their stamps grow."""

    form: Form
    count: int

    @property
    def step(self) -> timedelta:
        """Between two stamps: whole seconds, for one form has no finer ones."""
        groups = -(-self.count // TIES)
        return max(SECOND, SPAN // groups // SECOND * SECOND)

    def stamp(self, row: int) -> datetime:
        """The stamp of a row."""
        return FIRST + row // TIES * self.step

    def first_at(self, instant: datetime) -> int:
        """The first row whose stamp is not before an instant."""
        groups = -((FIRST - instant) // self.step)
        return min(self.count, max(0, groups * TIES))

    def behind(self, stamp: datetime, key: str) -> int:
        """The first row behind a position; raises ValueError where no row has this stamp and this key."""
        row = int(key[-10:])
        if self.form.key_text(row) != key or self.stamp(row) != stamp.replace(microsecond=0):
            raise ValueError(f"no row has the key {key} and the stamp {stamp}")
        return row + 1


@dataclass(frozen=True, slots=True)
class Totals:
    """What every side must have written: rows, and the sums of an integer and a decimal column."""

    rows: int
    items: int
    net_amount: Decimal


@dataclass(frozen=True, slots=True)
class RowFile:
    """The rows as they are sent, separated by commas, and where each begins."""

    shape: Shape
    text: memoryview
    starts: array[int]

    def cut(self, first: int, end: int) -> memoryview:
        """The JSON of rows `[first, end)`, without brackets."""
        return self.text[self.starts[first] : max(self.starts[first], self.starts[end] - 1)]


def record(form: Form, shape: Shape, row: int, chance: random.Random, undeclared: str) -> tuple[str, int, int]:
    """One record as JSON, its items, and its net amount in cents."""
    key, stamp = form.key_text(row), shape.stamp(row)
    cents, items = chance.randrange(100, 90_000_000), 1 + row % 17
    word, other, city = WORDS[row % 11], WORDS[row % 7], CITIES[row * 5 % 11]
    note = f'"{word} and {other} for {city}, to be delivered in {items} parts"' if row % 3 else "null"
    text = (
        f'{{{form.annotation(key)}"{form.key}":"{key}","{form.stamp}":"{form.stamp_text(stamp)}",'
        f'"CreatedAt":"{stamp - timedelta(hours=row % 900):%Y-%m-%dT%H:%M:%SZ}","OrderDate":"{stamp:%Y-%m-%d}",'
        f'"DeliveryDate":"{stamp + timedelta(days=row % 60):%Y-%m-%d}","Customer":"{row * 7919 % 99991:010}",'
        f'"Name":"{word} {other} {row % 9973} GmbH","Street":"{other}strasse {row % 211}","City":"{city}",'
        f'"PostalCode":"{10_000 + row * 31 % 89_999}","Country":"{"DE" if row % 5 else "AT"}",'
        f'"Owner":"005{row % 3001:015}","State":"{STATES[row % 4]}","Currency":"{CURRENCIES[row % 5]}",'
        f'"NetAmount":{cents // 100}.{cents % 100:02},"TaxAmount":{cents * 19 // 10_000}.{row % 100:02},'
        f'"Quantity":{row % 5_000}.{row % 1_000:03},"Discount":{row % 30}.5,"Items":{items},"Revision":{row % 9},'
        f'"Blocked":{"false" if row % 50 else "true"},"Note":{note}{undeclared % row if undeclared else ""}}}'
    )
    return text, items, cents


def write_rows(folder: Path, shape: Shape, *, undeclared: bool) -> Path:
    """The row file of a shape, made where there is none yet; beside it its index and its totals."""
    path = folder / f"{shape.form.name}-{shape.count}{'-undeclared' if undeclared else ''}.rows"
    if path.with_suffix(".totals").is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    chance, extra = random.Random(SEED), UNDECLARED if undeclared else ""  # noqa: S311
    starts, items, cents = array("Q", [0]), 0, 0
    totals: dict[int, tuple[int, str]] = {}
    making = path.with_suffix(f".{os.getpid()}")
    with making.open("wb") as file:
        for row in range(shape.count):
            text, more_items, more_cents = record(shape.form, shape, row, chance, extra)
            starts.append(starts[-1] + file.write(f"{text},".encode()))
            items, cents = items + more_items, cents + more_cents
            if (row + 1) % TOTALED == 0 or row + 1 == shape.count:
                totals[row + 1] = items, str(Decimal(cents) / 100)
    making.replace(path)
    path.with_suffix(".starts").write_bytes(starts.tobytes())
    path.with_suffix(".totals").write_text(json.dumps(totals), encoding="utf-8")
    return path


def read_totals(path: Path, rows: int) -> Totals:
    """The totals of the first rows (all of them, or a multiple of `TOTALED`) of a row file."""
    items, net_amount = json.loads(path.with_suffix(".totals").read_text("utf-8"))[str(rows)]
    return Totals(rows, items, Decimal(net_amount))


def open_rows(path: Path, form: Form) -> RowFile:
    """A row file, its text mapped into memory and touched once."""
    with path.open("rb") as file:
        text = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    starts = array("Q")
    starts.frombytes(path.with_suffix(".starts").read_bytes())
    sum(text[:: mmap.PAGESIZE])
    return RowFile(Shape(form, len(starts) - 1), text, starts)
