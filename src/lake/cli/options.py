"""Options that several commands take."""

from typing import Annotated

import typer

StackOption = Annotated[
    str, typer.Option("--stack", envvar="LAKE_STACK", help="Name of the CloudFormation stack.", show_envvar=True)
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Answer with one JSON object on stdout; progress and errors stay on stderr.")
]
