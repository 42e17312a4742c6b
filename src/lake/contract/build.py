"""The build step: `python -m lake.contract.build --contracts contracts --out DIR` turns contracts into plans."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lake.contract.compile import compile_contract, compile_source
from lake.contract.errors import ContractError, Mistake
from lake.contract.odcs import read_contract, read_yaml


def compile_folder(contracts: Path) -> dict[str, str]:
    """File name → JSON text of each plan in a folder of sources; raises ContractError with all files' mistakes."""
    folders = sorted(path.parent for path in contracts.glob("*/source.yaml"))
    if not folders:
        raise ContractError([Mistake(str(contracts), "(folder)", "holds no <source>/source.yaml")])
    built: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for folder in folders:
        try:
            built |= compile_source_folder(folder)
        except ContractError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ContractError(mistakes)
    return built


def compile_source_folder(folder: Path) -> dict[str, str]:
    """The plans of one source's folder."""
    spec, source_plan = compile_source(f"{folder.name}/source.yaml", read_yaml(folder / "source.yaml"))
    built = {f"source.{spec.source}.json": source_plan.dump()}
    mistakes: list[Mistake] = []
    for path in sorted(folder.glob("*.odcs.yaml")):
        try:
            plan = compile_contract(f"{folder.name}/{path.name}", read_contract(path), spec)
        except ContractError as error:
            mistakes += [Mistake(f"{folder.name}/{path.name}", item.field, item.reason) for item in error.mistakes]
        else:
            built[f"{plan.entity}.json"] = plan.dump()
    if mistakes:
        raise ContractError(mistakes)
    return built


def write(plans: dict[str, str], out: Path) -> None:
    """Writes the plans into a folder, which then holds nothing else."""
    out.mkdir(parents=True, exist_ok=True)
    for path in out.glob("*.json"):
        if path.name not in plans:
            path.unlink()
    for name, text in plans.items():
        (out / name).write_text(text, encoding="utf-8")


def main() -> int:
    """Exit code 0, or 1 with each mistake on a line of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contracts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        plans = compile_folder(arguments.contracts)
    except ContractError as error:
        print(f"The contracts have {len(error.mistakes)} mistake(s); nothing was built:", file=sys.stderr)
        for mistake in error.mistakes:
            print(f"  {mistake}", file=sys.stderr)
        return 1
    write(plans, arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
