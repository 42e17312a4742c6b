"""How the house is kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.rules.project import ROOT, files, python_files, read

MOST_LINES = 350
# The name that AWS gave it, which jobs import.
FOREIGN = Path("local/emulator/glue_runtime/awsglue/utils.py")
GENERIC = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
# An import of a test module or of a conftest, in code or in the text of a program that a test starts.
OF_A_TEST = re.compile(
    r"\btests(?:\.\w+)*\.(?:test_\w+|conftest)\b|^\s*from tests[\w.]* import .*\b(?:test_|conftest\b)", re.M
)
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".sql", ".sh", ".txt", ".mk", ""}

# Where one machine is not another: somebody's folders, hosts that only one network knows, a registry that is not the usual one.
ELSEWHERE = {
    "a folder of one machine": re.compile(r"(?<![\w.$}-])/(?:root|work|home/\w+|Users/\w+)/"),
    "a folder outside of the project": re.compile(r"\.\./" + "shared"),
    "a host of one network": re.compile(r"https?://(?!host\.docker\.)[\w.-]+\.(?:internal|corp|lan|intra)\b"),
    "an address of one network": re.compile(r"https?://(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d"),
    "a registry": re.compile(r"(?:--|_|^)(?:extra-)?(?:index-url|find-links|trusted-host)[ =:]", re.MULTILINE),
}


def texts() -> list[Path]:
    return [path for path in files() if path.suffix in TEXT and path != Path("LICENSE")]


@pytest.mark.parametrize("what", sorted(ELSEWHERE))
def test_nothing_names(what: str) -> None:
    here = Path("tests/rules/test_layout.py")
    found = [
        f"{path}: {match[0]}" for path in texts() if path != here for match in ELSEWHERE[what].finditer(read(path))
    ]
    assert found == []


def test_modules_have_one_subject() -> None:
    long = {
        str(path): lines
        for path in python_files("src", "functions", "glue", "layers", "local")
        if (lines := len(read(path).splitlines())) >= MOST_LINES
    }
    assert long == {}


def test_names_say_what_is_inside() -> None:
    assert [str(path) for path in files() if path != FOREIGN and {path.stem, *path.parts[:-1]} & GENERIC] == []


def test_each_package_and_module_says_what_it_is_for() -> None:
    mute = [
        str(path)
        for path in python_files("src", "functions", "glue", "layers", "local", "tests")
        if path.name != "conftest.py" and read(path).strip() and not read(path).lstrip().startswith(('"""', 'r"""'))
    ]
    assert mute == []


def test_what_tests_share_is_in_no_test_and_no_conftest() -> None:
    """Whatever two modules of tests need is in `tests/support`, or in a module beside them that holds no test."""
    importing = [
        str(path)
        for path in python_files("src", "functions", "glue", "layers", "local", "bench", "tests")
        if OF_A_TEST.search(read(path))
    ]
    assert importing == []


def test_production_imports_nothing_of_the_laptop() -> None:
    """The handlers and job scripts; what stands in src is checked by the import rules."""
    found = [
        str(path)
        for path in python_files("functions", "glue", "layers")
        if re.search(r"^\s*(?:from|import) (?:local|tests|ministack|moto)\b", read(path), re.MULTILINE)
    ]
    assert found == []


def test_handlers_are_few_lines() -> None:
    handlers = sorted((ROOT / "functions").glob("*/app.py"))
    assert handlers
    assert [str(path) for path in handlers if len(path.read_text("utf-8").splitlines()) > 40] == []


def test_each_function_has_a_sample_event() -> None:
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    events = {path.stem.replace("-", "_").partition(".")[0] for path in (ROOT / "events" / "functions").glob("*.json")}
    assert functions - events == set()


def test_each_source_has_a_function_and_each_entity_a_contract() -> None:
    for folder in (ROOT / "contracts").glob("*/source.yaml"):
        source = folder.parent.name
        assert (ROOT / "functions" / f"extract_{source}" / "app.py").is_file()
        for path in folder.parent.glob("*.odcs.yaml"):
            contract = yaml.safe_load(path.read_text("utf-8"))
            assert contract["id"] == f"{source}.{path.name.partition('.')[0]}"


def test_what_is_installed_is_pinned_with_hashes() -> None:
    pins = sorted((ROOT / "requirements").glob("*.txt"))
    assert pins
    for path in pins:
        blocks = re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n", "", path.read_text("utf-8")).strip())
        assert [block.split()[0] for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []
