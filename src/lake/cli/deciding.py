"""`lake accept`, `lake discard`: what is done with a load that was stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.cli.answer import Answer
from lake.cli.aws import Stack, client, find_stack
from lake.cli.errors import OperatorError
from lake.cli.pictures import instant
from lake.cli.progress import read_lease, run_state
from lake.cli.stating import known, state_of
from lake.curate.decisions import Decision
from lake.instants import now, to_text
from lake.raw.layout import decision_key, manifest_key
from lake.raw.store import RawBucket
from lake.run.executions import runs_in
from lake.state.byhand import Hand

if TYPE_CHECKING:
    from lake.curate.decisions import Verdict

MEANS = {
    "accept": "No brake stops load {load} of {entity} any more.",
    "discard": "Load {load} of {entity} is left out. Raw keeps it; what no later load brings again is missing in the tables.",
}


def decide(stack_name: str, entity: str, load: int, verdict: Verdict, why: str) -> Answer:
    """Writes a decision beside the load's manifest, once; OperatorError where there is nothing to decide."""
    stack = find_stack(stack_name)
    raw = RawBucket(client("s3"), stack.output("RawBucketName"))
    _must_wait(stack, raw, known(stack, entity), load)
    hand = Hand(client("sts").get_caller_identity()["Arn"], why, now())
    decision = Decision(load, verdict, hand.who, hand.at, why)
    key = decision_key(entity, load)
    if not raw.put_new(key, decision.dump()):
        made = Decision.load_from(raw.get(key) or b"")
        raise OperatorError(
            f"{made.by} has decided about load {load} of {entity} at {instant(made.at)}: {made.verdict}, for {made.why!r}.",
            "A decision is made once.",
        )
    state_of(stack).note(entity, {"load": load}, verdict, hand)
    document = {"entity": entity, "load": load, "decision": verdict, "by": hand.who, "at": to_text(hand.at), "why": why}
    said = MEANS[verdict].format(load=load, entity=entity)
    return Answer(document, [said, f"The next run goes on with it: lake run --entity {entity}"])


def _must_wait(stack: Stack, raw: RawBucket, entity: str, load: int) -> None:
    if raw.get(manifest_key(entity, load)) is None:
        raise OperatorError(f"{entity} has no load {load}.", "`lake state show` says which was the last one.")
    through = run_state(stack).progress(entity).through
    if load <= through:
        raise OperatorError(
            f"Load {load} of {entity} is merged already: its tables hold all up to load {through}.",
            "What was merged is changed by newer loads alone: lake reload, lake backfill.",
        )
    holder = read_lease(stack).execution
    if holder is not None and runs_in(client("stepfunctions"))(holder):
        raise OperatorError(
            f"Run {holder.rpartition(':')[2]} is going on: it may be merging load {load} of {entity} at this moment.",
            "Decide when it has ended: lake status.",
        )
