"""A few Iceberg statements on a table of two rows: what loads (and compiles) the classes that any job needs."""

from pathlib import Path

from pyspark.sql import SparkSession

CATALOG = "warm"
MERGE = """
    MERGE INTO {table} AS t
    USING (SELECT id, max(at) AS at, sum(amount) AS amount FROM arrived GROUP BY id) AS s ON t.id = s.id
    WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *
"""


def run(folder: Path) -> None:
    """Open a Spark session in this process, write, merge and read below `folder`, close the session."""
    spark = (
        SparkSession.builder.appName("warm-up")
        .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config(f"spark.sql.catalog.{CATALOG}", "org.apache.iceberg.spark.SparkCatalog")
        .config(f"spark.sql.catalog.{CATALOG}.type", "hadoop")
        .config(f"spark.sql.catalog.{CATALOG}.warehouse", str(folder))
        .getOrCreate()
    )
    table = f"{CATALOG}.db.{folder.name.replace('-', '_')}"
    columns = "id BIGINT, at TIMESTAMP, amount DECIMAL(19,2)"
    spark.sql(f"CREATE TABLE {table} ({columns}) USING iceberg TBLPROPERTIES ('format-version'='2')")
    rows = spark.sql("SELECT id, current_timestamp() AS at, CAST(id AS DECIMAL(19,2)) AS amount FROM range(2)")
    rows.write.mode("overwrite").parquet(str(folder / "rows"))
    spark.read.parquet(str(folder / "rows")).createOrReplaceTempView("arrived")
    for _ in range(2):
        spark.sql(MERGE.format(table=table))
    spark.sql(f"SELECT count(*), sum(amount) FROM {table}").collect()  # noqa: S608 (the name is ours)
    spark.stop()
