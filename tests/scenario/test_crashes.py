"""An extractor that dies at any point leaves nothing behind that the next one does not put right.

Dying after an operation is dying before the next one: so there is one point between any two operations (HTTP, S3, DynamoDB),
one before the first and one behind the last.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from requests.adapters import HTTPAdapter

from lake.extract.errors import LeaseLost
from lake.state.entity import StateTable
from tests.support.raw_lake import BUCKET, TABLE, RawLake, Source, make_lake
from tests.support.raw_truth import assert_raw_equals_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from requests import PreparedRequest, Response

    from lake.contract.plan import Plan, SourcePlan
    from lake.extract.budget import Budget
    from lake.extract.http import Connection
    from lake.extract.world import World

PARTNERS, ORDERS = "erp.business_partner", "erp.sales_order"


class Died(BaseException):
    """The process is gone: nothing catches this, and nothing works afterwards."""


@dataclass
class Fate:
    """Counts operations, and lets the process die before number `at` (from 0)."""

    at: int | None = None
    before: list[str] = field(default_factory=list)
    on_request: Callable[[int], None] = field(default=lambda _: None)

    def operation(self, name: str) -> None:
        """An operation is about to begin."""
        if self.at is not None and len(self.before) >= self.at:
            raise Died(f"before {name}")
        self.before.append(name)


class MortalAdapter(HTTPAdapter):
    """Sends requests as long as the process lives."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def send(self, request: PreparedRequest, *args: Any, **settings: Any) -> Response:
        self._fate.operation("HTTP")
        self._fate.on_request(self._fate.before.count("HTTP"))
        return super().send(request, *args, **settings)


@dataclass
class MortalLake(RawLake):
    """A lake whose extractor dies when its fate says so."""

    fate: Fate = field(default_factory=Fate)

    def world(self, source: str) -> World:
        world = super().world(source)

        def connect(budget: Budget) -> Connection:
            connection = world.connect(budget)
            connection.session.mount("http://", MortalAdapter(self.fate))
            return connection

        return replace(world, connect=connect)


@dataclass
class Snapshot:
    """The state table and the names in raw at one moment; `restore` goes back to it."""

    lake: MortalLake
    items: list[dict[str, Any]]
    objects: set[str]

    @staticmethod
    def of(lake: MortalLake) -> Snapshot:
        return Snapshot(lake, lake.dynamodb.scan(TableName=TABLE)["Items"], set(lake.keys()))

    def restore(self) -> None:
        found = self.lake.dynamodb.scan(TableName=TABLE)["Items"]
        names = {(item["pk"]["S"], item["sk"]["S"]) for item in self.items}
        new = [item for item in found if (item["pk"]["S"], item["sk"]["S"]) not in names]
        gone = [{"DeleteRequest": {"Key": {name: item[name] for name in ("pk", "sk")}}} for item in new]
        requests = gone + [{"PutRequest": {"Item": item}} for item in self.items]
        if requests:
            self.lake.dynamodb.batch_write_item(RequestItems={TABLE: requests})
        objects = [{"Key": key} for key in set(self.lake.keys()) - self.objects]
        if objects:
            self.lake.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})


@pytest.fixture
def mortal_lake(raw_lake: RawLake) -> Iterator[MortalLake]:
    lake = MortalLake(raw_lake.plans, raw_lake.sources, raw_lake.urls, raw_lake.s3, raw_lake.dynamodb)

    def operation(event_name: str, **_: Any) -> None:
        lake.fate.operation(event_name.removeprefix("before-call."))

    for client in (lake.s3, lake.dynamodb):
        client.meta.events.register("before-call", operation)
    yield lake
    for client in (lake.s3, lake.dynamodb):
        client.meta.events.unregister("before-call", operation)


def die_everywhere(
    lake: MortalLake, source: Source, entity: str, run: Callable[[], Any]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Lets `run` die at each point from the lake's present state on, repeats it, and checks what is then there.

    Gives the operations of an undisturbed run, and the manifests that it wrote.
    """
    start = Snapshot.of(lake)
    earlier = len(lake.manifests(entity))
    lake.fate = Fate()
    run()
    operations = lake.fate.before
    lake.fate = Fate()
    undisturbed = StateTable(lake.dynamodb, TABLE).read(entity)
    assert_raw_equals_source(lake, source, entity)
    written = lake.manifests(entity)[earlier:]
    for point in range(len(operations)):
        start.restore()
        lake.fate = Fate(at=point)
        with pytest.raises(Died):
            run()
        lake.fate = Fate()
        run()
        state = StateTable(lake.dynamodb, TABLE).read(entity)
        numbers = [manifest["load"] for manifest in lake.manifests(entity)]
        assert (state.watermark, state.checkpoint) == (undisturbed.watermark, None), operations[point]
        assert numbers == list(range(1, len(numbers) + 1)), operations[point]
        assert_raw_equals_source(lake, source, entity)
    print(f"{entity}: died at {len(operations)} points, of {', '.join(sorted(set(operations)))}")
    return operations, written


@dataclass(frozen=True)
class Reading:
    """A reading that is to survive: what happens before it begins, by which plan, in which portions."""

    entity: str
    before: Callable[[MortalLake, Source], None]
    settings: dict[str, Any]
    expected: set[str]
    """Reasons of loads that it brings."""


def _nothing(_: MortalLake, __: Source) -> None:
    pass


def _changes(lake: MortalLake, erp: Source) -> None:
    lake.run(PARTNERS)
    erp.control.advance(hours=1)
    erp.control.touch(PARTNERS, rows=30)
    erp.control.advance(hours=0.1)


def _deletions(lake: MortalLake, erp: Source) -> None:
    lake.run(ORDERS)
    erp.control.delete(ORDERS, *[str(row["SalesOrder"]) for row in erp.rows("A_SalesOrder")[20:24]])
    erp.control.touch(ORDERS, rows=40)
    erp.control.advance(hours=25)


READINGS = {
    "first window": Reading(PARTNERS, _nothing, {"requests_allowed": 3, "page_size": 150}, {"window"}),
    "changes": Reading(PARTNERS, _changes, {"requests_allowed": 5, "page_size": 20}, {"window"}),
    "sweep": Reading(ORDERS, _deletions, {"requests_allowed": 2, "page_size": 400}, {"window", "sweep"}),
}
"""Of each reading there is, `tests/convergence/test_crash_points.py` does the same against a table and a bucket in memory."""


@pytest.mark.parametrize("name", READINGS)
def test_a_reading_survives_a_death_at_any_point(mortal_lake: MortalLake, erp: Source, name: str) -> None:
    reading = READINGS[name]
    reading.before(mortal_lake, erp)
    operations, written = die_everywhere(
        mortal_lake, erp, reading.entity, lambda: mortal_lake.run(reading.entity, **reading.settings)
    )
    assert {load["reason"] for load in written} >= reading.expected
    assert {"HTTP", "s3.PutObject", "dynamodb.UpdateItem"} <= set(operations)


def test_what_a_dead_extractor_landed_is_outdone_by_a_row_that_went_back(mortal_lake: MortalLake, erp: Source) -> None:
    """A load whose state was never written holds B; meanwhile the row is A again, as the fingerprints know it."""
    key = str(erp.rows("A_SalesOrder")[3]["SalesOrder"])

    def say(text: str) -> None:
        erp.control.change(ORDERS, key, {"ExternalDocumentID": text}, stamp=None)
        erp.control.advance(hours=0.1)

    def newest() -> Any:
        return mortal_lake.newest(ORDERS)[(key,)]["ExternalDocumentID"]

    say("A")
    mortal_lake.run(ORDERS)
    say("B")
    before = Snapshot.of(mortal_lake)
    mortal_lake.fate = Fate()
    mortal_lake.run(ORDERS)
    acquire, finish, *_ = [n for n, name in enumerate(mortal_lake.fate.before) if name == "dynamodb.UpdateItem"]
    assert acquire < finish
    mortal_lake.fate = Fate()
    before.restore()
    mortal_lake.fate = Fate(at=finish)
    with pytest.raises(Died):
        mortal_lake.run(ORDERS)
    mortal_lake.fate = Fate()
    assert newest() == "B"
    say("A")
    mortal_lake.run(ORDERS)
    assert newest() == "A"


def test_a_stalled_extractor_that_wakes_after_a_takeover_does_no_harm(mortal_lake: MortalLake, erp: Source) -> None:
    """It holds old rows, sleeps while another run takes over and finishes, then commits what it holds."""
    stalled, wake, outcome = threading.Event(), threading.Event(), list[BaseException]()

    def stall(requests_made: int) -> None:
        if requests_made == 3:
            stalled.set()
            assert wake.wait(60)

    zombie = replace(mortal_lake, fate=Fate(on_request=stall), run_id="zombie")

    def work() -> None:
        try:
            zombie.run(PARTNERS, page_size=100)
        except LeaseLost as lost:
            outcome.append(lost)

    thread = threading.Thread(target=work)
    thread.start()
    assert stalled.wait(60)
    erp.control.touch(PARTNERS, rows=5)
    erp.control.advance(hours=0.1)
    mortal_lake.hold_pipeline(mortal_lake.run_id)
    mortal_lake.run(PARTNERS)
    watermark = StateTable(mortal_lake.dynamodb, TABLE).read(PARTNERS).watermark
    wake.set()
    thread.join(60)
    assert [type(error) for error in outcome] == [LeaseLost]
    assert StateTable(mortal_lake.dynamodb, TABLE).read(PARTNERS).watermark == watermark
    assert_raw_equals_source(mortal_lake, erp, PARTNERS)
    erp.control.advance(hours=0.1)
    mortal_lake.run(PARTNERS)
    assert [manifest["load"] for manifest in mortal_lake.manifests(PARTNERS)] == [1, 2, 3]
    assert_raw_equals_source(mortal_lake, erp, PARTNERS)


KILLED_BEFORE = """
import os, pickle, signal, sys
import boto3
from tests.support.raw_lake import RawLake

plans, sources, urls = pickle.loads(bytes.fromhex(sys.argv[1]))
operation, prefix, number = sys.argv[2], sys.argv[3], int(sys.argv[4])
s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
seen = []

def kill(params, **_):
    if not prefix or params["Key"].startswith(prefix):
        seen.append(params)
    if len(seen) == number:
        os.kill(os.getpid(), signal.SIGKILL)

for client in (s3, dynamodb):
    client.meta.events.register(f"before-parameter-build.{operation}", kill)
RawLake(plans, sources, urls, s3, dynamodb).run("erp.business_partner", page_size=50, requests_allowed=3)
"""
SAMPLE = {
    "before its part": ("s3.PutObject", "data/", 1, 0),
    "between part and manifest": ("s3.PutObject", "manifests/", 1, 0),
    "between manifest and state": ("dynamodb.UpdateItem", "", 2, 1),
    "before its second manifest": ("s3.PutObject", "manifests/", 2, 1),
}
"""Before which operation a process is killed, and how many loads it has committed by then."""


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An AWS endpoint that processes share."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    settings = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
    program = Path(sys.executable).with_name("ministack")
    with (tmp_path / "endpoint.log").open("w") as log:
        process = subprocess.Popen([program], env=os.environ | settings, cwd=tmp_path, stdout=log, stderr=log)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("moment", list(SAMPLE))
def test_a_killed_process_is_outlived_by_its_entity(
    compiled: tuple[dict[str, Plan], dict[str, SourcePlan]], erp: Source, endpoint: None, moment: str
) -> None:
    """SIGKILL of a process of its own that talks to AWS over HTTP."""
    operation, prefix, number, committed = SAMPLE[moment]
    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
    make_lake(s3, dynamodb)
    lake = RawLake(*compiled, {"erp": erp.url}, s3, dynamodb)
    handed = pickle.dumps((lake.plans, lake.sources, lake.urls)).hex()
    asked = [sys.executable, "-c", KILLED_BEFORE, handed, operation, prefix, str(number)]
    assert subprocess.run(asked, timeout=60, check=False).returncode == -signal.SIGKILL
    assert len(lake.manifests(PARTNERS)) == committed
    lake.run(PARTNERS)
    numbers = [manifest["load"] for manifest in lake.manifests(PARTNERS)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert lake.state(PARTNERS).checkpoint is None
    assert_raw_equals_source(lake, erp, PARTNERS)
