"""What the tables hold, straight from the definitions: no loads, no order of arrival, no progress.

Instants are minutes. A version is what a query showed of a document; a tombstone ends every version of its key that was
observed before it; a sweep that ends is a tombstone for each key that it did not find. What was seen later is truer. Of two
contents that were seen at one instant with one stamp neither is: that with the greater digest is taken, so that it is always
the same.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

NEVER = -1


@dataclass(frozen=True)
class Version:
    """A document as a query showed it: its stamp (None: it had none), the amounts of its items, the rule that it breaks."""

    key: str
    observed: int
    stamp: int | None
    amounts: tuple[int, ...]
    breaks: str | None = None

    @property
    def moment(self) -> tuple[int, int]:
        """When it was seen, and its stamp; a version without a stamp comes before one that has it."""
        return self.observed, NEVER if self.stamp is None else self.stamp

    @property
    def digest(self) -> str:
        """SHA-256 of its values as JSON, in the order of the API's names; a stamp is none of a document's values."""
        items = [
            _json({"Amount": str(amount), "Document": self.key, "Number": str(number)})
            for number, amount in enumerate(self.amounts)
        ]
        head = _json({"Document": self.key, "Total": str(sum(self.amounts))})
        return sha256(_json({"document": head, "to_Item": sorted(items)}).encode()).hexdigest()


def _json(values: dict[str, object]) -> str:
    return json.dumps(values, separators=(",", ":"))


@dataclass(frozen=True)
class Tombstone:
    """The source said that the key was gone; or it was a suspect, and was not found when it was asked for by key."""

    key: str
    at: int
    is_suspect: bool = False


@dataclass(frozen=True)
class Sweep:
    """The keys that were found from when it began on; `rows`: the documents that a full refresh reads with them. `ends`: what
    it did not find is gone; else its pages shifted, or it was short, and it ends nothing."""

    began: int
    keys: frozenset[str]
    rows: tuple[Version, ...] = ()
    ends: bool = True


type Event = Version | Tombstone | Sweep


class Bad(NamedTuple):
    """A record that breaks a rule, sent once or often; open until something newer is known of its key."""

    key: str
    first: int
    last: int
    stamp: int | None
    breaks: str
    status: str


class Stretch(NamedTuple):
    """A row of history: from when to when (None: until now) a document had a content; `ended`: then it was gone."""

    key: str
    amounts: tuple[int, ...]
    ended: bool
    valid_from: int
    valid_to: int | None
    observed: int
    stamp: int | None


@dataclass
class State:
    """What the tables hold. `deleted`: key → the instants of which one stands there."""

    current: dict[str, Version] = field(default_factory=dict)
    deleted: dict[str, frozenset[int]] = field(default_factory=dict)
    quarantine: list[Bad] = field(default_factory=list)
    history: list[Stretch] = field(default_factory=list)


def model(events: Sequence[Event]) -> State:
    """The tables that these events make."""
    state = State()
    versions = [version for event in events for version in shown(event)]
    told = [event for event in events if isinstance(event, Tombstone)]
    for key in {version.key for version in versions} | {each.key for each in told}:
        own = sorted((version for version in versions if version.key == key), key=order)
        good, bad = ([version for version in own if bool(version.breaks) is broken] for broken in (False, True))
        said = {each.at for each in told if each.key == key}
        missed = {each.began for each in events if isinstance(each, Sweep) and each.ends and key not in each.keys}
        state.quarantine += quarantined(bad, good, said | missed)
        state.history += chain(good, said | missed)
        unseen = after(own[0], missed) if own else set()  # no sweep looks for a key of which no version came
        gone = after(good[-1], said | missed) if good else said | unseen
        if good and not gone:
            state.current[key] = good[-1]
        elif gone:
            word = max(gone & said, default=NEVER)  # what the source said is not taken back by an earlier sweep
            state.deleted[key] = frozenset(at for at in gone if at >= word)
    return state


def shown(event: Event) -> tuple[Version, ...]:
    """The versions that an event shows."""
    if isinstance(event, Sweep):
        return event.rows
    return (event,) if isinstance(event, Version) else ()


def order(version: Version) -> tuple[tuple[int, int], str]:
    """Which of two versions is newer."""
    return version.moment, version.digest


def after(version: Version, gone: Iterable[int], until: int | None = None) -> set[int]:
    """The instants that end a version, as far as they are not after `until`."""
    return {at for at in gone if at > version.observed and (until is None or at <= until)}


def quarantined(bad: Sequence[Version], good: Sequence[Version], gone: set[int]) -> Iterator[Bad]:
    """Equal content is one record, open until a good version that is not older, or an end."""
    for amounts, breaks in {(each.amounts, each.breaks) for each in bad}:
        first, *_, last = [each for each in bad if (each.amounts, each.breaks) == (amounts, breaks)] * 2
        closed = any(each.moment >= last.moment for each in good) or after(last, gone)
        yield Bad(last.key, first.observed, last.observed, last.stamp, str(breaks), "superseded" if closed else "open")


def chain(good: Sequence[Version], gone: set[int]) -> list[Stretch]:
    """Neighbouring versions of equal content are one row of history, unless the key was gone in between."""
    runs: list[list[Version]] = []
    for version in good:
        before = runs[-1][-1] if runs else None
        same = before is not None and before.amounts == version.amounts and not after(before, gone, version.observed)
        runs = [*runs[:-1], [*runs[-1], version]] if same else [*runs, [version]]
    rows: list[Stretch] = []
    for number, (first, *_, last) in enumerate(run * 2 for run in runs):
        follows = runs[number + 1][0].observed if number + 1 < len(runs) else None
        end = min(after(last, gone, follows), default=None)
        since = valid_from(first, rows[-1] if rows else None)
        if rows and not rows[-1].ended:
            rows[-1] = rows[-1]._replace(valid_to=since)
        rows.append(Stretch(first.key, first.amounts, end is not None, since, end, last.observed, last.stamp))
    return rows


def valid_from(version: Version, before: Stretch | None) -> int:
    """The stamp where it fits behind the row before and is no promise, else when it was seen."""
    stamp = version.observed if version.stamp is None else min(version.stamp, version.observed)
    if before is None or (stamp >= (before.valid_to or 0) if before.ended else stamp > before.valid_from):
        return stamp
    return version.observed
