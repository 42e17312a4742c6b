"""What the demonstration says of an earlier lake, and how it ends when a step can't be done."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from local import up
from local.demo import Demo, DemoError, farewell_to, played
from local.stack import Ports, Stack, State

RUNNING: dict[str, int | None] = {"aws": 1, "crm": 2, "erp": 3}
STOPPED: dict[str, int | None] = {"aws": None, "crm": None, "erp": None}


def test_a_lake_that_died_with_its_emulator_is_said_to_be_gone() -> None:
    said = farewell_to(State(RUNNING, "lost"))

    assert said is not None
    assert "lake is gone" in said
    assert "anew" in said


def test_a_lake_that_is_there_is_said_to_be_replaced() -> None:
    said = farewell_to(State(RUNNING, "deployed"))

    assert said is not None
    assert "old one is stopped" in said


def test_a_stack_without_a_lake_is_an_interrupted_demonstration() -> None:
    assert "interrupted" in (farewell_to(State(RUNNING, "none")) or "")
    assert farewell_to(State(STOPPED, "none")) is None


def test_a_killed_emulator_is_noticed(tmp_path: Path) -> None:
    stack = Stack(directory=tmp_path)
    (tmp_path / "aws").mkdir()
    (tmp_path / "aws" / "instance.json").write_text(json.dumps({"instance": "before"}), encoding="utf-8")
    (tmp_path / "deployed.json").write_text(json.dumps({"instance": "before"}), encoding="utf-8")

    assert "lake is gone" in (farewell_to(stack.status()) or "")


@pytest.mark.parametrize(("error", "code"), [(DemoError("the cause. The next step."), 1), (KeyboardInterrupt(), 130)])
def test_a_step_that_fails_ends_with_its_cause_and_next_step(error: BaseException, code: int) -> None:
    console = Console(width=200, record=True, quiet=False)

    def play() -> None:
        raise error

    assert played(play, console) == code
    assert ("the cause. The next step." if code == 1 else "`make demo` begins anew") in console.export_text()


def test_a_command_that_ends_badly_names_the_way_on(tmp_path: Path) -> None:
    console = Console(width=300, record=True)
    demo = Demo(Stack(Ports(9, 9, 9), tmp_path), console)

    with pytest.raises(
        DemoError, match=r"`lake status` ended with exit code 1 .*`lake doctor`.*`make demo` begins anew"
    ):
        demo.lake("status")

    assert "$ lake status" in console.export_text()


def test_a_lake_that_holds_no_bad_order_back_is_told(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="Quarantine holds no order of a negative quantity"):
        Demo(Stack(Ports(9, 9, 9), tmp_path), Console(quiet=True)).bad_order()


def test_the_shells_environment_speaks_to_the_stack_and_to_nothing_else(tmp_path: Path) -> None:
    text = up.shell_environment(Stack(Ports(14_566, 1, 2), tmp_path / "a folder"))

    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:14566\n" in text
    assert f"export LAKE_PARAMETERS='{tmp_path / 'a folder' / 'parameters.json'}'\n" in text
    assert "unset AWS_PROFILE" in text
    assert ".venv/bin" in text
