"""`make demo`: from nothing to a running lake on this machine.

Starts the AWS endpoint and both sources, deploys the template, runs the pipeline over an initial extraction and over a day of
changes, shows the balance and the marts. It begins with an empty lake each time, so that it can be repeated after an
interruption. What it does to the lake it does with `lake`, in words that anybody may repeat.
"""

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
from rich.console import Console
from rich.rule import Rule

from local import up
from local.simulators.client import Simulator
from local.stack import Stack, StackError, State
from local.toolchain.errors import ToolchainError

DAY_H = 24
# Rows of the day that come late are seen within this time.
LATER_H = 0.5
ORDERS = "erp.sales_order"
BY_RULE = """
SELECT rule, status, count(*) AS accounts, min(confidence) AS confidence FROM customer_xref GROUP BY rule, status ORDER BY rule
"""


@dataclass(frozen=True)
class BadOrder:
    """An order in quarantine: its pointer, its number, and its items of a negative quantity."""

    pointer: tuple[str, str]
    order: str
    items: list[str]


class DemoError(Exception):
    """A step went wrong; the message says which, and what to do next."""


@dataclass
class Demo:
    """One demonstration: where, and how long each step took."""

    stack: Stack
    console: Console
    seconds: dict[str, float] = field(default_factory=dict)

    def play(self) -> None:
        """All steps; DemoError, StackError or ToolchainError where one can't be done."""
        with self.step("Start an AWS endpoint, a CRM and an ERP on this machine"):
            self.begin_anew()
            up.up(self.stack, self.say)
        with self.step("Build and deploy the lake, as on AWS"):
            self.lake("deploy")
        with self.step("First run: read everything there is"):
            self.lake("run")
        with self.step("Look at what breaks its contract"):
            self.lake("quarantine", "list")
            bad = self.bad_order()
            self.lake("quarantine", "show", ORDERS, *bad.pointer)
        with self.step("A day goes by in the CRM and in the ERP, and somebody corrects that order"):
            self.pass_a_day(bad)
        with self.step("Second run: read what has changed"):
            self.lake("run")
        with self.step("See what became of the order in quarantine"):
            self.lake("quarantine", "show", ORDERS, *bad.pointer)
        with self.step("Ask the marts, through Athena"):
            self.lake("query", "mart_orders_by_month", "--limit", "8")
            self.lake("query", " ".join(BY_RULE.split()))
        self.close()

    def begin_anew(self) -> None:
        """Stops and forgets what an earlier demonstration left."""
        farewell = farewell_to(self.stack.status())
        if farewell:
            self.say(farewell)
        self.stack.down()
        self.stack.wipe()

    def bad_order(self) -> BadOrder:
        """An order that quarantine holds because somebody ordered less than nothing."""
        for row in up.answer(self.stack, "quarantine", "list", ORDERS).get("rows", []):
            pointer = (row["_load"], row["_row"])
            record = up.answer(self.stack, "quarantine", "show", ORDERS, *pointer)["record"]
            wrong = [item["SalesOrderItem"] for item in record["to_Item"] if (item["RequestedQuantity"] or 0) < 0]
            if wrong and row["sales_order"]:
                return BadOrder(pointer, row["sales_order"], wrong)
        raise DemoError(
            "Quarantine holds no order of a negative quantity, though the ERP has some: `lake quarantine list`."
        )

    def pass_a_day(self, bad: BadOrder) -> None:
        """Changes in both sources, by their control API; some rows become visible only after the day's end."""
        for source, url in (("crm", self.stack.crm_url), ("erp", self.stack.erp_url)):
            simulator = Simulator(url)
            try:
                day = simulator.day_of_changes(DAY_H)
                if source == "erp":
                    for item in bad.items:
                        simulator.change("erp.sales_order_item", (bad.order, item), {"RequestedQuantity": "1.000"})
                    self.say(f"erp: order {bad.order} asks for one piece now")
                now = simulator.advance(hours=LATER_H)
            except requests.RequestException as error:
                raise DemoError(
                    f"The {source} at {url} did not do as asked: {error}. See its log: {self.log(source)}"
                ) from error
            done = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in day["done"].items() if count)
            self.say(f"{source}: {done}; its clock says {now}")

    def lake(self, *arguments: str) -> None:
        """Runs `lake` as an operator would; DemoError where it does not end well."""
        self.console.print(f"[bold]$ lake {shlex.join(arguments)}[/]", soft_wrap=True)
        code = up.lake(self.stack, *arguments)
        if code != 0:
            again = f"`. {self.env_file}` and `lake {arguments[0]}` repeat this step, `lake doctor` looks for causes"
            raise DemoError(
                f"`lake {arguments[0]}` ended with exit code {code} (see above). {again}; the endpoint's log is"
                f" {self.log('aws')}. `make demo` begins anew."
            )

    def close(self) -> None:
        """What it took, and what to try next."""
        self.console.print(Rule("Done", align="left", style="green"))
        for title, seconds in self.seconds.items():
            self.console.print(f"  {seconds:6.0f} s  {title}")
        self.console.print(f"  {sum(self.seconds.values()):6.0f} s  in all")
        self.console.print(
            "\nThe lake goes on running. For this shell:\n"
            f"  . {self.env_file}\n\n"
            "Then try:\n"
            "  lake status                       how far each entity is, and the last balance with its report\n"
            "  lake run                          nothing new: no load, no job, a few seconds\n"
            "  lake query                        which tables there are\n"
            "  lake quarantine list erp.sales_order   what breaks its contract; `replay` once a rule is mended\n"
            '  lake query "SELECT ..."           SQL over marts, curated and raw\n'
            "  lake run --entity crm.account     one entity only\n"
            "  lake doctor                       what is not as it should be\n"
            "  make down                         stop it all; the lake is in memory and goes with it",
            soft_wrap=True,
        )

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """A step with its title and the time that it took."""
        self.console.print(Rule(f"{len(self.seconds) + 1}. {title}", align="left"))
        began = time.monotonic()
        yield
        self.seconds[title] = time.monotonic() - began

    def say(self, text: str) -> None:
        self.console.print(f"  {text}", soft_wrap=True, markup=False)

    @property
    def env_file(self) -> str:
        return up.shown(up.env_file(self.stack))

    def log(self, process: str) -> str:
        return up.shown(self.stack.directory.resolve() / f"{process}.log")


def farewell_to(state: State) -> str | None:
    """What is said of an earlier lake before the demonstration begins with an empty one."""
    if state.lake == "lost":
        return (
            "The emulator that held the lake has ended or was started again. It keeps everything in memory:"
            " that lake is gone. Starting anew."
        )
    if state.lake == "deployed":
        return (
            "A lake of an earlier demonstration is running. This one begins with an empty lake: the old one is stopped."
        )
    return "What an interrupted demonstration left is stopped." if any(state.pids.values()) else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    up.add_options(parser)
    console = Console(highlight=False)
    return played(Demo(up.stack_from(parser.parse_args()), console).play, console)


def played(play: Callable[[], None], console: Console) -> int:
    """The exit code of a demonstration; what it could not do is told, with the next step."""
    try:
        play()
    except (DemoError, StackError, ToolchainError) as error:
        console.print(f"\n[bold red]The demonstration stopped.[/] {error}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("\nInterrupted. `make demo` begins anew; `make down` stops what runs.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
