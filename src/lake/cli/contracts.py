"""`lake contract check`, `diff` and `release`: contracts at hand, in other folders, and in other revisions."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from rich.text import Text

from lake.cli.answer import FAILED, GOOD, Answer
from lake.cli.errors import OperatorError
from lake.contract.build import compile_folder, compile_source_folder
from lake.contract.diff import Change, compare, refused
from lake.contract.errors import ContractError, Mistake
from lake.contract.plan import Plan
from lake.contract.released import FILE, read_released, written


def check(folder: Path) -> Answer:
    """Whether all contracts of a folder (of sources, or of one source) compile; each mistake on a line of its own."""
    root = folder.parent if (folder / "source.yaml").is_file() else folder
    try:
        plans = _plans(compile_source_folder(folder) if root != folder else {})
        plans = plans | _plans(compile_folder(root))
    except ContractError as error:
        own = [item for item in error.mistakes if root == folder or item.file.startswith(f"{folder.name}/")]
        if own:
            return _mistaken(root, own)
    kept = {name: plan for name, plan in plans.items() if root == folder or plan.source == folder.name}
    document = {"entities": {name: plan.version for name, plan in sorted(kept.items())}, "mistakes": []}
    return Answer(document, [Text(f"✓ {len(kept)} contracts are right.", "green")])


def _mistaken(root: Path, mistakes: list[Mistake]) -> Answer:
    lines = [Text(f"{root}/{mistake}") for mistake in mistakes]
    return Answer({"mistakes": [asdict(mistake) for mistake in mistakes]}, [*lines], FAILED)


def diff(before: str, after: str) -> Answer:
    """What changed between two sets of contracts; FAILED where a change breaks readers without a new major version."""
    old, new = contracts_at(before), contracts_at(after)
    if PurePosixPath(before.rpartition(":")[2]).name.endswith(".yaml"):
        new = {name: plan for name, plan in new.items() if name in old} or new
    changes, stopped = compare(old, new), refused(old, new)
    told = [*changes, *(change for change in stopped if change not in changes)]
    document = {"changes": [asdict(change) for change in told], "refused": [asdict(change) for change in stopped]}
    if not told:
        return Answer(document, [Text("Nothing changed.")])
    return Answer(document, [*(_picture(change, stopped) for change in told)], FAILED if stopped else GOOD)


def _picture(change: Change, stopped: list[Change]) -> Text:
    word, color = ("compatible", "green") if not change.breaking else ("breaking, in a new major version", "yellow")
    if change in stopped:
        word, color = "BREAKING", "red"
    return Text.assemble((word, color), f"  {change}")


def release(folder: Path) -> Answer:
    """Makes the contracts of a folder those that the next ones are judged by; refuses what breaks readers of the last."""
    plans, file = contracts_at(str(folder)), folder / FILE
    if stopped := refused(read_released(file), plans):
        lines = "\n".join(str(change) for change in stopped)
        raise OperatorError(
            f"Breaking without a new major version:\n{lines}", "See docs/contracts.md, Changing a contract."
        )
    file.write_text(written(plans), "utf-8")
    return Answer({"file": str(file), "entities": sorted(plans)}, [Text(f"{file} holds {len(plans)} contracts.")])


def contracts_at(where: str) -> dict[str, Plan]:
    """The plans of a folder of sources, a source's folder, a contract's file, a released.json, or REVISION:path of these."""
    path = Path(where)
    try:
        if path.exists():
            return _read(path)
        revision, colon, inside = where.partition(":")
        if not colon:
            raise OperatorError(
                f"{where} is neither there nor REVISION:path.", "Name a folder, a file, or HEAD:contracts."
            )
        return _read_revision(revision, inside)
    except ContractError as error:
        raise OperatorError(
            f"The contracts of {where} have mistakes:\n{error}", "`lake contract check` shows them."
        ) from None


def _read(path: Path) -> dict[str, Plan]:
    if path.suffix == ".json":
        return read_released(path)
    if path.is_file():
        source = _plans(compile_source_folder(path.parent))
        return {name: plan for name, plan in source.items() if f"{plan.name}.odcs.yaml" == path.name}
    if (path / "source.yaml").is_file():
        return _plans(compile_source_folder(path))
    return _plans(compile_folder(path))


def _read_revision(revision: str, inside: str) -> dict[str, Plan]:
    """The contracts as git keeps them; a file comes with its folder, for a source's file belongs to each contract."""
    path = PurePosixPath(inside)
    folder = path.parent if path.suffix else path
    command = ["git", "archive", "--format=tar", revision, str(folder)]
    asked = subprocess.run(command, capture_output=True, check=False)
    if asked.returncode:
        raise OperatorError(
            f"git does not give {folder} of {revision}: {asked.stderr.decode(errors='replace').strip()}",
            "Name a revision and a path below the current folder: HEAD:contracts.",
        )
    with tempfile.TemporaryDirectory() as scratch, tarfile.open(fileobj=io.BytesIO(asked.stdout)) as archive:
        archive.extractall(scratch, filter="data")
        return _read(Path(scratch) / path)


def _plans(built: dict[str, str]) -> dict[str, Plan]:
    loaded = [Plan.load(text) for name, text in built.items() if not name.startswith("source.")]
    return {plan.entity: plan for plan in loaded}
