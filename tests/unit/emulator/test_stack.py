"""The stack as a whole: who holds a port, and what became of a lake whose emulator is gone."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import ports, processes
from local.stack import PortInUse, Ports, Stack


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this very process listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


@pytest.fixture
def stack(tmp_path: Path, taken: int) -> Stack:
    """A stack whose emulator's port is the taken one; nothing of it was started."""
    (tmp_path / "aws").mkdir()
    return Stack(Ports(aws=taken, crm=1, erp=2), tmp_path)


def test_who_listens_on_a_port_is_named(taken: int) -> None:
    assert ports.in_use(taken)
    assert f"process {os.getpid()}" in ports.owner(taken)


def test_a_port_of_which_nothing_is_known_is_another_programs() -> None:
    assert not ports.in_use(1)
    assert ports.owner(1) == "another program"


def test_a_taken_port_stops_the_start_and_names_port_program_and_remedy(stack: Stack, taken: int) -> None:
    with pytest.raises(PortInUse, match=rf"port {taken}.*process {os.getpid()}.*--port-base"):
        stack.up(lambda _line: None)


def test_the_environment_hides_the_shells_own_session(stack: Stack, taken: int) -> None:
    environment = stack.env()

    assert environment["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{taken}"
    assert environment["AWS_SESSION_TOKEN"] == ""


def test_a_lake_is_lost_with_the_emulator_that_held_it(stack: Stack, tmp_path: Path) -> None:
    found = [stack.status().lake]
    _emulator_runs(tmp_path, "first")
    stack.mark_deployed()
    found.append(stack.status().lake)
    _emulator_runs(tmp_path, "second")
    found.append(stack.status().lake)
    (tmp_path / "aws.pid").unlink()
    found.append(stack.status().lake)

    assert found == ["none", "deployed", "lost", "lost"]


@pytest.mark.parametrize(("own", "ended"), [(True, True), (False, False)])
def test_down_ends_what_the_folder_started_on_other_ports_and_no_one_elses_process(
    tmp_path: Path, own: bool, ended: bool
) -> None:
    """A pid file may outlive its process, and its number be another program's by now."""
    (tmp_path / "aws").mkdir()
    argument = [f"--data={tmp_path / 'aws'}"] if own else []
    child = subprocess.Popen(
        [sys.executable, "-c", "input()", *argument], stdin=subprocess.PIPE, start_new_session=True
    )
    (tmp_path / "aws.pid").write_text(str(child.pid), "utf-8")
    try:
        Stack(Ports(aws=1, crm=2, erp=3), tmp_path).down()
        assert (not processes.runs(child.pid)) == ended
    finally:
        child.kill()
        child.communicate()


def test_what_the_processes_kept_for_a_while_goes_with_them_and_the_sources_data_stay(
    stack: Stack, tmp_path: Path
) -> None:
    for folder in ("scratch", "sources"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text("", encoding="utf-8")
    stack.down()
    assert not (tmp_path / "scratch").exists()
    assert (tmp_path / "sources" / "file").exists()


def test_a_wiped_stack_knows_of_no_lake(stack: Stack, tmp_path: Path) -> None:
    _emulator_runs(tmp_path, "first")
    stack.mark_deployed()

    stack.wipe()

    assert stack.status().lake == "none"


def _emulator_runs(directory: Path, instance: str) -> None:
    """What a running emulator leaves in the stack's folder; this process stands for it."""
    (directory / "aws.pid").write_text(str(os.getpid()), encoding="utf-8")
    (directory / "aws" / "instance.json").write_text(json.dumps({"instance": instance}), encoding="utf-8")
