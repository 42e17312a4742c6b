"""`lake`: deploy, run, look at, ask and examine a lake."""

from pathlib import Path
from typing import Annotated

import typer

from lake.cli import deploying, doctor, querying, running, status
from lake.cli.answer import Answer, answering
from lake.cli.options import JsonOption, StackOption
from lake.cli.quarantine_commands import decision_app, quarantine_app
from lake.cli.source_commands import contract_app, source_app
from lake.cli.state_commands import by_hand_app, state_app
from lake.cli.table_commands import table_app

app = typer.Typer(
    name="lake",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Operates a data lake: one CloudFormation stack that reads a CRM and an ERP.

Everything goes through AWS's APIs, with the credentials and the region that the AWS CLI would use. AWS_ENDPOINT_URL
names another endpoint; `. .lake/stack/env` sets it, and the rest, for the local stack.

Exit codes: **0** good, **3** degraded (something is missing, the rest is right), **1** failed.
""",
)

app.add_typer(source_app)
app.add_typer(contract_app)
app.add_typer(state_app)
app.add_typer(by_hand_app)
app.add_typer(quarantine_app)
app.add_typer(decision_app)
app.add_typer(table_app)


@app.command("deploy")
@answering
def deploy_command(
    stack: StackOption = "lake",
    guided: Annotated[
        bool, typer.Option("--guided", help="Let SAM ask for each parameter and keep the answers in samconfig.toml.")
    ] = False,
    parameters: Annotated[
        Path | None,
        typer.Option(
            "--parameters",
            envvar="LAKE_PARAMETERS",
            show_envvar=True,
            help="A JSON file with values of the template's parameters.",
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", metavar="NAME=VALUE", help="One value; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> Answer:
    """Check the contracts, build the template, deploy the stack.

    Does what `sam build` and `sam deploy` do, after all contracts have been compiled: a mistake is named with file, field
    and reason before anything is built. Parameters that are not named keep their value in the stack.

    The first deployment to AWS: `lake deploy --guided`.
    """
    values = deploying.read_parameters(parameters, parameter or [])
    log = Path(".lake/deploy.log")
    return deploying.deploy(deploying.Deployment(stack, values, guided and not as_json, Path.cwd(), log))


@app.command("run")
@answering
def run_command(
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Read this source only; may be repeated.")
    ] = None,
    entity: Annotated[
        list[str] | None, typer.Option("--entity", help="Read this entity only (`erp.sales_order`); may be repeated.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Follow the run to its end, or return at once.")
    ] = True,
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """Start the pipeline, follow it, show its balance.

    Without options all entities of all sources are read. While another run is going on the request waits behind it.
    Ctrl-C stops the watching, not the run.
    """
    return running.run(stack, source or [], entity or [], wait=wait)


@app.command("status")
@answering
def status_command(
    run: Annotated[str | None, typer.Argument(help="One run, whole: its balance, its problems, its report.")] = None,
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """Show the stack, the last runs, and how far each entity is.

    Ends with 1 when the last run failed, with 3 when it was degraded or an entity is late, paused or failing.
    """
    return status.status(stack) if run is None else status.status_of_run(stack, run)


@app.command("query")
@answering
def query_command(
    sql: Annotated[str | None, typer.Argument(help="SQL, or the name of a mart or table. Nothing: list them.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="The most rows to show.")] = 100,
    stack: StackOption = "lake",
    as_json: JsonOption = False,
) -> Answer:
    """Ask the lake through Athena.

    `lake query mart_orders_by_month` shows a mart, `lake query "SELECT ..."` answers SQL over analytics, curated
    (`lake_curated.erp_sales_order`) and raw.
    """
    return querying.query(stack, sql, limit)


@app.command("doctor")
@answering
def doctor_command(stack: StackOption = "lake", as_json: JsonOption = False) -> Answer:
    """Look for what keeps the lake from working, and say what to do about it.

    Credentials, region, stack, secrets, sources, tables, schedules, the pipeline's lease, alarms. Changes nothing.
    """
    return doctor.examine(stack)


if __name__ == "__main__":
    app()
