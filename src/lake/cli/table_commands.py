"""`lake verify`, `lake rebuild`, `lake maintain`: tasks with the tables that are there."""

from typing import Annotated

import typer

from lake.cli import running
from lake.cli.answer import Answer, answering
from lake.cli.options import JsonOption, StackOption

table_app = typer.Typer()

SomeEntities = Annotated[list[str] | None, typer.Argument(help="Entities: erp.sales_order. Nothing: all.")]
Entities = Annotated[list[str], typer.Argument(help="Entities: erp.sales_order.")]
WaitOption = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end, or return at once.")]


@table_app.command("verify")
@answering
def verify_command(
    entities: SomeEntities = None, wait: WaitOption = True, stack: StackOption = "lake", as_json: JsonOption = False
) -> Answer:
    """Hold the curated tables against raw, for all keys.

    Reads every load that the tables were made of, and changes nothing. Ends with 1 where a key lives in raw or in the
    tables alone, with 3 where the tables hold an older version than raw. Counts rows that name what the lake lacks, too.
    """
    return running.run(stack, [], entities or [], wait=wait, task="verify")


@table_app.command("rebuild")
@answering
def rebuild_command(
    entities: Entities, wait: WaitOption = True, stack: StackOption = "lake", as_json: JsonOption = False
) -> Answer:
    """Make an entity's tables anew from raw.

    They are made beside the old ones and compared with them; what differs is replaced in one commit a table. Readers see no
    gap, and tags, grants and earlier snapshots stay. It may be stopped and begun again at any time.
    """
    return running.run(stack, [], entities, wait=wait, task="rebuild")


@table_app.command("maintain")
@answering
def maintain_command(
    entities: SomeEntities = None, wait: WaitOption = True, stack: StackOption = "lake", as_json: JsonOption = False
) -> Answer:
    """Make the tables' files large and ordered again, and remove what no snapshot needs any more.

    Runs do so by themselves when it is due. Tables can be read as of each instant that their contract promises.
    """
    return running.run(stack, [], entities or [], wait=wait, task="maintain")
