"""The build step: `python -m lake.contract.build --contracts contracts --out DIR` turns contracts into plans."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lake.contract.compile import compile_contract, compile_source
from lake.contract.documents import read_document
from lake.contract.errors import ContractError, Mistake
from lake.contract.odcs import contract_of
from lake.contract.plan import Plan
from lake.contract.relationships import places_of
from lake.contract.together import doubled, matched, tables_of

if TYPE_CHECKING:
    from lake.contract.documents import Document
    from lake.contract.odcs import SourceSpec
    from lake.contract.plan import SourcePlan


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
    if mistakes := mistakes or _together(contracts, built):
        raise ContractError(mistakes)
    return built


def _together(contracts: Path, built: dict[str, str]) -> list[Mistake]:
    """What contracts that are right, each alone, say of each other and is wrong."""
    plans = [Plan.load(text) for name, text in built.items() if not name.startswith("source.")]
    tables = tables_of(plans)
    found = [(plan, name, reason) for plan in plans for name, reason in matched(plan, tables)]
    found += [(plan, "name", reason) for plan in plans for entity, reason in doubled(plans) if entity == plan.entity]
    mistakes = []
    for plan, name, reason in found:
        document = _document(contracts / plan.source / f"{plan.name}.odcs.yaml")
        place = places_of(contract_of(document).schema_ or []).get(name, name)
        mistakes.append(Mistake(document.file, place, reason, document.line(place)))
    return mistakes


def compile_source_folder(folder: Path) -> dict[str, str]:
    """The plans of one source's folder."""
    spec, source_plan = read_source(folder)
    built = {f"source.{spec.source}.json": source_plan.dump()}
    mistakes: list[Mistake] = []
    for path in sorted(folder.glob("*.odcs.yaml")):
        try:
            plan = _compile(path, spec)
        except ContractError as error:
            mistakes += error.mistakes
        else:
            built[f"{plan.entity}.json"] = plan.dump()
    if mistakes:
        raise ContractError(mistakes)
    return built


def read_source(folder: Path) -> tuple[SourceSpec, SourcePlan]:
    """What a folder's source.yaml says, checked, and its plan."""
    document = _document(folder / "source.yaml")
    return document.located(lambda: compile_source(document.file, document.raw))


def _compile(path: Path, spec: SourceSpec) -> Plan:
    document = _document(path)
    plan = document.located(lambda: compile_contract(document.file, contract_of(document), spec))
    if path.name != f"{plan.name}.odcs.yaml":
        raise ContractError(
            [
                Mistake(
                    document.file, "name", f"is {plan.name}: call the file {plan.name}.odcs.yaml", document.line("name")
                )
            ]
        )
    return plan


def _document(path: Path) -> Document:
    return read_document(path, f"{path.parent.name}/{path.name}")


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
