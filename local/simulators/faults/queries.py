"""Faults of understanding: the source does something else than it is asked to."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from local.simulators.faults.kinds import Kind, Met, Settings, one_of
from local.simulators.quirks import Drift, Quirks
from local.simulators.schema import ENTITIES

type Misunderstand = Callable[[Met, Quirks], Quirks]


def ignored_filter(met: Met, quirks: Quirks) -> Quirks:
    """The filter is ignored: all rows come."""
    del met
    return replace(quirks, ignores_filter=True)


def nothing_shown(met: Met, quirks: Quirks) -> Quirks:
    """The source shows no rows and says that all is well, as to a user without the permission."""
    del met
    return replace(quirks, shows_nothing=True)


def ignored_order(met: Met, quirks: Quirks) -> Quirks:
    """The order is ignored: rows come by key, or (`as` "reverse") the wrong way round."""
    return replace(quirks, order=met.settings["as"])


def page_cap(met: Met, quirks: Quirks) -> Quirks:
    """No page has more than `rows` rows, whatever was asked for; a next link leads on."""
    return replace(quirks, most_a_page=int(met.settings["rows"]))


def short_pages(met: Met, quirks: Quirks) -> Quirks:
    """A page has fewer rows than it might, by chance; a next link leads on."""
    return replace(quirks, share_of_page=met.rng.uniform(0.05, 0.95))


def empty_pages(met: Met, quirks: Quirks) -> Quirks:
    """A page has no rows, and a next link that leads to them."""
    del met
    return replace(quirks, empty_page=True)


def offset_tokens(met: Met, quirks: Quirks) -> Quirks:
    """Next links say how many rows to skip: they shift when rows change in between. `as` "hidden": in a token that nobody
    understands; over OData also "skip" (`$skip=20`) or "skiptoken" (`$skiptoken=20`)."""
    return replace(quirks, offset_tokens=met.settings["as"])


def wrong_count(met: Met, quirks: Quirks) -> Quirks:
    """A count of rows is off by `by`, never below zero; the rows are not."""
    return replace(quirks, count_off_by=int(met.settings["by"]))


def result_cap(met: Met, quirks: Quirks) -> Quirks:
    """A query gives `rows` rows at most: the rest is cut off in silence, or (`refuse`) the query is refused with 400."""
    return replace(quirks, result_cap=int(met.settings["rows"]), refuses_beyond_cap=bool(met.settings["refuse"]))


def schema_drift(met: Met, quirks: Quirks) -> Quirks:
    """A `field` of an `entity` is "new", "gone" or of another "type" (`how`), in rows and in what describes them."""
    drift = Drift(met.settings["entity"], met.settings["how"], met.settings["field"])
    return replace(quirks, drifts=(*quirks.drifts, drift))


def announced_quota(met: Met, quirks: Quirks) -> Quirks:
    """The source says that `requests` requests a day are allowed."""
    return replace(quirks, daily_requests=int(met.settings["requests"]))


def _possible_drift(settings: Settings) -> None:
    one_of("how", "new", "gone", "type")(settings)
    one_of("entity", *ENTITIES)(settings)
    name, how, entity = settings["field"], settings["how"], ENTITIES[settings["entity"]]
    if name in entity.key or (how == "new") == (entity.field(name) is not None):
        raise ValueError(f"{name} of {entity.name} cannot be {how}: a new field has a new name, and keys stay")


_LINKED = ("odata_v4", "odata_v2", "salesforce")


def _cap(rng: Random) -> dict[str, Any]:
    return {"rows": rng.choice((1, 7, 50, 100, 300))}


QUERY: dict[str, Kind[Misunderstand]] = {
    "ignored_filter": Kind(ignored_filter, "detectable", "rows"),
    "nothing_shown": Kind(
        nothing_shown,
        "quiet",
        hides=True,
        draw=lambda rng: {"scope": rng.choice(("rows", "source")), "times": rng.randint(1, 6)},
    ),
    "ignored_order": Kind(
        ignored_order,
        "detectable",
        "rows",
        {"as": "key"},
        one_of("as", "key", "reverse"),
        hides=True,
        draw=lambda rng: {"as": rng.choice(("key", "reverse"))},
    ),
    "page_cap": Kind(page_cap, "quiet", "rows", {"rows": 50}, steady=True, draw=_cap),
    "short_pages": Kind(short_pages, "quiet", "rows", faces=(*_LINKED, "hubspot")),
    "empty_pages": Kind(empty_pages, "quiet", "rows", faces=_LINKED, draw=lambda rng: {"p": rng.uniform(0.05, 0.3)}),
    "offset_tokens": Kind(
        offset_tokens,
        "quiet",
        "rows",
        {"as": "hidden"},
        one_of("as", "hidden", "skip", "skiptoken"),
        steady=True,
        hides=True,
        faces=_LINKED,
        draw=lambda rng: {"as": rng.choice(("hidden", "skip", "skiptoken"))},
    ),
    "wrong_count": Kind(
        wrong_count, "quiet", settings={"by": 1}, draw=lambda rng: {"by": rng.choice((-1_000, -2, 1, 5, 1_000))}
    ),
    "result_cap": Kind(
        result_cap,
        "quiet",
        "rows",
        {"rows": 10_000, "refuse": False},
        steady=True,
        hides=True,
        draw=lambda rng: {"rows": rng.choice((100, 1_000, 2_000))},
    ),
    "schema_drift": Kind(
        schema_drift,
        "detectable",
        settings={"entity": "", "how": "new", "field": "ZZNew"},
        check=_possible_drift,
        draw=None,
    ),
    "announced_quota": Kind(announced_quota, "quiet", "all", {"requests": 100}, faces=("salesforce",), draw=None),
}
