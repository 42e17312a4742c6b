"""Extraction against real simulators over HTTP, with S3 and DynamoDB by moto."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from lake.contract.build import compile_folder
from lake.contract.plan import Plan, SourcePlan
from local.simulators.client import Simulator
from tests.support.raw_lake import PORTS, RawLake, Source, make_lake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Plan], dict[str, SourcePlan]]:
    """The project's contracts and the examples as plans."""
    from pathlib import Path  # noqa: PLC0415

    root = Path(__file__).parents[2]
    built = compile_folder(root / "contracts") | compile_folder(root / "docs" / "examples")
    plans = [Plan.load(text) for name, text in built.items() if not name.startswith("source.")]
    sources = [SourcePlan.load(text) for name, text in built.items() if name.startswith("source.")]
    return {plan.entity: plan for plan in plans}, {plan.source: plan for plan in sources}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    """An S3 bucket and the state table."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        make_lake(s3, dynamodb)
        yield s3, dynamodb


@pytest.fixture(scope="module")
def start_source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Source]]:
    """Starts simulators; they live as long as the module's tests."""
    started: dict[str, Source] = {}
    with ExitStack() as stack:

        def start(name: str, size: str = "S") -> Source:
            if name not in started:
                folder = tmp_path_factory.mktemp(name)
                port = PORTS[name]
                process = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "local.simulators",
                        name,
                        "--port",
                        str(port),
                        "--data",
                        str(folder),
                        "--size",
                        size,
                    ]
                )
                stack.callback(process.wait)
                stack.callback(process.terminate)
                control = Simulator(f"http://127.0.0.1:{port}")
                control.wait(60)
                started[name] = Source(name, control.base_url, folder / f"{name}.sqlite", control)
            return started[name]

        yield start


@pytest.fixture
def crm(start_source: Callable[..., Source]) -> Iterator[Source]:
    """The CRM, free of faults."""
    source = start_source("crm")
    source.control.fault("none")
    yield source
    source.control.fault("none")


@pytest.fixture
def erp(start_source: Callable[..., Source]) -> Iterator[Source]:
    """The ERP, free of faults."""
    source = start_source("erp")
    source.control.fault("none")
    yield source
    source.control.fault("none")


@pytest.fixture
def raw_lake(compiled: tuple[dict[str, Plan], dict[str, SourcePlan]], aws: tuple[Any, Any]) -> RawLake:
    """An empty lake."""
    plans, sources = compiled
    urls = {name: f"http://127.0.0.1:{port}" for name, port in PORTS.items()}
    return RawLake(dict(plans), dict(sources), urls, *aws)
