"""`lake deploy`: contracts checked, template built, stack deployed. SAM does the work; a log keeps its words."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from lake.cli.answer import FAILED, GOOD, Answer, err
from lake.cli.aws import client, endpoint, find_stack, region
from lake.cli.errors import NoStack, OperatorError
from lake.cli.pictures import duration, plain_table
from lake.contract.build import compile_folder
from lake.contract.errors import ContractError

LAST_LINES = 15
# CloudFormation can't update a stack whose creation failed.
DEAD = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")
WITHOUT_CHANGE = "No changes to deploy"


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is to be deployed, and how. `project` holds template.yaml; `guided`: SAM asks for the parameters."""

    stack: str
    parameters: dict[str, str]
    guided: bool
    project: Path
    log: Path


def deploy(deployment: Deployment) -> Answer:
    """Checks, builds, deploys; the answer says what it took and what people look up."""
    console = err()
    if not (deployment.project / "template.yaml").exists():
        raise OperatorError(
            f"There is no template.yaml in {deployment.project}.", "Run `lake deploy` in the project's folder."
        )
    refusal = _check_contracts(deployment.project / "contracts", console)
    if refusal is not None:
        return refusal
    _refuse_dead_stack(deployment.stack)
    deployment.log.parent.mkdir(parents=True, exist_ok=True)
    deployment.log.write_text("", encoding="utf-8")
    seconds = {"build": _sam(deployment, "build", ["build"], console)}
    seconds["deploy"] = _sam(deployment, "deploy", _deploy_arguments(deployment), console)
    return _deployed(deployment, seconds)


def read_parameters(file: Path | None, given: Sequence[str]) -> dict[str, str]:
    """Values for the template's parameters: a JSON object in a file, and `Name=Value`, which goes before."""
    values: dict[str, str] = {}
    if file is not None:
        try:
            raw = json.loads(file.read_text(encoding="utf-8"))
            if not isinstance(raw, dict):
                raise ValueError("it holds no object")
        except (OSError, ValueError) as error:
            raise OperatorError(
                f"{file} can't be read as parameters: {error}", 'It is a JSON object, such as {"LakeName": "lake"}.'
            ) from None
        values = {str(name): str(value) for name, value in raw.items()}
    for pair in given:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise OperatorError(
                f"--parameter {pair} is no parameter.", "Write it as Name=Value, such as LakeName=lake."
            )
        values[name] = value
    return values


def overrides(parameters: Mapping[str, str]) -> list[str]:
    """`--parameter-overrides` as SAM takes it: quoted, for schedules hold blanks."""
    if not parameters:
        return []
    quoted = [f'{name}="{value.replace("\\", "\\\\").replace('"', '\\"')}"' for name, value in parameters.items()]
    return ["--parameter-overrides", *quoted]


def _check_contracts(contracts: Path, console: Console) -> Answer | None:
    """None where all contracts are right; else the answer with every mistake in them."""
    try:
        plans = compile_folder(contracts)
    except ContractError as error:
        table = plain_table("file", "field", "what is wrong")
        for mistake in error.mistakes:
            table.add_row(f"{mistake.file}:{mistake.line}", mistake.field, mistake.reason)
        count = len(error.mistakes)
        console.print(
            Text(f"The contracts have {count} mistake{'' if count == 1 else 's'}; nothing was deployed.", "bold red")
        )
        console.print(table)
        mistakes = [asdict(mistake) for mistake in error.mistakes]
        return Answer({"error": "the contracts have mistakes", "mistakes": mistakes}, code=FAILED)
    entities = sum(not name.startswith("source.") for name in plans)
    console.print(f"[green]✓[/] contracts: {entities} entities of {len(plans) - entities} sources")
    return None


def _refuse_dead_stack(name: str) -> None:
    try:
        stack = find_stack(name)
    except NoStack:
        return
    if stack.status in DEAD:
        raise OperatorError(
            f"The stack {name} is {stack.status}: its creation failed, and AWS does not update such a stack.",
            f"Delete it with `sam delete --stack-name {name}` (its buckets and table stay), then deploy again.",
        )


def _deploy_arguments(deployment: Deployment) -> list[str]:
    arguments = ["deploy", "--stack-name", deployment.stack, *overrides(deployment.parameters)]
    return [*arguments, "--guided"] if deployment.guided else [*arguments, "--no-progressbar"]


def _sam(deployment: Deployment, title: str, arguments: list[str], console: Console) -> float:
    """Runs one SAM command; the seconds it took. OperatorError with its last words where it fails."""
    command = [_sam_program(), *arguments]
    began = time.monotonic()
    if deployment.guided and title == "deploy":
        code, words = _interactive(command, deployment), list[str]()
    else:
        code, words = _watched(command, deployment, title, console)
    took = time.monotonic() - began
    if code != 0:
        raise OperatorError(
            f"sam {title} failed:\n"
            + "\n".join(f"  {line}" for line in [*words[-LAST_LINES:], *_reasons(deployment, title)]),
            f"Its whole output: {deployment.log}" if words else "Correct it, and deploy again.",
        )
    console.print(f"[green]✓[/] sam {title} [dim]{duration(timedelta(seconds=took))}[/]")
    return round(took, 1)


def _interactive(command: list[str], deployment: Deployment) -> int:
    """The exit code of a command that talks to the terminal itself."""
    return subprocess.run(command, cwd=deployment.project, env=_environment(), check=False).returncode


def _watched(command: list[str], deployment: Deployment, title: str, console: Console) -> tuple[int, list[str]]:
    """Exit code and lines of a command, with its latest line beside a spinner while it runs."""
    words: list[str] = []
    with (
        deployment.log.open("a", encoding="utf-8") as log,
        console.status(f"sam {title}") as status,
        subprocess.Popen(
            command,
            cwd=deployment.project,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        for line in process.stdout or ():
            log.write(line)
            if line.strip():
                words.append(line.rstrip())
                status.update(Text.assemble(f"sam {title} ", (" ".join(line.split())[:100], "dim")))
        code = process.wait()
    if any(WITHOUT_CHANGE in line for line in words):
        console.print("  nothing has changed since the last deployment", style="dim")
    return code, words


def _sam_program() -> str:
    """The SAM CLI beside this Python, else on PATH."""
    beside = Path(sys.executable).parent / "sam"
    found = str(beside) if beside.exists() else shutil.which("sam")
    if found is None:
        raise OperatorError(
            "The SAM CLI is not installed.", "`make setup` installs it, or see AWS's page on installing the SAM CLI."
        )
    return found


def _environment() -> dict[str, str]:
    """SAM's own: with this Python's programs first on PATH, for the layers are built with them, and without telemetry."""
    programs = str(Path(sys.executable).parent)
    path = os.pathsep.join([programs, os.environ.get("PATH", "")])
    own = {"PATH": path, "SAM_CLI_TELEMETRY": "0", "PYTHONUNBUFFERED": "1", "AWS_DEFAULT_REGION": region() or ""}
    return {**os.environ, **own}


def _reasons(deployment: Deployment, title: str) -> list[str]:
    """Why resources failed, from the stack's events, oldest first."""
    if title != "deploy":
        return []
    try:
        find_stack(deployment.stack)
    except NoStack:
        return []
    events = client("cloudformation").describe_stack_events(StackName=deployment.stack)["StackEvents"]
    return [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
    ]


def _deployed(deployment: Deployment, seconds: Mapping[str, float]) -> Answer:
    try:
        stack = find_stack(deployment.stack)
    except NoStack:
        if not deployment.guided:
            raise
        # SAM's questions may have given the stack another name, which SAM does not hand back.
        said = "Deployed under the name that you gave. Name it to the other commands: --stack, or LAKE_STACK."
        return Answer({"seconds": dict(seconds)}, [said], GOOD)
    document: dict[str, Any] = {
        "stack": stack.name,
        "status": stack.status,
        "endpoint": endpoint(),
        "outputs": stack.outputs,
        "seconds": dict(seconds),
    }
    took = duration(timedelta(seconds=sum(seconds.values())))
    table = plain_table("output", "value")
    for name, value in stack.outputs.items():
        table.add_row(name, value)
    return Answer(document, [table, f"Stack {stack.name} is {stack.status} after {took}. Start a run: lake run"], GOOD)
