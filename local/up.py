"""`make up`, `make deploy`: starts the local stack, and prepares what a deployment to it needs.

The sources' secrets are created at the endpoint, as an operator does on AWS. Two files are written into the stack's folder:
`parameters.json`, values of the template's parameters for `lake deploy`; `env`, which makes a shell speak to the stack.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3

from local.stack import Data, Ports, Stack, StackError
from local.toolchain.errors import ToolchainError

PROJECT = Path(__file__).parents[1]
# What the simulators are started with.
SECRETS: dict[str, dict[str, str]] = {
    "crm": {"client_id": "lake-reader", "client_secret": "crm-secret"},
    "erp": {"user": "LAKE", "password": "erp-secret"},
}


def up(stack: Stack, say: Callable[[str], None] = print) -> None:
    """Starts what does not run, and prepares a deployment; safe to repeat."""
    stack.up(say)
    prepare(stack)


def prepare(stack: Stack) -> None:
    """Secrets, parameters, environment."""
    arns = {source: _secret(stack, source) for source in SECRETS}
    parameters = {
        "CrmUrl": stack.crm_url,
        "CrmSecretArn": arns["crm"],
        "ErpUrl": stack.erp_url,
        "ErpSecretArn": arns["erp"],
        # A laptop is not to begin a run of its own in the middle of someone's work.
        "ScheduleState": "DISABLED",
    }
    parameters_file(stack).write_text(json.dumps(parameters, indent=2) + "\n", encoding="utf-8")
    env_file(stack).write_text(shell_environment(stack), encoding="utf-8")


def lake(stack: Stack, *arguments: str) -> int:
    """Runs `lake` as an operator of this stack would; its exit code."""
    code = subprocess.run(_command(arguments), cwd=PROJECT, env=_operator(stack), check=False).returncode
    if code == 0 and arguments[0] == "deploy":
        stack.mark_deployed()
    return code


def answer(stack: Stack, *arguments: str) -> dict[str, Any]:
    """What `lake` answers to a script; empty where it fails."""
    done = subprocess.run(
        _command((*arguments, "--json")), cwd=PROJECT, env=_operator(stack), check=False, capture_output=True
    )
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


def _command(arguments: Sequence[str]) -> list[str]:
    return [str(Path(sys.executable).parent / "lake"), *arguments]


def _operator(stack: Stack) -> dict[str, str]:
    variables = {**os.environ, **environment(stack)}
    variables.pop("AWS_PROFILE", None)
    return variables


def environment(stack: Stack) -> dict[str, str]:
    """What `lake` and the SAM CLI need in order to deploy to the stack and to operate the lake in it."""
    return {**stack.env(), "LAKE_PARAMETERS": str(parameters_file(stack)), "SAM_CLI_TELEMETRY": "0"}


def shell_environment(stack: Stack) -> str:
    """The same for a shell to read, with the project's programs on PATH."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment(stack).items()]
    programs = shlex.quote(str(PROJECT / ".venv" / "bin"))
    # A profile of the shell's own would go before the keys.
    return "\n".join([*lines, "unset AWS_PROFILE", f'export PATH={programs}:"$PATH"']) + "\n"


def parameters_file(stack: Stack) -> Path:
    return stack.directory.resolve() / "parameters.json"


def env_file(stack: Stack) -> Path:
    return stack.directory.resolve() / "env"


def _secret(stack: Stack, source: str) -> str:
    """The ARN of the source's secret, which is created, or set right again."""
    client = _secrets_client(stack)
    name, text = f"lake/{source}", json.dumps(SECRETS[source])
    try:
        return str(client.create_secret(Name=name, SecretString=text)["ARN"])
    except client.exceptions.ResourceExistsException:
        return str(client.put_secret_value(SecretId=name, SecretString=text)["ARN"])


def _secrets_client(stack: Stack) -> Any:
    variables = stack.env()
    session = boto3.Session(
        variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], region_name=variables["AWS_REGION"]
    )
    return session.client("secretsmanager", endpoint_url=stack.endpoint)


def stack_from(arguments: argparse.Namespace) -> Stack:
    """The stack that the options of `add_options` describe."""
    base = arguments.port_base
    ports = Ports() if base is None else Ports(base, base + 1, base + 2)
    return Stack(ports, arguments.directory, arguments.toolchain, Data(arguments.size))


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options that say where a stack listens and lies."""
    parser.add_argument(
        "--port-base", type=int, help="AWS endpoint; CRM and ERP take the two ports above (else 4566, 8801, 8802)"
    )
    parser.add_argument("--directory", type=Path, default=Path(".lake/stack"))
    parser.add_argument("--toolchain", type=Path, default=Path(".lake"))
    parser.add_argument("--size", default="S", choices=("S", "M", "L"), help="how much data the sources hold")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    add_options(parser)
    parser.add_argument("--deploy", action="store_true", help="deploy the lake, too")
    arguments = parser.parse_args()
    stack = stack_from(arguments)
    try:
        up(stack, lambda line: print(line, flush=True))
    except (StackError, ToolchainError) as error:
        print(error, file=sys.stderr)
        return 1
    if stack.status().lake == "lost":
        print("The emulator that held a lake has ended (it keeps everything in memory): that lake is gone.", flush=True)
    if arguments.deploy:
        return lake(stack, "deploy")
    name = shown(env_file(stack))
    print(f"The local stack is up. For this shell: `. {name}`; then `lake deploy`, `lake run`, `lake status`.")
    return 0


def shown(path: Path) -> str:
    """A path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    sys.exit(main())
