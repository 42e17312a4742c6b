"""`lake state`, `lake reload`: what an entity's state is, and changing it by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from rich.text import Text

from lake.cli.answer import Answer
from lake.cli.aws import Stack, client, find_stack
from lake.cli.errors import OperatorError, code_of
from lake.cli.pictures import instant, number, plain_table
from lake.cli.progress import deployed_plans
from lake.extract.errors import LeaseHeld
from lake.instants import from_text, now
from lake.raw.layout import manifests_prefix
from lake.state.byhand import Hand, StateByHand, document
from lake.state.decisions import NotAllowed, released, restored, to_be_reloaded, with_watermark
from lake.state.entity import LIVE, EntityState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORCE = "Look first (`lake state show`); where you know better, say --force."


def show(stack_name: str, entity: str | None) -> Answer:
    """The state of one entity, whole; or a line of each."""
    stack = find_stack(stack_name)
    table = state_of(stack)
    entities = [known(stack, entity)] if entity else list(deployed_plans(stack))
    lanes = {name: table.lanes(name) for name in entities}
    documents = {name: [document(state) for state in states] for name, states in lanes.items()}
    if entity:
        return Answer({"entity": entity, "lanes": documents[entity]}, list(_whole(lanes[entity])))
    return Answer({"entities": documents}, [_table(lanes)])


def release(stack_name: str, entity: str, why: str, *, force: bool) -> Answer:
    """Gives the lease of an entity back."""
    stack = find_stack(stack_name)
    before = state_of(stack).lanes(known(stack, entity))[0]
    if before.lease_owner is None:
        return Answer({"entity": entity, "changed": False}, [f"Nobody holds {entity}."])
    runs = _runs(stack, before.lease_owner)
    return changed(
        stack, before, "release", why, lambda state, _: released(state, now(), holder_runs=runs, force=force)
    )


def set_watermark(stack_name: str, entity: str, watermark: str, why: str, *, force: bool) -> Answer:
    """Lets an entity be read on from an instant."""
    stack = find_stack(stack_name)
    try:
        at = from_text(watermark)
    except ValueError:
        raise OperatorError(
            f"{watermark!r} is no instant with an offset.", "Write it like 2026-11-16T06:00:00Z."
        ) from None
    before = state_of(stack).lanes(known(stack, entity))[0]
    return changed(stack, before, "set", why, lambda state, _: with_watermark(state, at, now(), force=force))


def reload(stack_name: str, entity: str, why: str) -> Answer:
    """Wishes for a full refresh of an entity."""
    stack = find_stack(stack_name)
    before = state_of(stack).lanes(known(stack, entity))[0]
    answer = changed(stack, before, "reload", why, to_be_reloaded)
    return Answer(answer.document, [*answer.pictures, f"The next run reads {entity} whole: lake run --entity {entity}"])


def restore(stack_name: str, entity: str | None, why: str) -> Answer:
    """Makes the state of one entity, or of all, anew from the manifests in raw."""
    stack = find_stack(stack_name)
    table, answers = state_of(stack), []
    for name in [known(stack, entity)] if entity else list(deployed_plans(stack)):
        before = table.lanes(name)[0]
        found = restored(before, _manifests(stack, name))
        answer = changed(stack, before, "restore", why, lambda _, __, state=found.state: state)  # type: ignore[misc]
        notes = [Text.assemble((name, "bold"), f": {note}") for note in found.notes]
        answers.append(Answer(answer.document | {"notes": list(found.notes)}, [*answer.pictures, *notes]))
    pictures = [picture for answer in answers for picture in answer.pictures]
    return Answer({"entities": [answer.document for answer in answers]}, pictures)


def audit(stack_name: str, entity: str | None) -> Answer:
    """The changes that were made by hand, the newest first."""
    found = state_of(find_stack(stack_name)).audit(entity)
    table = plain_table("when", "entity", "action", "who", "why", "what")
    for each in found:
        differs = ", ".join(f"{name}: {each.before.get(name)} → {each.after.get(name)}" for name in each.after)
        table.add_row(instant(each.at), each.entity, each.action, each.who, each.why, differs)
    return Answer({"changes": [asdict(each) for each in found]}, [table] if found else ["Nothing was changed by hand."])


def changed(
    stack: Stack, before: EntityState, action: str, why: str, decide: Callable[[EntityState, Hand], EntityState]
) -> Answer:
    """Makes a change and shows what is different; OperatorError where it may not be made."""
    hand = Hand(client("sts").get_caller_identity()["Arn"], why, now())
    try:
        after = state_of(stack).change(before, decide(before, hand), action, hand)
    except NotAllowed as refusal:
        raise OperatorError(f"{refusal}.", FORCE) from None
    except LeaseHeld as held:
        raise OperatorError(str(held), "Nothing was changed.") from None
    was, became = document(before), document(after)
    names = [name for name in was | became if was.get(name) != became.get(name) and name != "token"]
    lines = [f"  {name}: {_short(was.get(name))} → {_short(became.get(name))}" for name in names]
    head = Text.assemble((f"{before.entity}", "bold"), f": {action} by {hand.who}")
    return Answer(
        {"entity": before.entity, "changed": True, "before": was, "after": became}, [head, *(lines or ["  as it was"])]
    )


def known(stack: Stack, entity: str) -> str:
    """The entity; OperatorError where the lake has none of this name."""
    names = list(deployed_plans(stack))
    if entity not in names:
        raise OperatorError(f"The lake has no entity {entity}.", f"There are {', '.join(names)}.")
    return entity


def state_of(stack: Stack) -> StateByHand:
    """The stack's state table."""
    return StateByHand(client("dynamodb"), stack.output("StateTableName"))


def _runs(stack: Stack, run_id: str) -> bool:
    """Whether the execution of this name still runs."""
    for machine in (stack.output("Pipeline"), stack.output("Backfill")):
        execution = machine.replace(":stateMachine:", ":execution:") + f":{run_id}"
        try:
            described = client("stepfunctions").describe_execution(executionArn=execution)
        except ClientError as error:
            if code_of(error) in ("ExecutionDoesNotExist", "InvalidArn"):
                continue
            raise
        if described["status"] == "RUNNING":
            return True
    return False


def _manifests(stack: Stack, entity: str) -> Iterator[dict[str, Any]]:
    """An entity's manifests in the order of their numbers."""
    s3, bucket = client("s3"), stack.output("RawBucketName")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=manifests_prefix(entity)):
        for item in page.get("Contents", []):
            yield json.loads(s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read())


def _whole(lanes: list[EntityState]) -> Iterator[Any]:
    for state in lanes:
        yield Text(state.entity if state.lane == LIVE else f"{state.entity} {state.lane}", style="bold")
        table = plain_table("", "")
        table.show_header = False
        for name, value in document(state).items():
            if name not in ("entity", "lane"):
                table.add_row(name, json.dumps(value, indent=1) if isinstance(value, dict) else str(value))
        yield table


def _table(lanes: dict[str, list[EntityState]]) -> Any:
    table = plain_table("entity", "watermark", "load", "reading", "held by", "rests until", numbers=("load",))
    for name, (live, *backfills) in lanes.items():
        table.add_row(
            name,
            instant(live.watermark),
            number(live.last_load),
            _reading(live),
            live.lease_owner or "-",
            instant(live.resume_at),
        )
        for lane in backfills:
            if lane.finished_at is None:
                table.add_row(
                    f"  {lane.lane}",
                    "",
                    number(lane.last_load),
                    _reading(lane),
                    lane.lease_owner or "-",
                    instant(lane.resume_at),
                )
    return table


def _reading(state: EntityState) -> str:
    words = [str(state.checkpoint["phase"])] if state.checkpoint else []
    if state.reload:
        words.append("reload wanted")
    return ", ".join(words) or "-"


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value) if isinstance(value, dict) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004
