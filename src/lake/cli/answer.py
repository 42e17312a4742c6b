"""What a command hands back, and how it reaches the terminal or a script: JSON alone on stdout, the rest on stderr."""

import functools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console, RenderableType
from rich.table import Table

from lake.cli.errors import OperatorError, explained
from lake.instants import to_text

GOOD, FAILED, DEGRADED = 0, 1, 3
FILE_WIDTH = 150

EXIT_CODES = {"GOOD": GOOD, "QUEUED": GOOD, "DEGRADED": DEGRADED, "FAILED": FAILED}


@dataclass(frozen=True, slots=True)
class Answer:
    """A command's result: as a JSON object, as pictures for people, as exit code. `paged`: may be longer than a screen."""

    document: dict[str, Any]
    pictures: list[RenderableType] = field(default_factory=list)
    code: int = GOOD
    paged: bool = False


def out() -> Console:
    """Where results go; a file has room for tables."""
    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else FILE_WIDTH)


def err() -> Console:
    """Where progress and errors go."""
    return Console(stderr=True, highlight=False, emoji=False)


def answering[**P](command: Callable[P, Answer]) -> Callable[P, None]:
    """Makes a command of a function with a parameter `as_json`: shows its answer, ends with its exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        as_json = bool(kwargs.get("as_json"))
        try:
            answer = command(*args, **kwargs)
        except OperatorError as error:
            answer = refusal(error, as_json=as_json)
        except (BotoCoreError, ClientError) as error:
            answer = refusal(explained(error), as_json=as_json)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        show(answer, as_json=as_json)
        raise typer.Exit(answer.code)

    return run


def refusal(error: OperatorError, *, as_json: bool) -> Answer:
    """An error, told on stderr; scripts get it as JSON, too."""
    console = err()
    console.print(f"[bold red]{_plain(error.what)}[/]", soft_wrap=True)
    console.print(_plain(error.next_step), soft_wrap=True)
    return Answer({"error": error.what, "next_step": error.next_step} if as_json else {}, code=FAILED)


def show(answer: Answer, *, as_json: bool) -> None:
    """Writes an answer to stdout."""
    if as_json:
        sys.stdout.write(json.dumps(answer.document, indent=2, ensure_ascii=False, default=_json) + "\n")
        return
    console = out()
    if answer.paged and console.is_terminal:
        with console.pager(styles=True):
            _print(console, answer)
    else:
        _print(console, answer)


def _print(console: Console, answer: Answer) -> None:
    for picture in answer.pictures:
        # A table fits itself to the screen; a line keeps its length, for addresses are copied.
        console.print(picture, soft_wrap=not isinstance(picture, Table))


def _json(value: object) -> str:
    return to_text(value) if isinstance(value, datetime) else str(value)


def _plain(text: str) -> str:
    """A text whose brackets are no markup."""
    return text.replace("[", "\\[")
