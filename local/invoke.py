"""`make invoke-local`: one function in Lambda's own container (`sam local invoke`), against the local stack.

`sam local invoke` passes only variables that the template declares, and knows no real names: it is given a copy of the built
template that declares AWS_ENDPOINT_URL, and the variables of the deployed function. A container does not reach this machine's
127.0.0.1: while the function runs, the ports that it needs are passed on from an address that it does reach.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import SHUT_RDWR, SHUT_WR, create_connection, create_server, socket
from typing import Any

import boto3
import docker  # type: ignore[import-untyped]
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from docker.errors import DockerException, ImageNotFound  # type: ignore[import-untyped]
from samcli.yamlhelper import yaml_dump, yaml_parse

from local.stack import Stack

IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
# What Docker Desktop calls the machine that it runs on.
DESKTOP = "host.docker.internal"
HERE = re.compile(r"http://(?:127\.0\.0\.1|localhost):(?P<port>\d+)")
CHUNK = 65_536


class InvokeError(Exception):
    """The function can't be called; the message says why, and what to do."""


@dataclass(frozen=True)
class Project:
    """What was built and where it was deployed. `environment`: the variables with which SDKs reach the endpoint."""

    folder: Path
    stack: str
    environment: Mapping[str, str]

    @property
    def built(self) -> Path:
        return self.folder / ".aws-sam" / "build"

    def client(self, service: str) -> Any:
        """A client of the endpoint that the lake is deployed to."""
        keys = self.environment["AWS_ACCESS_KEY_ID"], self.environment["AWS_SECRET_ACCESS_KEY"]
        session = boto3.Session(*keys, region_name=self.environment["AWS_REGION"])
        soon = Config(connect_timeout=5, retries={"total_max_attempts": 2})
        return session.client(  # type: ignore[call-overload]
            service, endpoint_url=self.environment["AWS_ENDPOINT_URL"], config=soon
        )


def invoke(project: Project, function: str, event: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Calls a function, named by its logical id in the template; raises InvokeError."""
    if not event.exists():
        raise InvokeError(f"there is no event {event}: take one of events/functions/")
    variables = deployed_variables(project, function)
    with ExitStack() as open_while_it_runs:
        reach = open_while_it_runs.enter_context(reachable(address()))
        moved = {name: HERE.sub(lambda found: reach(int(found["port"])), value) for name, value in variables.items()}
        work = Path(open_while_it_runs.enter_context(tempfile.TemporaryDirectory()))
        values = work / "env.json"
        values.write_text(json.dumps({function: moved}), encoding="utf-8")
        template = open_while_it_runs.enter_context(declaring(project.built / "template.yaml", "AWS_ENDPOINT_URL"))
        command = [
            *(str(Path(sys.executable).parent / "sam"), "local", "invoke", function),
            *(f"--template={template}", f"--event={event.resolve()}", f"--env-vars={values}", *options),
        ]
        environment = {**os.environ, **project.environment, "SAM_CLI_TELEMETRY": "0"}
        return subprocess.run(command, env=environment, cwd=work, stdout=subprocess.PIPE, text=True, check=False)


def deployed_variables(project: Project, function: str) -> dict[str, str]:
    """The environment of the deployed function, and the endpoint."""
    try:
        found = project.client("cloudformation").describe_stack_resource(
            StackName=project.stack, LogicalResourceId=function
        )
        name = found["StackResourceDetail"]["PhysicalResourceId"]
        configured = project.client("lambda").get_function_configuration(FunctionName=name)
    except (ClientError, BotoCoreError) as error:
        raise InvokeError(
            f"{function} is not deployed to {project.environment['AWS_ENDPOINT_URL']} ({error}): `make deploy`, and name a"
            " function of template.yaml, such as ExtractCrmFunction"
        ) from None
    variables: dict[str, str] = configured["Environment"]["Variables"]
    return variables | {"AWS_ENDPOINT_URL": project.environment["AWS_ENDPOINT_URL"]}


@contextmanager
def declaring(template: Path, variable: str) -> Iterator[Path]:
    """A copy of the built template, beside it for its relative paths, in which every function has the variable."""
    if not template.exists():
        raise InvokeError(f"{template} is missing: `make deploy` builds it")
    content = yaml_parse(template.read_text(encoding="utf-8"))
    content["Globals"]["Function"]["Environment"]["Variables"][variable] = ""
    with tempfile.NamedTemporaryFile(
        "w", dir=template.parent, prefix="local-", suffix=".yaml", encoding="utf-8"
    ) as copy:
        copy.write(yaml_dump(content))
        copy.flush()
        yield Path(copy.name)


def missing() -> str | None:
    """What `sam local invoke` lacks on this machine; None where it has all."""
    try:
        with closing(docker.from_env()) as engine:
            engine.ping()
            engine.images.get(IMAGE)
    except ImageNotFound:
        return f"the image {IMAGE} is not here: docker pull {IMAGE}"
    except DockerException as error:
        return f"no Docker engine answers: {error}"
    return None


def address() -> str | None:
    """This machine as containers see it; None where Docker Desktop's own name serves."""
    try:
        with closing(docker.from_env()) as engine:
            gateway = str(engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"])
    except (DockerException, KeyError, IndexError) as error:
        raise InvokeError(f"no Docker engine answers ({error}): start Docker") from None
    try:
        create_server((gateway, 0)).close()
    except OSError:
        return None
    return gateway


@contextmanager
def reachable(host: str | None) -> Iterator[Any]:
    """A function from a port of 127.0.0.1 to the URL at which containers reach it while the context is open."""
    with ExitStack() as opened:
        urls: dict[int, str] = {}

        def reach(port: int) -> str:
            if host is None:
                return f"http://{DESKTOP}:{port}"
            if port not in urls:
                door = create_server((host, 0))
                opened.callback(_close, door)
                threading.Thread(target=_accept, args=(door, port), daemon=True).start()
                urls[port] = f"http://{host}:{door.getsockname()[1]}"
            return urls[port]

        yield reach


def _close(door: socket) -> None:
    with suppress(
        OSError
    ):  # some systems refuse it on a socket that listens; where they don't, it ends a waiting accept
        door.shutdown(SHUT_RDWR)
    door.close()


def _accept(door: socket, port: int) -> None:
    """Passes each connection on until the door is closed; where nobody listens inside, the caller is hung up on."""
    while True:
        try:
            outside, _ = door.accept()
        except OSError:
            return
        try:
            inside = create_connection(("127.0.0.1", port))
        except OSError:
            outside.close()
            continue
        for source, target in ((outside, inside), (inside, outside)):
            threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket, target: socket) -> None:
    """Bytes from one to the other until there are no more; a connection that breaks is broken for both."""
    try:
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
        target.shutdown(SHUT_WR)
    except OSError:
        source.close()
        target.close()


def main(arguments: list[str]) -> int:
    """SAM's exit code; 1 where a function failed or could not be called."""
    parser = argparse.ArgumentParser(prog="python -m local.invoke", description=__doc__)
    parser.add_argument("function", help="logical id in template.yaml, such as ExtractCrmFunction")
    parser.add_argument("event", type=Path, help="a file of events/functions/")
    parser.add_argument("--stack", default="lake", help="name of the CloudFormation stack")
    parser.add_argument("--endpoint", default=os.environ.get("AWS_ENDPOINT_URL", Stack().endpoint))
    parsed = parser.parse_args(arguments)
    environment = {**Stack().env(), "AWS_ENDPOINT_URL": parsed.endpoint}
    try:
        done = invoke(Project(Path.cwd(), parsed.stack, environment), parsed.function, parsed.event)
    except InvokeError as error:
        print(error, file=sys.stderr)
        return 1
    print(done.stdout)
    return done.returncode or int('"errorMessage"' in done.stdout)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
