"""`lake quarantine`, `lake accept`, `lake discard`."""

from typing import Annotated

import typer

from lake.cli import deciding, quarantine, running
from lake.cli.answer import Answer, answering
from lake.cli.options import JsonOption, StackOption

quarantine_app = typer.Typer(
    name="quarantine", no_args_is_help=True, help="Look at records that break their contract, and replay them."
)
decision_app = typer.Typer()

EntityArgument = Annotated[str, typer.Argument(help="The entity: erp.sales_order.")]
LoadArgument = Annotated[int, typer.Argument(min=1, help="The load's number, which the run's message names.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason; it is kept for ever.")]


@quarantine_app.command("list")
@answering
def list_command(
    entity: Annotated[
        str | None, typer.Argument(help="One entity's records. Nothing: how many each rule holds back.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The most records to show.")] = 100,
    closed: Annotated[bool, typer.Option("--closed", help="Those too that something newer stands for.")] = False,
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """List what is held back: by rule, or one entity's records."""
    return quarantine.overview(stack) if entity is None else quarantine.listed(stack, entity, limit, closed=closed)


@quarantine_app.command("show")
@answering
def show_command(
    entity: EntityArgument,
    load: LoadArgument,
    row: Annotated[int, typer.Argument(min=0, help="The row's position in the load.")],
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """Show one record: which rules it breaks, what was sent, and what current holds of its key.

    Also a row of a load that was stopped, as it lies in raw.
    """
    return quarantine.shown(stack, entity, load, row)


@quarantine_app.command("replay")
@answering
def replay_command(
    entity: Annotated[list[str], typer.Argument(help="Entities: erp.sales_order.")],
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or return at once.")] = True,
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """Put what is held back through today's contract: after a rule was mended and deployed.

    What is good now is merged by version order; a newer row stays. What is still bad stays where it is.
    """
    return running.run(stack, [], entity, wait=wait, task="replay")


@decision_app.command("accept")
@answering
def accept_command(
    entity: EntityArgument, load: LoadArgument, why: WhyOption, stack: StackOption = "lake", as_json: JsonOption = False
) -> Answer:
    """Let a load pass that a brake has stopped: the keys really are gone, the rows really are bad."""
    return deciding.decide(stack, entity, load, "accept", why)


@decision_app.command("discard")
@answering
def discard_command(
    entity: EntityArgument, load: LoadArgument, why: WhyOption, stack: StackOption = "lake", as_json: JsonOption = False
) -> Answer:
    """Leave out a load that was stopped, for ever. Raw keeps it."""
    return deciding.decide(stack, entity, load, "discard", why)
