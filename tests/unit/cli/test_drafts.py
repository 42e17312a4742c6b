"""What a draft says of fields that a source describes halfway."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from lake.cli.contract_text import Drafted, written
from lake.contract.build import compile_source_folder
from lake.contract.plan import Plan, SourcePlan
from lake.extract.protocols.dialect import SourceField

CONTRACTS = Path(__file__).parents[3] / "contracts"
FIELDS = (
    SourceField("id", "string", nullable=False, key=True, form="guid"),
    SourceField("amount", "decimal", nullable=True),
    SourceField("lastModifiedDateTime", "timestamp", nullable=False),
    SourceField("createdOn", "timestamp(3)", nullable=False, form="odata_datetime"),
)


def drafted(folder: Path, version: str | None) -> Plan:
    shutil.copy(CONTRACTS / "erp" / "source.yaml", folder)
    source = SourcePlan.load(compile_source_folder(folder)["source.erp.json"])
    draft = Drafted(replace(source, version=version), "items", "item", FIELDS, ())
    (folder / "item.odcs.yaml").write_text(written(draft), "utf-8")
    return Plan.load(compile_source_folder(folder)["erp.item.json"])


def test_a_draft_compiles_where_the_source_names_no_digits(tmp_path: Path) -> None:
    folder = tmp_path / "erp"
    folder.mkdir()
    plan = drafted(folder, "v4")
    assert [(field.type, field.form) for field in plan.fields] == [
        ("string", "guid"),
        ("decimal(38,9)", None),
        ("timestamp(7)", None),
        ("timestamp(3)", "odata_datetime"),
    ]
    assert plan.paging == "keyset"
    assert drafted(folder, "v2").paging == "key"
