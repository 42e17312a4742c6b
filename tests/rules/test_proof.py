"""docs/proof.md: its tests exist, its sabotages fit the code, and a sabotage that nobody notices is told."""

from __future__ import annotations

import ast
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.rules.project import ROOT, read
from tests.sabotage import PROOF, BadProof, Proof, Sabotage, check, read_proofs

if TYPE_CHECKING:
    from pathlib import Path

PROOFS = read_proofs(read(PROOF))


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.id)
def test_the_test_exists(proof: Proof) -> None:
    file, _, name = proof.test.partition("::")
    assert (ROOT / file).is_file()
    function = name.partition("[")[0].rpartition("::")[2]
    defined = {node.name for node in ast.walk(ast.parse(read(file))) if isinstance(node, ast.FunctionDef)}
    assert not function or function in defined


@pytest.mark.parametrize("proof", [proof for proof in PROOFS if proof.sabotage], ids=lambda proof: proof.id)
def test_the_sabotage_fits_the_code(proof: Proof) -> None:
    assert proof.sabotage is not None
    assert read(proof.sabotage.path).count(proof.sabotage.old) == 1
    assert proof.sabotage.old != proof.sabotage.new


@pytest.fixture
def small_project(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "sums.py").write_text("def add(a, b):\n    return a + b\n\n\nUNUSED = 1\n", "utf-8")
    (tmp_path / "tests" / "test_sums.py").write_text(
        "import sums\n\n\ndef test_two_and_three():\n    assert sums.add(2, 3) == 5\n", "utf-8"
    )
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def proof_of(old: str, new: str) -> Proof:
    return Proof(
        "sums", "Sums add up", "quick", "tests/test_sums.py::test_two_and_three", Sabotage("sums.py", old, new)
    )


def test_a_sabotage_that_the_test_notices_is_no_complaint(small_project: Path) -> None:
    assert check(small_project, [proof_of("return a + b", "return a - b")], 1) == []
    assert "return a + b" in (small_project / "sums.py").read_text("utf-8")


def test_a_sabotage_that_goes_unnoticed_is_told(small_project: Path) -> None:
    (complaint,) = check(small_project, [proof_of("UNUSED = 1", "UNUSED = 2")], 1)
    assert complaint.startswith("sums: went unnoticed")


def test_a_sabotage_that_keeps_the_test_from_running_proves_nothing(small_project: Path) -> None:
    (complaint,) = check(small_project, [proof_of("UNUSED = 1", "UNUSED = = 1")], 1)
    assert "did not run" in complaint


def test_a_sabotage_whose_text_is_gone_is_told(small_project: Path) -> None:
    (complaint,) = check(small_project, [proof_of("return a * b", "return a")], 1)
    assert "0 times instead of once" in complaint


def test_a_heading_that_is_no_entry_is_refused() -> None:
    with pytest.raises(BadProof, match="not an entry: lonely"):
        read_proofs("### lonely: Nothing follows\n\nNo test here.\n")
