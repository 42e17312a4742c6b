"""What the layer and the Glue library hold: all that their code imports, plans as compiled, nothing that changes by itself."""

from __future__ import annotations

import ast
import importlib.util
import sys
import zipfile
from typing import TYPE_CHECKING

from lake.contract.build import compile_folder
from tests.support.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SPEC = importlib.util.spec_from_file_location("assemble", ROOT / "layers" / "assemble.py")
assert _SPEC
assert _SPEC.loader
assemble = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(assemble)

# What Lambda's layer `deps` and its runtime bring, and what Glue 6.0 does: no more may be imported at a module's top.
LAMBDA_HAS = {
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "defusedxml",
    "lake",
    "pyarrow",
    "pydantic",
    "pydantic_core",
    "requests",
    "urllib3",
}
GLUE_HAS = {"awsglue", "boto3", "botocore", "lake", "pyspark", "py4j"}


def imports(source: bytes) -> set[str]:
    """The modules that a module imports when it runs, those for type checkers left out."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    named = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return named | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def missing(files: Mapping[str, bytes], roots: tuple[str, ...], has: set[str]) -> set[str]:
    """Imports, from the roots on, of what neither the files nor the runtime have."""
    absent: set[str] = set()
    seen: set[str] = set()
    ahead = [path for path in files if path.startswith(roots) and path.endswith(".py")]
    while ahead:
        path = ahead.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imports(files[path]):
            if not name.startswith("lake."):
                top = name.partition(".")[0]
                absent |= set() if top in has or top in sys.stdlib_module_names else {name}
                continue
            stem = name.removeprefix("lake.").replace(".", "/")
            found = [path for path in (f"{stem}.py", f"{stem}/__init__.py") if path in files]
            absent |= set() if found else {name}
            ahead += found
    return absent


def test_the_layer_holds_all_that_functions_import() -> None:
    files = assemble.layer_files(assemble.package())
    called = {path: path.read_bytes() for path in (ROOT / "functions").glob("*/app.py")}
    for path, source in called.items():
        for name in imports(source):
            stem = name.removeprefix("lake.").replace(".", "/")
            assert not name.startswith("lake.") or f"{stem}.py" in files, f"{path} imports {name}"
    assert missing(files, ("run/", "extract/", "raw/", "state/"), LAMBDA_HAS) == set()


def test_the_layer_leaves_spark_command_line_and_compiler_out() -> None:
    files = assemble.layer_files(assemble.package())
    assert not [path for path in files if path.startswith(("cli/", "curate/")) or "compile" in path]
    assert not [path for path, source in files.items() if path.endswith(".py") and b"import pyspark" in source]


def test_the_library_holds_all_that_the_jobs_import() -> None:
    assert missing(assemble.package(), ("curate/job", "analytics/job"), GLUE_HAS) == set()


def test_the_library_holds_the_plans_as_compiled_and_each_marts_sql(tmp_path: Path) -> None:
    assemble.write_assets(tmp_path)
    with zipfile.ZipFile(tmp_path / "lake.zip") as archive:
        held = {name.removeprefix("lake/"): archive.read(name) for name in archive.namelist()}
    for name, text in compile_folder(ROOT / "contracts").items():
        assert held[f"plans/{name}"] == text.encode()
    for path in (ROOT / "glue" / "analytics").glob("*.sql"):
        assert held[f"analytics/sql/{path.name}"] == path.read_bytes()


def test_equal_sources_give_equal_bytes(tmp_path: Path) -> None:
    assemble.write_assets(tmp_path / "first")
    assemble.write_assets(tmp_path / "second")
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()
