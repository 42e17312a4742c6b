"""`python -m local.simulators crm --port 8801 --data DIR`: one source as a process of its own.

`python -m local.simulators faults` lists what can go wrong with it.
"""

import argparse
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from local.simulators.control import Control
from local.simulators.crm import Crm
from local.simulators.erp import Erp
from local.simulators.faults import Faults, described
from local.simulators.generate import open_store
from local.simulators.hubspot import HubSpot
from local.simulators.instants import clock_text, default_now, parse_instant
from local.simulators.server import Application, make_server
from local.simulators.service import Service
from local.simulators.store import Store
from local.simulators.world import SIZES

_PORTS = {"crm": 8801, "erp": 8802, "hubspot": 8803, "service": 8804}
_TOKENS = {"hubspot": "pat-eu1-lake-reader", "service": "service-key"}


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; 1, with the reason, where that cannot be."""
    if sys.argv[1:] == ["faults"]:
        print(described())
        return 0
    options = _arguments().parse_args()
    today = datetime.now(UTC)
    now = parse_instant(options.now) if options.now else default_now(today.date())
    if now > today:
        return _refused(options, f"--now {clock_text(now)} is later than real time: give an instant in the past")
    store = open_store(options.source, options.data, options.seed, options.size, now)
    made_of = store.meta("seed"), store.meta("size")
    if made_of != (str(options.seed), options.size):
        there = f"{store.path} holds a world of seed {made_of[0]} and size {made_of[1]}"
        return _refused(options, f"{there}: ask for these, or remove it")
    faults = Faults()
    port = _PORTS[options.source] if options.port is None else options.port
    try:
        server = make_server(port, store, _application(options, store), Control(store, faults), faults)
    except OSError as problem:
        return _refused(options, f"port {port} cannot be taken ({problem.strerror}): give another --port")
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the serving loop, which this very thread runs: another one has to ask for it.
        signal.signal(number, lambda *_: Thread(target=server.shutdown).start())
    print(f"{options.source} ready at http://127.0.0.1:{server.server_port}, clock {clock_text(store.now)}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    store.close()
    return 0


def _refused(options: argparse.Namespace, reason: str) -> int:
    print(f"{options.source}: {reason}", file=sys.stderr)
    return 1


def _application(options: argparse.Namespace, store: Store) -> Application:
    match options.source:
        case "crm":
            return Crm(store, options.client_id, options.client_secret)
        case "erp":
            return Erp(store, options.user, options.password)
        case "hubspot":
            return HubSpot(store, options.token or _TOKENS["hubspot"])
        case _:
            return Service(store, options.token or _TOKENS["service"])


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.simulators", description=__doc__)
    parser.add_argument("source", choices=sorted(_PORTS))
    parser.add_argument(
        "--port",
        type=int,
        help="0: any free one; default: " + ", ".join(f"{name} {port}" for name, port in _PORTS.items()),
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of <source>.sqlite")
    parser.add_argument("--size", choices=sorted(SIZES), default="S")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--now", help="simulated time of a new database, ISO 8601; default: 06:00 UTC a week ago")
    parser.add_argument("--client-id", default="lake-reader", help="crm: default %(default)s")
    parser.add_argument("--client-secret", default="crm-secret", help="crm: default %(default)s")
    parser.add_argument("--user", default="LAKE", help="erp: default %(default)s")
    parser.add_argument("--password", default="erp-secret", help="erp: default %(default)s")
    parser.add_argument("--token", help=", ".join(f"{name}: default {token}" for name, token in _TOKENS.items()))
    return parser


if __name__ == "__main__":
    sys.exit(main())
