"""`python -m local.emulator --port 4566 --data .lake/stack`: the local AWS endpoint, in the foreground."""

import argparse
import json
import os
import shutil
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

from local.emulator.settings import EmulatorSettings
from local.toolchain import install as toolchain


def main() -> None:
    settings = _settings(sys.argv[1:])
    os.environ.update(settings.process_environment())
    os.environ.pop("AWS_SESSION_TOKEN", None)
    os.environ.pop("AWS_PROFILE", None)
    shutil.rmtree(settings.logs, ignore_errors=True)  # of runs whose lake is gone
    from local.emulator import additions  # noqa: PLC0415 (imports MiniStack, which reads the environment)

    pool = additions.install(settings, toolchain.ready(settings.toolchain))
    _say_who_this_is(settings)
    pool.start_ahead()
    from ministack.app import main as serve  # noqa: PLC0415

    sys.argv[1:] = []
    try:
        serve()
    finally:
        pool.close()
        settings.instance.unlink(missing_ok=True)


def _settings(arguments: list[str]) -> EmulatorSettings:
    parser = argparse.ArgumentParser(prog="python -m local.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=4566)
    parser.add_argument("--data", type=Path, default=Path(".lake/stack"), help="logs, call records, scratch")
    parser.add_argument("--toolchain", type=Path, default=Path(".lake"), help="jars, Java, DuckDB's extensions")
    parsed = parser.parse_args(arguments)
    data = parsed.data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    return EmulatorSettings(parsed.port, data, parsed.toolchain.resolve())


def _say_who_this_is(settings: EmulatorSettings) -> None:
    identity = {
        "instance": uuid.uuid4().hex,
        "pid": os.getpid(),
        "port": settings.port,
        "started_at": datetime.now(UTC).isoformat(),
    }
    settings.instance.write_text(json.dumps(identity), encoding="utf-8")


if __name__ == "__main__":
    main()
