"""What Iceberg is told of a table, as text."""

from dataclasses import replace

from lake.curate.keeping import changes, create, properties
from lake.curate.layout import Column, Table

ORDERS = Table(
    "erp_sales_order",
    "The customers' orders",
    (Column("sales_order", "STRING", "Its number"), Column("net", "DECIMAL(15,3)", "Without tax")),
    sort=("sales_order",),
    partition=("bucket(16, sales_order)", "region"),
    snapshots_s=86_400,
)
THERE = properties(ORDERS) | {"comment": ORDERS.comment, "lake.curated_through": "7"}
COMMENTS = {column.name: column.comment for column in ORDERS.columns}


def test_a_table_is_made_as_its_contract_says() -> None:
    made, ordered = create("lake.orders", ORDERS)
    assert "`sales_order` STRING COMMENT 'Its number'" in made
    assert "PARTITIONED BY (bucket(16, `sales_order`), `region`) COMMENT 'The customers\\' orders'" in made
    assert "'history.expire.max-snapshot-age-ms'='86400000'" in made
    assert ordered == "ALTER TABLE lake.orders WRITE ORDERED BY `sales_order`"


def test_a_table_that_is_as_its_contract_says_is_left_alone() -> None:
    assert changes("t", ORDERS, THERE, COMMENTS, ["sales_order"]) == []


def test_a_table_follows_its_contract_in_properties_comments_and_order() -> None:
    today = replace(
        ORDERS,
        comment="Orders",
        columns=(ORDERS.columns[0], replace(ORDERS.columns[1], comment="Net")),
        sort=("net",),
        snapshots_s=60,
    )
    assert changes("t", today, THERE, COMMENTS, ["sales_order"]) == [
        "ALTER TABLE t SET TBLPROPERTIES ('history.expire.max-snapshot-age-ms'='60000', 'comment'='Orders')",
        "ALTER TABLE t ALTER COLUMN `net` COMMENT 'Net'",
        "ALTER TABLE t WRITE ORDERED BY `net`",
    ]
