"""What `sam build` packs from src/lake: the Lambda layer, and the assets that Glue jobs run from.

`python layers/assemble.py layer --out DIR` and `python layers/assemble.py assets --out DIR`, in the project's root. Both hold
the plans, compiled from contracts/ on the way, and the marts' SQL. Equal sources give equal bytes: AWS sees a change by
content alone.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path

from lake.contract.build import compile_folder
from lake.contract.errors import ContractError

ROOT = Path(__file__).resolve().parent.parent
# What runs knows of contracts the plans, and the templates of requests; the rest compiles them.
CONTRACT_AT_RUN = ("contract/__init__.py", "contract/packaged.py", "contract/plan.py", "contract/templates.py")
# Lambda neither curates nor builds marts: of analytics it knows what the marts are made from, and no Spark.
LAYER_WITHOUT = ("cli/", "curate/")
LAYER_ANALYTICS = ("analytics/__init__.py", "analytics/inputs.py", "analytics/sql/")
LIBRARY_WITHOUT = ("cli/",)
JOBS = ("curate.py", "build_analytics.py")
# The earliest instant that a zip file can name: no file's time may change the archive.
EPOCH = (1980, 1, 1, 0, 0, 0)


def package() -> dict[str, bytes]:
    """Path within the package `lake` → content: the sources, the compiled plans, the marts' SQL."""
    source = ROOT / "src" / "lake"
    found = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for path in source.rglob("*")
        if path.is_file()
        and path.suffix in {".py", ".typed", ".json"}
        and path.parts[-2] not in {"plans", "__pycache__"}
    }
    found |= {f"plans/{name}": text.encode() for name, text in compile_folder(ROOT / "contracts").items()}
    found |= {f"analytics/sql/{path.name}": path.read_bytes() for path in (ROOT / "glue" / "analytics").glob("*.sql")}
    return dict(sorted(found.items()))


def layer_files(files: dict[str, bytes]) -> dict[str, bytes]:
    """What of the package the functions run."""
    return {
        path: content
        for path, content in files.items()
        if _runs(path, LAYER_WITHOUT) and (not path.startswith("analytics/") or path.startswith(LAYER_ANALYTICS))
    }


def _runs(path: str, without: tuple[str, ...]) -> bool:
    return not path.startswith(without) and (not path.startswith("contract/") or path in CONTRACT_AT_RUN)


def write_layer(out: Path) -> None:
    """The folder that becomes the layer `lake`: python/lake/..."""
    for path, content in layer_files(package()).items():
        target = out / "python" / "lake" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def write_assets(out: Path) -> None:
    """What `publish_assets` copies to the assets' bucket: the jobs' scripts, and lake.zip for their --extra-py-files."""
    out.mkdir(parents=True, exist_ok=True)
    for job in JOBS:
        (out / job).write_bytes((ROOT / "glue" / job).read_bytes())
    with zipfile.ZipFile(out / "lake.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in package().items():
            if _runs(path, LIBRARY_WITHOUT):
                archive.writestr(zipfile.ZipInfo(f"lake/{path}", EPOCH), content, zipfile.ZIP_DEFLATED)


def main() -> int:
    """Exit code 0, or 1 with each contract's mistakes on a line of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["layer", "assets"])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        {"layer": write_layer, "assets": write_assets}[arguments.what](arguments.out)
    except ContractError as error:
        print("The contracts have mistakes; nothing was built:", *error.mistakes, sep="\n  ", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
