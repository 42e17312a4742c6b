"""dlt's REST source to Parquet files in a folder, with types declared for the same columns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dlt
from dlt.destinations import filesystem
from dlt.sources.rest_api import rest_api_source

from bench.measuring import Task, measure

TYPES = {"string": "text", "boolean": "bool", "int64": "bigint", "decimal": "decimal", "date": "date"}


def column(kind: str) -> dict[str, Any]:
    """A plan's type as dlt's hints. Stamps finer than microseconds stay text, as on the other sides."""
    base, numbers = kind.partition("(")[0], [int(number) for number in re.findall(r"\d+", kind)]
    if base == "timestamp":
        return {"data_type": "timestamp" if numbers[0] <= 6 else "text"}
    hints: dict[str, Any] = {"data_type": TYPES[base]}
    return hints | ({"precision": numbers[0], "scale": numbers[1]} if base == "decimal" else {})


def without_attributes(row: dict[str, Any]) -> dict[str, Any]:
    """What Salesforce adds to each record is no data, and the other sides leave it out."""
    row.pop("attributes", None)
    return row


def read_all(task: Task, start: str, out: Path) -> None:
    """From the first page to Parquet files."""
    odata = "odata" in start
    path, _, query = start.partition("?")
    resource: dict[str, Any] = {
        "name": "rows",
        "endpoint": {
            "path": path,
            "params": {"q": query.removeprefix("q=")} if query else {},
            "data_selector": "value" if odata else "records",
        },
        "columns": {name: column(kind) for name, kind in task.fields},
    }
    if not odata:
        resource["processing_steps"] = [{"map": without_attributes}]
    link = "'@odata.nextLink'" if odata else "nextRecordsUrl"
    config: dict[str, Any] = {
        "client": {"base_url": task.url, "paginator": {"type": "json_link", "next_url_path": link}},
        "resources": [resource],
    }
    pipeline = dlt.pipeline(
        pipeline_name=out.name,
        pipelines_dir=str(out.parent / "pipelines"),
        destination=filesystem(bucket_url=out.as_uri()),
        dataset_name="rows",
    )
    pipeline.run(rest_api_source(config), loader_file_format="parquet")


def main() -> None:
    """Reads once to warm up, once to be measured."""
    task = Task.told()
    out = Path(task.out)
    measure(
        task,
        lambda: read_all(task, task.warm_up + task.start, out / "warm-up"),
        lambda: read_all(task, task.start, out / "rows"),
    )


if __name__ == "__main__":
    main()
