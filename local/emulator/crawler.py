"""Crawlers that crawl: Parquet files below S3 targets become tables and partitions of the catalog, as on AWS.

The crawl happens under the crawler's own role: a permission that it lacks ends it as `FAILED`.
https://docs.aws.amazon.com/glue/latest/dg/crawler-configuration.html
"""

import contextvars
import io
import logging
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import BotoCoreError, ClientError
from ministack.services import glue

from local.emulator import service_role
from local.emulator.answers import Answer, answered, refused
from local.emulator.crawler_catalog import store
from local.emulator.crawler_tables import CrawlRules, DataFile, found_tables
from local.emulator.settings import EmulatorSettings

logger = logging.getLogger("local.crawler")


@dataclass
class Crawlers:
    """Glue's StartCrawler and StopCrawler in place of the emulator's, which only pretends."""

    settings: EmulatorSettings

    def start(self, data: dict[str, Any]) -> Answer:
        name = data.get("Name", "")
        crawler = glue._crawlers.get(name)
        if crawler is None:
            return refused("EntityNotFoundException", f"Crawler with name {name} does not exist")
        if crawler["State"] != "READY":
            return refused("CrawlerRunningException", f"Crawler with name {name} has already started")
        crawler["State"] = "RUNNING"
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._crawl, crawler), daemon=True).start()
        return answered({})

    def _crawl(self, crawler: dict[str, Any]) -> None:
        started = time.time()
        last = {
            "Status": "SUCCEEDED",
            "LogGroup": "/aws-glue/crawlers",
            "LogStream": crawler["Name"],
            "MessagePrefix": str(uuid.uuid4()),
            "StartTime": started,
        }
        try:
            self._crawl_targets(crawler)
        except (ClientError, BotoCoreError, service_role.RoleNotAssumable, pa.ArrowException, ValueError) as error:
            logger.warning("crawler %s failed: %s", crawler["Name"], error)
            last |= {"Status": "FAILED", "ErrorMessage": str(error)}
        crawler["State"] = "STOPPING"
        crawler["CrawlElapsedTime"] = int((time.time() - started) * 1000)
        crawler["LastCrawl"] = last
        crawler["State"] = "READY"

    def _crawl_targets(self, crawler: dict[str, Any]) -> None:
        role = service_role.assume(self.settings, crawler["Role"], "glue.amazonaws.com", "AWS-Crawler")
        s3, catalog = (service_role.client(self.settings, service, role) for service in ("s3", "glue"))
        rules = CrawlRules.of(crawler)
        for target in crawler["Targets"].get("S3Targets", []):
            files = _parquet_files(s3, target["Path"])
            for table in found_tables(files, target["Path"], rules):
                store(catalog, crawler["DatabaseName"], crawler["Name"], table)


def install(settings: EmulatorSettings) -> None:
    glue._start_crawler = Crawlers(settings).start


def _parquet_files(s3: Any, path: str) -> list[DataFile]:
    """Each Parquet file below `s3://bucket/prefix`, oldest first; names that start with `_` or `.` are not data."""
    bucket, _, prefix = path.removeprefix("s3://").partition("/")
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            inside = item["Key"][len(prefix) :].split("/")
            if item["Size"] == 0 or any(part.startswith(("_", ".")) for part in inside):
                continue
            body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            footer = pq.ParquetFile(io.BytesIO(body))
            found.append(
                DataFile(
                    bucket,
                    item["Key"],
                    item["LastModified"],
                    item["Size"],
                    footer.metadata.num_rows,
                    footer.schema_arrow,
                )
            )
    return sorted(found, key=lambda file: (file.modified, file.key))
