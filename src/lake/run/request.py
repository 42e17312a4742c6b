"""What a run is asked to do: the execution's input, checked; which entities that means; how waiting requests merge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lake.extract.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

TRIGGERS = ("schedule", "console", "lake")
KEYS = ("sources", "entities", "task", "trigger")
# What may be done with tables that are there, without reading a source; `lake.curate.tasks` does it.
TASKS = ("curate", "replay", "rebuild", "verify", "maintain")
# These leave curated rows other than they were: the marts are built again.
CHANGING = ("curate", "replay", "rebuild")


@dataclass(frozen=True, slots=True)
class Request:
    """Sources and entities to read; all of them where both are empty. `trigger` says who asked, `task` what is done with
    their tables instead of an ordinary run."""

    sources: frozenset[str] = frozenset()
    entities: frozenset[str] = frozenset()
    trigger: str | None = None
    task: str | None = None

    @property
    def everything(self) -> bool:
        """Whether all entities of all sources are meant, those of tomorrow included."""
        return not (self.sources or self.entities)

    def as_input(self) -> dict[str, Any]:
        """The execution's input that says the same."""
        named: dict[str, Any] = {
            "sources": sorted(self.sources),
            "entities": sorted(self.entities),
            "task": self.task,
            "trigger": self.trigger,
        }
        return {key: value for key, value in named.items() if value}


def parse(raw: Mapping[str, Any], known: Collection[str]) -> Request:
    """The request in an execution's input; raises BadRequest. `known`: all entities, as `erp.sales_order`."""
    if unknown := sorted(set(raw) - set(KEYS)):
        raise BadRequest(f"the input has unknown keys: {', '.join(unknown)}. It may have: {', '.join(KEYS)}")
    sources, entities = _names(raw, "sources"), _names(raw, "entities")
    _refuse_strangers("sources", sources, {entity.partition(".")[0] for entity in known})
    _refuse_strangers("entities", entities, set(known))
    return Request(sources, entities, _one_of(raw, "trigger", TRIGGERS), _one_of(raw, "task", TASKS))


def _one_of(raw: Mapping[str, Any], key: str, words: Sequence[str]) -> str | None:
    word = raw.get(key)
    if word is not None and word not in words:
        raise BadRequest(f"{key} is {word!r}. It may be: {', '.join(words)}")
    return word


def _names(raw: Mapping[str, Any], key: str) -> frozenset[str]:
    names = raw.get(key, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadRequest(f"{key} is {names!r}. It is a list of names, for example " + _EXAMPLES[key])
    if key in raw and not names:
        raise BadRequest(f"{key} is an empty list: leave it out to read all of them")
    return frozenset(names)


_EXAMPLES = {"sources": '{"sources": ["crm"]}', "entities": '{"entities": ["erp.sales_order"]}'}


def _refuse_strangers(key: str, named: frozenset[str], known: set[str]) -> None:
    if strangers := sorted(named - known):
        raise BadRequest(
            f"{key} names what this lake does not have: {', '.join(strangers)}. It has: {', '.join(sorted(known))}"
        )


def select(request: Request, known: Collection[str]) -> list[str]:
    """The entities that a request means, sorted."""
    return sorted(
        entity
        for entity in known
        if request.everything or entity in request.entities or entity.partition(".")[0] in request.sources
    )


def merge(requests: Sequence[Request]) -> list[Request]:
    """The fewest requests that do what all of these ask for: one for each task, ordinary runs first."""
    tasks = sorted({request.task for request in requests}, key=lambda task: task or "")
    return [_merged([request for request in requests if request.task == task], task) for task in tasks]


def _merged(requests: Sequence[Request], task: str | None) -> Request:
    """One request for several of one task: they differ in what they mean alone."""
    triggers = {request.trigger for request in requests}
    trigger = triggers.pop() if len(triggers) == 1 else None
    if any(request.everything for request in requests):
        return Request(trigger=trigger, task=task)
    sources = frozenset[str]().union(*(request.sources for request in requests))
    entities = frozenset[str]().union(*(request.entities for request in requests))
    rest = frozenset(name for name in entities if name.partition(".")[0] not in sources)
    return Request(sources, rest, trigger, task)
