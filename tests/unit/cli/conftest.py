"""An AWS endpoint with nothing in it for the command's tests, and an environment that is nobody else's."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.support.cli_lake import REGION, Lake, outputs, resources
from tests.support.endpoints import free_port, wait_until_healthy


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, no region, no profile, a folder without a project."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "LAKE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def credentials(own_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulator as its makers ship it: no Spark, no judgement of roles."""
    port = free_port()
    folder = tmp_path_factory.mktemp("endpoint")
    variables = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(
            [str(Path(sys.executable).parent / "ministack")],
            cwd=folder,
            env={**os.environ, **variables},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", child, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        child.terminate()
        child.wait(timeout=20)


@pytest.fixture
def aws(endpoint: str, credentials: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment speaks to the endpoint."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    return endpoint


@pytest.fixture
def a_lake(aws: str, request: pytest.FixtureRequest) -> Lake:
    """A deployed lake of its own for each test."""
    name = f"lake{abs(hash(request.node.name)) % 10**8}"
    template = {
        "Parameters": {
            "LakeName": {"Type": "String", "Default": name},
            **{f"{source}SecretArn": {"Type": "String", "Default": f"{name}/{source}"} for source in ("Crm", "Erp")},
            "CrmUrl": {"Type": "String", "Default": aws},
            "ErpUrl": {"Type": "String", "Default": f"http://127.0.0.1:{free_port()}"},
        },
        "Resources": resources(name),
        "Outputs": {key: {"Value": value} for key, value in outputs(name).items()},
    }
    boto3.client("cloudformation").create_stack(
        StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )
    boto3.client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    return Lake(name)
