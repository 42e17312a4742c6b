"""Signs of more: what is beside the rows of a page that would be the last one, and shows that it is not, or may not be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.extract.errors import MalformedAnswer, UnknownContinuation
from lake.extract.page_counters import COUNTERS, Ending, numbers_in, plain, says_more
from lake.raw.envelope import members
from lake.raw.literal import Number, dump, parse
from lake.raw.page import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.http import Answer
    from lake.extract.places import Place
    from lake.raw.envelope import Envelope
    from lake.raw.page import Page

WORDS = re.compile(r"next|more|(?<!dis)continu|cursor|skiptoken|scroll|resumption|lastevaluatedkey")
FORWARDS = re.compile(r"next|more|continu")
BACKWARDS = re.compile(r"prev|before|backward|first|start|self|current")
BESIDE_NEXT = re.compile(r"prev|before|backward|first|self")
"""What is in the same object as a next page's place, and is none."""
_OF_WHAT = "(?:available|pages?|results|records|items|rows|data|link)?"
HAS_MORE = re.compile(f"(?:has|is|thereis|thereare)(?:more|next){_OF_WHAT}|more{_OF_WHAT}")
TRUNCATED = ("truncated", "istruncated")
LAST = ("last", "islast", "lastpage", "islastpage")
ECHOES = ("params", "parameters", "request", "self")
"""Objects that repeat what was asked for."""
ADDRESSES = ("href", "url", "uri", "link")
NOTHING = ("", "0", "-1", "false", "null", "none", "undefined")
"""Texts and numbers that name no next page."""
LINK_HEADER = re.compile(r';\s*rel\s*=\s*"?(?:[^",;]*\s)?next[\s",;]', re.IGNORECASE)
LONGEST = 80
DEEPEST = 100
"""Levels beside the rows that are looked through for a sign of more."""

type Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """A member beside the rows. `is_more`: a flag that says so, or that there is no more; None where it is no flag.
    `is_counted`: it is one of several counters, and `value` is what they say together. `within`: the object that a flag is
    about.
    """

    path: Path
    value: Any
    is_more: bool | None = None
    is_counted: bool = False
    within: Path = ()

    @property
    def place(self) -> str:
        """The path with dots."""
        return ".".join(self.path)

    @property
    def shortened(self) -> str:
        """The value as JSON, cut."""
        text = dump(self.value)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def refuse_more(source: SourcePlan, plan: Plan, envelope: Envelope, place: Place, answer: Answer, page: Page) -> None:
    """Raises UnknownContinuation where the answer that would be the last shows that there is more (MalformedAnswer for one
    that cannot be looked through).

    The columnar parser lets nothing pass beside the rows but what is declared: then there are only flags to look at.
    """
    if answer.links and LINK_HEADER.search(f"{answer.links};"):
        raise UnknownContinuation(_told(plan, "the header `Link`", answer.links[:LONGEST], _advice(source, None)))
    if not (page.by_record or envelope.more):
        return
    ending = Ending(place.link in (None, place.start), place.rows, page.batch.num_rows)
    try:
        sign = sign_of_more(parse(answer.body.removeprefix(MARK)), envelope, ending)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer(
            f"{plan.entity}: what is beside the rows of {plan.path} cannot be read: {error}"
        ) from None
    if sign is not None:
        raise UnknownContinuation(_told(plan, f"`{sign.place}`", sign.shortened, _advice(source, sign)))


def _told(plan: Plan, what: str, value: str, advice: str) -> str:
    return (
        f"{plan.entity}: the last page of {plan.path} has no next link that the lake knows, and {what} beside its rows "
        f"({value}): there may be more rows. {advice}"
    )


def _advice(source: SourcePlan, sign: Sign | None) -> str:
    """What to write into the contract."""
    if source.protocol != "rest":
        return "Say `paging: {mode: key}` (or `keyset`) in the contract, which needs no links: it asks until a page is empty."
    if sign is None:
        return "Say `rest: {paginator: {type: header_link}}` in the contract."
    if sign.is_more is not None or sign.is_counted:
        leads = (
            "say in the contract's `rest.paginator` how the next page is asked for (`type`, a cursor's `first_token`)"
        )
    elif isinstance(sign.value, str) and not isinstance(sign.value, Number) and re.search(r"[/?]", sign.value):
        leads = f"say `rest: {{paginator: {{type: json_link, next_url_path: {sign.place}}}}}` in the contract"
    else:
        leads = f"say `rest: {{paginator: {{type: cursor, cursor_path: {sign.place}}}}}` in the contract"
    kind = "boolean" if isinstance(sign.value, bool) else "int64" if isinstance(sign.value, Number) else "string"
    return (
        f"If it leads on, {leads}, or `paging: {{mode: key}}`. If it does not, name it in "
        f"`rest: {{beside: {{{sign.place}: {kind}}}}}`."
    )


def sign_of_more(document: Any, envelope: Envelope, ending: Ending) -> Sign | None:
    """What a parsed page behind which none would follow says of further rows; None where nothing does.

    A flag that says "more" comes first. One that says "no more" goes for the rest of its object, and one that the contract
    or the protocol names for all of the page: some APIs have a cursor on every page.
    """
    if not isinstance(document, dict):
        return None
    look = _Look(envelope)
    signs = list(look.signs(document, ()))
    denied = [sign.within for sign in signs if sign.is_more is False]
    counted = look.counted(document, (), {}, ending)
    found = [*(sign for sign in signs if sign.is_more is not False), *filter(None, (counted,))]
    open_ones = (sign for sign in found if not any(sign.path[: len(place)] == place for place in denied))
    return next((sign for sign in found if sign.is_more), None) or next(open_ones, None)


class _Look:
    """A look around the rows: which places are theirs, or are known."""

    def __init__(self, envelope: Envelope) -> None:
        self._records = members(envelope.records)
        self._flags = {members(path): more for path, more in envelope.more.items()}
        named = (*envelope.beside, *envelope.links, *filter(None, (envelope.delta_link,)))
        self._known = {members(path) for path in named} | {(path,) for path in named}

    def signs(self, found: Mapping[str, Any], around: Path) -> Iterator[Sign]:
        """The signs among an object's members and in the objects below them."""
        for name, value in found.items():
            path, word = (*around, name), plain(name)
            is_more = _flag(word, value) if path not in self._flags else _declared(value, self._flags[path])
            if is_more is not None:
                if path in self._flags or not (is_more and self._is_known(path)):
                    yield Sign(path, value, is_more, within=() if path in self._flags else around)
            elif not self._is_known(path):
                yield from self._below(path, word, value)

    def _below(self, path: Path, word: str, value: Any) -> Iterator[Sign]:
        _refuse_depth(path)
        if word == "offset" and isinstance(value, str) and not isinstance(value, Number) and not value.isdecimal():
            word = "nextoffset"  # Airtable's is a token
        is_word = WORDS.search(word) and (FORWARDS.search(word) or not BACKWARDS.search(word))
        if is_word and not self._is_around_records(path):
            yield from self._values(path, value)
        elif isinstance(value, dict) and word not in ECHOES:
            yield from self.signs(value, path)
        elif isinstance(value, list):
            yield from _relations(path, value)

    def _values(self, path: Path, value: Any) -> Iterator[Sign]:
        """What is not empty in a member whose name is a sign of more."""
        _refuse_depth(path)
        if self._is_known(path):
            return
        match value:
            case dict():
                for name, inner in value.items():
                    word = plain(name)
                    if word not in COUNTERS - {"page", "offset", "start", "skip"} and not BESIDE_NEXT.match(word):
                        yield from self._values((*path, name), inner)
            case list():
                if any(sign for inner in value for sign in self._values((*path, "*"), inner)):
                    yield Sign(path, value)
            case bool() | None:
                yield from [Sign(path, value)] if value else []
            case _ if str(value).strip().lower() not in NOTHING:
                yield Sign(path, value)

    def counted(self, found: Mapping[str, Any], around: Path, outer: Mapping[str, int], ending: Ending) -> Sign | None:
        """The object whose counters, with those around it, say that there is more."""
        numbers = {**outer, **numbers_in({n: v for n, v in found.items() if not self._is_known((*around, n))})}
        said = says_more(numbers, ending) if numbers != outer else None
        if said is not None:
            names = [name for name in found if plain(name) in numbers]
            return Sign((*around, names[0]), said, is_counted=True)
        inner = (
            (*around, name) for name, value in found.items() if isinstance(value, dict) and plain(name) not in ECHOES
        )
        below = (self.counted(found[path[-1]], path, numbers, ending) for path in inner if not self._is_known(path))
        return next(filter(None, below), None)

    def _is_known(self, path: Path) -> bool:
        """Whether it is among the records, or in a member that protocol or contract name."""
        if self._records and path[: len(self._records)] == self._records:
            return True
        return any(path[: len(known)] == known for known in self._known)

    def _is_around_records(self, path: Path) -> bool:
        return self._records[: len(path)] == path


def _refuse_depth(path: Path) -> None:
    """Raises ValueError below the level that is looked through. The interpreter's own limit is no measure: it can be moved."""
    if len(path) > DEEPEST:
        raise ValueError(f"more than {DEEPEST} objects and lists in one another")


def _flag(word: str, value: Any) -> bool | None:
    """Whether a flag says that there is more; None for what is no flag of that kind."""
    is_true = _truth(value)
    if is_true is None:
        return None
    if word in LAST:
        return not is_true
    return is_true if HAS_MORE.fullmatch(word) or word in TRUNCATED else None


def _declared(value: Any, more: bool) -> bool | None:
    is_true = _truth(value)
    return None if is_true is None else is_true is more


def _truth(value: Any) -> bool | None:
    if isinstance(value, str) and not isinstance(value, Number):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _relations(path: Path, found: list[Any]) -> Iterator[Sign]:
    """Links in a list that are called `next`: `[{"rel": "next", "href": "..."}]`."""
    for link in found:
        if not isinstance(link, dict):
            return
        named = {plain(name): value for name, value in link.items()}
        called = named.get("rel", named.get("relation"))
        if called == "next" or (isinstance(called, list) and "next" in called):
            yield from (Sign(path, named[name]) for name in ADDRESSES if named.get(name))
