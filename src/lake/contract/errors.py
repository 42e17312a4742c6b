"""What can be wrong with a contract."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong: the file, the field (a path such as `schema[0].properties[3].name`), the reason, the line."""

    file: str
    field: str
    reason: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}{f':{self.line}' if self.line else ''}: {self.field}: {self.reason}"


class ContractError(Exception):
    """Contracts that cannot be built; `mistakes` lists all that was found."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


@dataclass
class Findings:
    """Collects mistakes of one file, so that one build shows them all."""

    file: str
    mistakes: list[Mistake]

    def add(self, field: str, reason: str) -> None:
        """Notes a mistake at a path."""
        self.mistakes.append(Mistake(self.file, field, reason))
