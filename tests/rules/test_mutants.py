"""`make mutants`: what its configuration names exists, and its table counts what mutmut found."""

from __future__ import annotations

import re
import tomllib

from tests.mutants import modules, read, report
from tests.rules.project import ROOT
from tests.rules.project import read as text_of

CONFIGURED = tomllib.loads(text_of("pyproject.toml"))["tool"]["mutmut"]
LISTED = """
    lake.run.balance.x_total__mutmut_1: killed
    lake.run.balance.x_total__mutmut_2: survived
    lake.run.lease.xǁPipelineLeaseǁforget__mutmut_7: no tests
    lake.run.lease.xǁPipelineLeaseǁforget__mutmut_8: timeout
    lake.run.lease.xǁPipelineLeaseǁforget__mutmut_9: segfault
    lake.run.outcome.x_judge__mutmut_1: not checked
"""


def test_each_module_and_test_that_is_configured_exists() -> None:
    named = [*CONFIGURED["only_mutate"], *CONFIGURED["pytest_add_cli_args_test_selection"], *CONFIGURED["also_copy"]]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_each_module_is_imported_by_one_of_the_tests() -> None:
    tests = "\n".join(text_of(path) for path in CONFIGURED["pytest_add_cli_args_test_selection"])
    assert [module for module in modules() if not re.search(rf"^from {module} import", tests, re.MULTILINE)] == []


def test_the_table_counts_by_module_and_names_what_no_test_notices() -> None:
    lines = [" ".join(line.split()) for line in report(read(LISTED))]
    assert lines == [
        "module mutants killed timed out survived without test else",
        "lake.run.balance 2 1 0 1 0 0",
        "lake.run.lease 3 0 1 0 1 1",
        "together 5 1 1 1 1 1",
        "No test noticed:",
        "lake.run.balance.x_total__mutmut_2",
        "No test runs:",
        "lake.run.lease.xǁPipelineLeaseǁforget__mutmut_7",
        'What a mutant has changed: make mutants ARGS="--show MUTANT"',
    ]
