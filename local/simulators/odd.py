"""Values by chance that break naive readers."""

from collections import Counter
from collections.abc import Callable
from random import Random

from local.simulators import names
from local.simulators.changes import ChangeError
from local.simulators.hand import Hand, ever, free_text, insert_like
from local.simulators.schema import Entity, Field
from local.simulators.store import Key

_HIGH = "9007199254740.993"
_LONG_DIGITS = "12345678901234567.891"
_ODD_KEY = "'/%+&? ü#"


def odd_values(hand: Hand, entity: Entity, rows: int, kinds: list[str]) -> dict[str, int]:
    """Put values into so many rows that break naive readers; how many of each. Raises ChangeError for an unknown kind."""
    unknown = sorted(set(kinds) - ODD.keys())
    if unknown:
        raise ChangeError(f"no odd value {', '.join(unknown)}: give some of {', '.join(ODD)}")
    done: Counter[str] = Counter()
    for key in hand.sample(entity, rows):
        name = hand.rng.choice(kinds or list(ODD))
        done[name] += ODD[name](hand, entity, key)
    return dict(done)


def _odd_text(make: Callable[[Random], str]) -> Callable[[Hand, Entity, Key], int]:
    def put(hand: Hand, entity: Entity, key: Key) -> int:
        fields = free_text(entity)
        if fields:
            hand.edit(entity, key, {name: make(hand.rng) for name in fields})
        return len(fields)

    return put


def _odd_number(text: str) -> Callable[[Hand, Entity, Key], int]:
    def put(hand: Hand, entity: Entity, key: Key) -> int:
        decimals = [field.name for field in entity.fields if field.kind == "decimal"]
        if decimals:
            hand.edit(entity, key, {hand.rng.choice(decimals): text})
        return int(bool(decimals))

    return put


def _null(hand: Hand, entity: Entity, key: Key) -> int:
    fields = [field for field in entity.fields if not field.nullable and not _is_needed(entity, field)]
    if fields:
        hand.edit(entity, key, {hand.rng.choice(fields).name: None})
    return int(bool(fields))


def _is_needed(entity: Entity, field: Field) -> bool:
    """Whether the simulator itself lives by a field."""
    return (
        field.name in entity.key
        or field.kind in ("instant", "instant0", "instant3", "date", "time")
        or field.name == "IsDeleted"
    )


def _odd_key(hand: Hand, entity: Entity, key: Key) -> int:
    (field,) = (each for each in entity.fields if each.name == entity.key[0])
    if field.kind != "string" or entity.parent is not None:
        return 0
    insert_like(hand, entity, key, f"{_ODD_KEY}{ever(hand.store, entity) % 10_000}")
    return 1


ODD: dict[str, Callable[[Hand, Entity, Key], int]] = {
    "odd_text": _odd_text(lambda rng: rng.choice(names.ODD_TEXTS)),
    "long_text": _odd_text(lambda rng: "".join(rng.choices("aä🚜 \"\\'", k=20)) * 5_120),
    "beyond_floats": _odd_number(_HIGH),
    "many_digits": _odd_number(_LONG_DIGITS),
    "null": _null,
    "odd_key": _odd_key,
}
"""Texts of many letters and of 102,400; 2^53 + 1 thousandths, which no float holds; a decimal of 20 digits; null where
none may be; a new row whose key has slashes, quotes and blanks. Those that an entity has no field for do nothing."""
