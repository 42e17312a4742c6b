"""`python -m local.toolchain [--home .lake]`: fetch and prepare what the local stack needs.

Repeat it after an interruption: it goes on where it was.
"""

import argparse
import sys
from pathlib import Path

from local.toolchain.errors import ToolchainError
from local.toolchain.install import install


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.toolchain", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".lake"))
    home = parser.parse_args().home.resolve()
    try:
        toolchain = install(home, lambda line: print(line, flush=True))
    except ToolchainError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"ready: Java at {toolchain.java_home}, {len(toolchain.jars)} jars below {home}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
