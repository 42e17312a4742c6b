"""What somebody decided about a load that was stopped: written once, beside the manifests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lake.curate.errors import RawDamaged
from lake.instants import from_text, to_text
from lake.raw.layout import decisions_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lake.curate.store import Store

FORMAT = 1

type Verdict = Literal["accept", "discard"]
VERDICTS = ("accept", "discard")


@dataclass(frozen=True, slots=True)
class Decision:
    """`accept`: no brake stops this load. `discard`: its rows are not merged, and a sweep that it is of does not act."""

    load: int
    verdict: Verdict
    by: str
    at: datetime
    why: str

    def dump(self) -> bytes:
        """The object (docs/formats.md)."""
        text = {
            "format": FORMAT,
            "load": self.load,
            "decision": self.verdict,
            "by": self.by,
            "at": to_text(self.at),
            "why": self.why,
        }
        return json.dumps(text).encode()

    @staticmethod
    def load_from(text: bytes) -> Decision:
        """The decision in an object; raises ValueError or KeyError where it is none."""
        raw = json.loads(text)
        if raw["format"] != FORMAT or raw["decision"] not in VERDICTS:
            raise ValueError(f"format {raw['format']}, decision {raw['decision']}")
        return Decision(raw["load"], raw["decision"], raw["by"], from_text(raw["at"]), raw["why"])


def decisions(store: Store, entity: str) -> dict[int, Decision]:
    """All decisions on an entity's loads, by the load's number; raises RawDamaged where one can't be read.

    They are few: one listing finds them, however many loads there are.
    """
    found = {}
    for key in store.keys(decisions_prefix(entity)):
        try:
            decision = Decision.load_from(store.get(key) or b"")
        except (KeyError, TypeError, ValueError) as error:
            raise RawDamaged(
                f"{key} is not a decision that this version reads ({type(error).__name__}: {error})",
                "compare it with docs/formats.md; its noncurrent versions in the bucket hold what was there before",
            ) from error
        found[decision.load] = decision
    return found


def loads_with(verdict: Verdict, decided: Mapping[int, Decision]) -> frozenset[int]:
    """The loads about which somebody has decided so."""
    return frozenset(load for load, decision in decided.items() if decision.verdict == verdict)
