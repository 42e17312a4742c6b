"""`lake source` and `lake contract`: what is asked of a source, before it is deployed and after."""

from pathlib import Path
from typing import Annotated

import typer

from lake.cli import comparing, contracts, drafting, examining
from lake.cli.answer import Answer, answering
from lake.cli.options import JsonOption, StackOption
from lake.cli.sources import Address

source_app = typer.Typer(name="source", no_args_is_help=True, help="Look at a source.")
contract_app = typer.Typer(name="contract", no_args_is_help=True, help="Write, check and compare contracts.")

FolderArgument = Annotated[Path, typer.Argument(help="A folder of contracts with a source.yaml: contracts/erp.")]
UrlOption = Annotated[str | None, typer.Option("--url", help="Where the source answers. Else the stack's parameter.")]
SecretOption = Annotated[
    str | None,
    typer.Option("--secret", help="Name or ARN of its secret in Secrets Manager. Else the stack's parameter."),
]


@source_app.command("check")
@answering
def check_command(
    folder: FolderArgument,
    entity: Annotated[
        list[str] | None, typer.Option("--entity", help="Only this entity (`erp.sales_order`); may be repeated.")
    ] = None,
    url: UrlOption = None,
    secret: SecretOption = None,
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """Ask a source what it can do: login, clock, count, types, paging, filter, order, deletes.

    Reads some pages of each entity and checks them as extraction does. Writes nothing, neither there nor here.
    Works before anything is deployed: give --url and --secret.
    """
    return examining.examine(folder, entity or [], Address(stack, url, secret))


@source_app.command("compare")
@answering
def compare_command(
    entity: Annotated[str, typer.Argument(help="The entity: erp.sales_order.")],
    folder: Annotated[
        Path, typer.Option("--contracts", help="The folder of contracts that the lake was deployed from.")
    ] = Path("contracts"),
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=1, help="The most keys to name of each side. Else 20, and all with --json."),
    ] = None,
    url: UrlOption = None,
    secret: SecretOption = None,
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """Compare all keys of an entity at its source with all that live in the lake: what is missing on either side.

    Reads every key, as a sweep does, and the curated tables through Athena. Writes nothing, neither there nor here.
    Ends with 0 where both sides are the same, with 3 where they differ.
    """
    return comparing.compare_keys(entity, folder, Address(stack, url, secret), limit)


@contract_app.command("draft")
@answering
def draft_command(
    folder: FolderArgument,
    path: Annotated[str, typer.Argument(help="The entity's path at the source: Account, API_X_SRV/A_SalesOrder.")],
    name: Annotated[str | None, typer.Option("--name", help="Its name in the lake; else made from the path.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the contract to this file; else show it.")] = None,
    url: UrlOption = None,
    secret: SecretOption = None,
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """Draft the contract of an entity from what the source says of it.

    From `$metadata`, from `describe`, or from sample rows where a source does not describe itself. What cannot be known is
    guessed, and said in a comment: read the draft before you commit it.
    """
    return drafting.draft(folder, path, name, out, Address(stack, url, secret))


@contract_app.command("check")
@answering
def contract_check_command(
    folder: Annotated[Path, typer.Argument(help="A folder of sources, or of one source.")] = Path("contracts"),
    as_json: JsonOption = False,
) -> Answer:
    """Check contracts: each mistake with file, line, place and reason. Asks nobody, builds nothing."""
    return contracts.check(folder)


@contract_app.command("diff")
@answering
def contract_diff_command(
    before: Annotated[str, typer.Argument(help="A folder, a contract, released.json, or REVISION:path of these.")],
    after: Annotated[str, typer.Argument(help="The same, later.")] = "contracts",
    as_json: JsonOption = False,
) -> Answer:
    """Compare contracts: what is compatible, what breaks readers, and what to do about it.

    `lake contract diff HEAD:contracts` shows what the working tree changes. Ends with 1 where something breaks without a
    new major version.
    """
    return contracts.diff(before, after)


@contract_app.command("release")
@answering
def contract_release_command(
    folder: Annotated[Path, typer.Argument(help="A folder of sources.")] = Path("contracts"),
    as_json: JsonOption = False,
) -> Answer:
    """Note in released.json the contracts of a release: the next ones are judged by them."""
    return contracts.release(folder)
