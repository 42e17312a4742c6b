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


def drafted(folder: Path, version: str | None, fields: tuple[SourceField, ...] = FIELDS) -> Plan:
    shutil.copy(CONTRACTS / "erp" / "source.yaml", folder)
    source = SourcePlan.load(compile_source_folder(folder)["source.erp.json"])
    draft = Drafted(replace(source, version=version), "items", "item", fields, ())
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


def test_a_draft_takes_no_name_of_a_column_that_the_lake_has_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "erp"
    folder.mkdir()
    keys = tuple(
        SourceField(name, "string", nullable=False, key=True)
        for name in ("Status", "ValidFrom", "plan", "Sales.Region")
    )
    others = tuple(SourceField(name, "string", nullable=True) for name in ("ValidTo", "STATUS", "Contract", "_row"))
    plan = drafted(folder, "v4", (*keys, *others))
    names = [
        "item_status",
        "item_valid_from",
        "item_plan",
        "sales_region",
        "item_valid_to",
        "status",
        "contract",
        "row",
    ]
    assert [field.name for field in plan.fields] == names
    assert [field.raw for field in plan.fields if field.column] == ["STATUS_2", "_row_2"]
