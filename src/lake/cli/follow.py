"""Following a run on the terminal: a line for each step, with its time, while it happens."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from lake.cli.executions import Ending, History, Step, ending, new_events
from lake.cli.pictures import duration
from lake.instants import now

POLL_S = 1.0
MARKS = {"done": Text("✓", style="green"), "failed": Text("✗", style="red")}


def follow(sfn: Any, execution: str, console: Console, sleep: Callable[[float], None] = time.sleep) -> Ending:
    """Shows the execution's steps until it ends: live on a terminal, else a line for each step that is over."""
    history, told = History(), set[str]()
    with Live(console=console, refresh_per_second=4, transient=not console.is_terminal) as live:
        while True:
            state = ending(sfn.describe_execution(executionArn=execution))
            for event in new_events(sfn, execution, history.seen):
                history.take(event)
            if console.is_terminal:
                live.update(picture(history))
            else:
                _tell(history, told, console, over=state.status != "RUNNING")
            if state.status != "RUNNING":
                return state
            sleep(POLL_S)


def picture(history: History) -> RenderableType:
    """The steps so far, the running ones with a spinner."""
    table = Table.grid(padding=(0, 1))
    for step in history.steps.values():
        mark: RenderableType = MARKS.get(step.phase) or Spinner("dots", style="cyan")
        table.add_row(mark, step.title, Text(_took(step), style="dim"), Text(step.detail, style="dim"))
    return Group(table)


def _tell(history: History, told: set[str], console: Console, *, over: bool) -> None:
    for step in history.steps.values():
        line = " ".join(part for part in (step.title, _took(step), step.detail) if part)
        # A step may begin again (a loop, a crawler's polls): it is told of when its turn is certainly over.
        if (
            step.phase != "running"
            and line not in told
            and (over or now() - (step.ended or now()) > timedelta(seconds=2))
        ):
            told.add(line)
            console.print(MARKS[step.phase], line, soft_wrap=True)


def _took(step: Step) -> str:
    return duration((step.ended or now()) - step.started)
