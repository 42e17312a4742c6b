"""What a source publishes is made of: sets, and fields of a kind."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "string", "id", "reference", "boolean", "decimal", "date", "time", "instant", "instant0", "instant3", "instant7"
]


@dataclass(frozen=True)
class Field:
    """One field: `size` is a string's length or a decimal's precision, `scale` a decimal's.

    `sql` stands for its value where it has no column of its own.
    """

    name: str
    kind: Kind
    size: int = 0
    scale: int = 0
    nullable: bool = True
    sql: str = ""

    @property
    def value(self) -> str:
        """The SQL of its value."""
        return self.sql or self.name

    @property
    def selected(self) -> str:
        """The field among a SELECT's columns."""
        return f"{self.sql} AS {self.name}" if self.sql else self.name


@dataclass(frozen=True)
class Entity:
    """One set of a source. `name` is the lake's (`erp.sales_order`), `set_name` the API's and the table's."""

    name: str
    set_name: str
    type_name: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    service: str = ""
    parent: str | None = None
    navigation: str | None = None

    def field(self, name: str) -> Field | None:
        """The field called `name`, or None."""
        return next((field for field in self.fields if field.name == name), None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The API's fields in order."""
        return tuple(field.name for field in self.fields)


def text(name: str, size: int, nullable: bool = True) -> Field:
    """A field of text."""
    return Field(name, "string", size, nullable=nullable)
