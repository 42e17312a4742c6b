"""`lake state`, `lake reload`, `lake backfill`."""

from typing import Annotated

import typer

from lake.cli import backfilling, stating
from lake.cli.answer import Answer, answering
from lake.cli.options import JsonOption, StackOption

state_app = typer.Typer(name="state", no_args_is_help=True, help="Look at an entity's state, and change it by hand.")
by_hand_app = typer.Typer()

EntityArgument = Annotated[str, typer.Argument(help="The entity: erp.sales_order.")]
MaybeEntity = Annotated[str | None, typer.Argument(help="One entity. Nothing: all.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, for the audit.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Do it although rows may be left out or taken twice.")]


@state_app.command("show")
@answering
def show_command(entity: MaybeEntity = None, stack: StackOption = "lake", as_json: JsonOption = False) -> Answer:
    """Show what the lake remembers: watermark, what is being read, lease, loads, pauses, backfills."""
    return stating.show(stack, entity)


@state_app.command("release")
@answering
def release_command(
    entity: EntityArgument,
    why: WhyOption,
    force: ForceOption = False,
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """Give back the lease of an entity that nobody works on any more.

    A run takes over by itself what another run left: this is for everything else.
    """
    return stating.release(stack, entity, why, force=force)


@state_app.command("set")
@answering
def set_command(
    entity: EntityArgument,
    watermark: Annotated[str, typer.Option("--watermark", help="Read on from here: 2026-11-16T06:00:00Z.")],
    why: WhyOption,
    force: ForceOption = False,
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """Let an entity be read on from an earlier instant.

    What was changed since then is read once more and lands once more; curate finds it unchanged.
    """
    return stating.set_watermark(stack, entity, watermark, why, force=force)


@state_app.command("restore")
@answering
def restore_command(
    why: WhyOption, entity: MaybeEntity = None, stack: StackOption = "lake", as_json: JsonOption = False
) -> Answer:
    """Make the state anew from the manifests in raw, where the state table was lost or is not to be trusted."""
    return stating.restore(stack, entity, why)


@state_app.command("audit")
@answering
def audit_command(entity: MaybeEntity = None, stack: StackOption = "lake", as_json: JsonOption = False) -> Answer:
    """List the changes that were made by hand."""
    return stating.audit(stack, entity)


@by_hand_app.command("reload")
@answering
def reload_command(
    entity: EntityArgument, why: WhyOption, stack: StackOption = "lake", as_json: JsonOption = False
) -> Answer:
    """Have an entity read whole by the next run: after a restore or a migration of the source."""
    return stating.reload(stack, entity, why)


@by_hand_app.command("backfill")
@answering
def backfill_command(
    entity: EntityArgument,
    since: Annotated[str, typer.Option("--from", help="Where the range begins: 2026-01-01, or an instant.")],
    until: Annotated[str, typer.Option("--to", help="Where it ends, itself not included.")],
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or return at once.")] = True,
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """Read a past range of an entity from its source again, beside the runs.

    It moves no watermark. What it lands is curated by the next run.
    """
    return backfilling.backfill(stack, entity, since, until, wait=wait)
