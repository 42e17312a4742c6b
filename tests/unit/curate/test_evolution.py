"""What a contract may change of a table that is there, and what not."""

import pytest

from lake.curate.errors import SchemaConflict
from lake.curate.evolution import evolution
from lake.curate.layout import Column, Table


def column(name: str, kind: str, renamed_from: str | None = None) -> Column:
    return Column(name, kind, "", renamed_from=renamed_from)


def way(wanted: Column, there: Column) -> tuple[tuple[str, ...], dict[str, str]]:
    found = evolution(Table("t", "", (wanted,)), (there,))
    return found.statements, found.rewritten


def test_a_table_that_is_as_its_contract_says_is_left_alone() -> None:
    kinds = ("STRING", "BIGINT", "DECIMAL(16,3)", "ARRAY<STRING>", "TIMESTAMP", "BOOLEAN", "DATE", "INT")
    there = tuple(column(f"c{number}", kind.lower()) for number, kind in enumerate(kinds))
    wanted = tuple(column(f"c{number}", kind) for number, kind in enumerate(kinds))
    found = evolution(Table("t", "", wanted), (*there, column("left_by_an_earlier_contract", "string")))
    assert (found.statements, found.rewritten) == ((), {})


@pytest.mark.parametrize(
    ("before", "after"),
    [("decimal(10,2)", "DECIMAL(12,2)"), ("decimal(10,2)", "DECIMAL(38,2)")],
)
def test_more_digits_before_the_point_are_given_in_place(before: str, after: str) -> None:
    assert way(column("a", after), column("a", before)) == ((f"ALTER COLUMN `a` TYPE {after}",), {})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("bigint", "DECIMAL(19,0)"),
        ("bigint", "STRING"),
        ("decimal(10,2)", "STRING"),
        ("boolean", "STRING"),
        ("date", "STRING"),
    ],
)
def test_what_only_new_files_can_hold_is_written_anew(before: str, after: str) -> None:
    assert way(column("a", after), column("a", before)) == ((), {"a": after})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("decimal(12,2)", "DECIMAL(10,2)"),
        ("decimal(12,2)", "DECIMAL(14,3)"),
        ("bigint", "DECIMAL(18,0)"),
        ("bigint", "DECIMAL(38,2)"),
        ("decimal(12,0)", "BIGINT"),
        ("string", "BIGINT"),
        ("string", "DATE"),
        ("timestamp", "DATE"),
        ("timestamp", "STRING"),
        ("string", "BOOLEAN"),
    ],
)
def test_a_type_that_does_not_hold_every_value_as_it_was_is_refused_with_both_types_and_a_remedy(
    before: str, after: str
) -> None:
    with pytest.raises(SchemaConflict, match="another name, or drop the tables") as refused:
        way(column("a", after), column("a", before))
    assert f"t.a is {before}, and its contract now says {after.lower()}" in str(refused.value)


def test_a_renamed_column_keeps_its_values_and_may_be_widened_on_the_way() -> None:
    wanted = column("b", "DECIMAL(12,2)", renamed_from="a")
    assert way(wanted, column("a", "decimal(10,2)")) == (
        ("RENAME COLUMN `a` TO `b`", "ALTER COLUMN `b` TYPE DECIMAL(12,2)"),
        {},
    )
    assert way(wanted, column("b", "decimal(12,2)")) == ((), {})


def test_items_in_a_document_follow_as_columns_do() -> None:
    wanted = Column(
        "item", "", "",
        (column("new", "DATE"), column("id", "STRING", renamed_from="number"), column("lines", "STRING")),
    )  # fmt: skip
    there = Column("item", "", "", (column("number", "string"), column("gone", "date"), column("lines", "bigint")))
    members = ("`id`: STRING", "`gone`: date", "`lines`: STRING", "`new`: DATE")
    assert way(wanted, there) == (
        ("ADD COLUMNS (`item`.`element`.`new` DATE COMMENT '')", "RENAME COLUMN `item`.`element`.`number` TO `id`"),
        {"item": f"ARRAY<STRUCT<{', '.join(f"{member} COMMENT ''" for member in members)}>>"},
    )


def test_an_earlier_name_that_is_one_of_the_lakes_own_is_not_renamed() -> None:
    wanted = (column("valid_from", "TIMESTAMP"), column("since", "DATE", renamed_from="valid_from"))
    found = evolution(Table("t", "", wanted), (column("valid_from", "timestamp"),))
    assert found.statements == ("ADD COLUMNS (`since` DATE COMMENT '')",)
