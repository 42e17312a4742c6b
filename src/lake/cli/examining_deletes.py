"""What `lake source check` finds of the ways in which deletions are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.cli.examined import DAY, Entity
from lake.extract.passes import key_pass, refresh_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lake.cli.findings import Finding


def look_at_deletes(entity: Entity) -> Iterator[Finding]:
    """Each declared way in which deletions are seen."""
    for deletes in entity.plan.deletes:
        yield from DELETES[deletes.strategy](entity)


def _soft_flag(entity: Entity) -> Iterator[Finding]:
    yield entity.finding("deletes", "ok", "come as rows with a flag")


def _feed(entity: Entity) -> Iterator[Finding]:
    met, feed = entity.met, entity.met.dialect.feed
    if feed is None:
        yield entity.finding(
            "deletes", "fail", f"{met.source.protocol} has no feed of deletions", "Declare `key_sweep`."
        )
        return
    request = feed.request(met.source, entity.plan, entity.source_now - DAY, entity.source_now)
    page = feed.read(met.source, entity.plan, met.connection.read(request).body)
    yield entity.finding("deletes", "ok", f"a feed tells of them: {len(page.keys):,} in the last day")


def _delta_link(entity: Entity) -> Iterator[Finding]:
    """Only the last page of a whole reading brings the link: a small entity shows it at once."""
    if entity.met.dialect.delta is None:
        yield entity.finding(
            "deletes", "fail", f"{entity.met.source.protocol} has no delta links", "Declare `key_sweep`."
        )
        return
    sample = entity.sample(refresh_pass(entity.plan, track=True))
    if sample.pages and sample.pages[-1].delta_link is not None:
        yield entity.finding("deletes", "ok", "the source gives a delta link")
    elif sample.is_whole:
        yield entity.finding(
            "deletes", "fail", "the source was asked to track changes and gave no delta link", "Declare `key_sweep`."
        )
    else:
        yield entity.finding("deletes", "note", "whether there is a delta link shows at the end of the first reading")


def _key_sweep(entity: Entity) -> Iterator[Finding]:
    sample = entity.sample(key_pass(entity.plan))
    rate = sum(sample.sizes) / max(0.001, sample.took_s)
    yield entity.finding("deletes", "ok", f"keys can be swept, {rate:,.0f} a second")


def _none(entity: Entity) -> Iterator[Finding]:
    yield entity.finding(
        "deletes", "note", "are not seen: so the contract says", "docs/limits.md says what that means."
    )


DELETES: dict[str, Callable[[Entity], Iterator[Finding]]] = {
    "soft_flag": _soft_flag,
    "feed": _feed,
    "delta_link": _delta_link,
    "key_sweep": _key_sweep,
    "none": _none,
}
