"""No contract breaks what was released without a new major version."""

from __future__ import annotations

from lake.contract.build import compile_folder
from lake.contract.diff import refused
from lake.contract.plan import Plan
from lake.contract.released import FILE, read_released
from tests.rules.project import ROOT

CONTRACTS = ROOT / "contracts"


def test_no_contract_breaks_the_released_one_without_a_new_major_version() -> None:
    """`lake contract diff contracts/released.json` shows what changed; docs/contracts.md says what to do."""
    built = [Plan.load(text) for name, text in compile_folder(CONTRACTS).items() if not name.startswith("source.")]
    released = read_released(CONTRACTS / FILE)
    assert released
    assert [str(change) for change in refused(released, {plan.entity: plan for plan in built})] == []
