"""Two sources that contracts alone describe, read whole: HubSpot's search, and a field service that counts its pages."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner

from lake.cli.main import app
from lake.extract.errors import MalformedAnswer, SourceAuthError
from lake.instants import from_text
from tests.support.raw_lake import SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.raw_lake import RawLake, Source

BUCKET, TABLE = "raw", "state"
TABLES = {
    "hubspot.contact": "contacts",
    "hubspot.company": "companies",
    "service.work_order": "work_orders",
    "service.engineer": "engineers",
}
PARTS = "work_order_parts"


@pytest.fixture
def sources(start_source: Callable[..., Source]) -> Iterator[dict[str, Source]]:
    """Both, free of faults."""
    started = {name: start_source(name) for name in ("hubspot", "service")}
    for source in started.values():
        source.control.fault("none")
    yield started
    for source in started.values():
        source.control.fault("none")


def source_of(sources: dict[str, Source], entity: str) -> Source:
    return sources[entity.partition(".")[0]]


def assert_raw_equals_source(lake: RawLake, source: Source, entity: str) -> None:
    """Each row of the source is the newest version of its key in raw, with equal values and parts, and no other key lives."""
    (key,) = lake.plans[entity].key_fields
    assert lake.newest(entity).keys() == {(row[key.field],) for row in source.rows(TABLES[entity])}
    assert_rows_are_the_sources(lake, source, entity)


def assert_rows_are_the_sources(lake: RawLake, source: Source, entity: str) -> None:
    """Each row of the source is the newest version of its key in raw, with equal values and parts."""
    plan = lake.plans[entity]
    truth = {tuple(row[field.field] for field in plan.key_fields): row for row in source.rows(TABLES[entity])}
    newest = lake.newest(entity)
    parts = source.rows(PARTS) if plan.children else []
    for key, row in truth.items():
        assert newest[key]["_unfit"] is newest[key]["_unmapped"] is None
        for field in plan.fields:
            assert same(newest[key][field.field], row[field.field]), (key, field.field)
        for child in plan.children:
            held = [tuple(str(item[field.field]) for field in child.fields) for item in newest[key][child.field]]
            own = [part for part in parts if part["id"] == key[0]]
            assert held == [tuple(str(part[field.field]) for field in child.fields) for part in own]


def same(raw: Any, stored: Any) -> bool:
    """Whether a raw value is what the simulator stores as text."""
    if isinstance(raw, datetime):
        return raw == from_text(stored)
    return (raw is stored) if raw is None or stored is None else str(raw) == str(stored)


@pytest.mark.parametrize("entity", sorted(TABLES))
def test_the_first_run_lands_every_row_once(raw_lake: RawLake, sources: dict[str, Source], entity: str) -> None:
    source = source_of(sources, entity)
    raw_lake.run(entity)
    assert_raw_equals_source(raw_lake, source, entity)
    assert len(raw_lake.versions(entity)) == len(source.rows(TABLES[entity]))


@pytest.mark.parametrize("entity", sorted(TABLES))
def test_a_run_without_news_writes_nothing(raw_lake: RawLake, sources: dict[str, Source], entity: str) -> None:
    raw_lake.run(entity)
    objects = raw_lake.keys()
    source_of(sources, entity).control.advance(hours=0.1)
    raw_lake.run(entity)
    assert raw_lake.keys() == objects


@pytest.mark.parametrize("entity", sorted(TABLES))
def test_days_of_changes_and_deletions_are_followed(raw_lake: RawLake, sources: dict[str, Source], entity: str) -> None:
    source = source_of(sources, entity)
    raw_lake.run(entity)
    before = len(source.rows(TABLES[entity]))
    for _ in range(2):
        done = source.control.day_of_changes(hours=25)["done"]
        raw_lake.run(entity)
        source.control.advance(hours=0.6)  # what was stamped late in the day is visible now
        raw_lake.run(entity)
        if raw_lake.plans[entity].cursor.kind != "none":
            assert_rows_are_the_sources(raw_lake, source, entity)
    assert done[f"{TABLES[entity]}_changed"] > 0
    assert done[f"{TABLES[entity]}_deleted"] > 0
    # What was deleted since the last sweep is seen by the next full refresh.
    raw_lake.run(entity, full_refresh_s=60)
    # Where pages are counted and rows cannot be asked for by key, another scan has to miss the same keys.
    source.control.advance(hours=0.1)
    raw_lake.run(entity)
    assert_raw_equals_source(raw_lake, source, entity)
    assert len(source.rows(TABLES[entity])) != before


def test_a_sweep_shows_what_hubspot_archived(raw_lake: RawLake, sources: dict[str, Source]) -> None:
    source = sources["hubspot"]
    raw_lake.run("hubspot.contact")
    gone = source.rows("contacts")[3]["hs_object_id"]
    source.control.delete("hubspot.contact", gone)
    source.control.advance(hours=25)
    raw_lake.run("hubspot.contact")
    assert (gone,) not in raw_lake.newest("hubspot.contact")
    assert_raw_equals_source(raw_lake, source, "hubspot.contact")
    assert {manifest["reason"] for manifest in raw_lake.manifests("hubspot.contact")} >= {"window", "sweep"}


@pytest.mark.parametrize("entity", ["hubspot.company", "service.work_order"])
def test_a_fetch_list_is_read_by_key_or_all_is_read_again(
    raw_lake: RawLake, sources: dict[str, Source], entity: str
) -> None:
    source = source_of(sources, entity)
    raw_lake.run(entity)
    (field,) = raw_lake.plans[entity].key_fields
    wanted = [row[field.field] for row in source.rows(TABLES[entity])[:70]]
    name = f"fetches/{entity.replace('.', '/')}/{1:012}.json"
    body = {"entity": entity, "load": 1, "sweep": "s", "keys": [[key] for key in wanted], "left_out": 0}
    raw_lake.s3.put_object(Bucket=BUCKET, Key=name, Body=json.dumps(body).encode())
    item = {"pk": {"S": "fetch"}, "sk": {"S": entity}, "list": {"S": name}, "keys": {"N": "70"}}
    raw_lake.dynamodb.put_item(TableName=TABLE, Item=item)
    source.control.advance(hours=0.1)
    began = datetime.now(UTC)
    raw_lake.run(entity)
    assert all(raw_lake.newest(entity)[(key,)]["_observed_at"] > began for key in wanted)
    assert raw_lake.world(source.name).table.key_list("fetch", entity) is None
    brought = {load["reason"] for load in raw_lake.manifests(entity)} - {"window"}
    assert brought == {"fetch" if source.name == "hubspot" else "refresh"}


@pytest.mark.parametrize("entity", ["hubspot.contact", "service.work_order"])
def test_a_tie_larger_than_a_page_is_read_whole(raw_lake: RawLake, sources: dict[str, Source], entity: str) -> None:
    source = source_of(sources, entity)
    raw_lake.run(entity)
    source.control.advance(hours=1)
    assert source.control.touch(entity, rows=300) == 300
    source.control.advance(hours=1)
    results = raw_lake.run(entity, page_size=100)
    assert sum(result.counts.landed for result in results) == 300
    assert_raw_equals_source(raw_lake, source, entity)


def test_numbered_pages_are_read_in_short_invocations(raw_lake: RawLake, sources: dict[str, Source]) -> None:
    results = raw_lake.run("service.work_order", requests_allowed=3, page_size=60)
    assert len(results) > 3
    assert_raw_equals_source(raw_lake, sources["service"], "service.work_order")


def test_who_counts_pages_is_warned_in_the_runs_record(raw_lake: RawLake, sources: dict[str, Source]) -> None:
    assert sources
    (result, *_) = raw_lake.run("service.work_order")
    assert any("paged by page_number" in note for note in result.notes)


@pytest.mark.parametrize(("name", "warned"), [("hubspot", False), ("service", True)])
def test_a_sources_check_says_what_it_can_do_and_what_its_paging_may_lose(
    aws: tuple[Any, Any], sources: dict[str, Source], name: str, *, warned: bool
) -> None:
    assert aws
    boto3.client("secretsmanager").create_secret(Name=f"lake/{name}", SecretString=json.dumps(SECRETS[name]))
    folder = Path(__file__).parents[2] / "docs" / "examples" / name
    arguments = ["source", "check", str(folder), "--url", sources[name].url, "--secret", f"lake/{name}", "--json"]
    found = json.loads(CliRunner().invoke(app, arguments).stdout)["findings"]
    assert "fail" not in {finding["verdict"] for finding in found}, found
    assert {finding["verdict"] for finding in found if finding["what"].endswith(": filter")} <= {"ok", "note"}
    assert any(finding["what"].endswith(": paging") for finding in found) is warned


def test_a_wrong_token_is_told(raw_lake: RawLake, sources: dict[str, Source]) -> None:
    assert sources
    raw_lake.secrets["service"] = {"token": "another"}
    with pytest.raises(SourceAuthError, match="source service"):
        raw_lake.run("service.engineer")


@pytest.mark.parametrize("entity", ["hubspot.contact", "service.work_order"])
def test_a_used_up_quota_pauses_the_entity(raw_lake: RawLake, sources: dict[str, Source], entity: str) -> None:
    source_of(sources, entity).control.fault("quota", requests=2)
    (result,) = raw_lake.run(entity, page_size=50)
    assert result.status == "PAUSED"
    assert result.resume_at is not None
    assert result.resume_at > datetime.now(UTC)


def test_a_page_that_the_end_moved_away_from_is_no_error(raw_lake: RawLake, sources: dict[str, Source]) -> None:
    """Rows are deleted before the last page is asked for: its 404 is then the end, where the contract says so."""
    source = sources["service"]
    keys = sorted(row["id"] for row in source.rows("work_orders"))
    kept = keys[: len(keys) // 2]
    gone = {"entity": "service.work_order", "keys": [[key] for key in keys[len(kept) :]]}
    # After the first page.
    source.control.faults({"kind": "meanwhile", "times": 1, "after": 1, "do": [["delete", gone]]})
    raw_lake.run("service.work_order", page_size=len(kept))
    assert [row["id"] for row in source.rows("work_orders")] == kept
    assert {row["id"] for row in raw_lake.versions("service.work_order")} == set(kept)


def test_rows_that_shifted_out_of_sight_are_there_after_a_full_refresh(
    raw_lake: RawLake, sources: dict[str, Source]
) -> None:
    """What `rows_may_shift: accepted` means: rows before the next page are deleted, and as many untouched ones never come."""
    source = sources["service"]
    keys = sorted(row["id"] for row in source.rows("work_orders"))
    gone = {"entity": "service.work_order", "keys": [[key] for key in keys[:7]]}
    source.control.faults({"kind": "meanwhile", "times": 1, "after": 1, "do": [["delete", gone]]})
    raw_lake.run("service.work_order", page_size=50)
    landed = {row["id"] for row in raw_lake.versions("service.work_order")}
    assert set(keys) - landed == set(keys[50:57])
    source.control.advance(hours=0.1)
    raw_lake.run("service.work_order", full_refresh_s=60)
    assert {row["id"] for row in raw_lake.versions("service.work_order")} >= set(keys[50:57])
    source.control.advance(hours=0.1)
    raw_lake.run("service.work_order")
    assert_raw_equals_source(raw_lake, source, "service.work_order")


@pytest.mark.parametrize("entity", ["hubspot.contact", "service.work_order"])
def test_an_error_behind_a_good_status_is_no_page(raw_lake: RawLake, sources: dict[str, Source], entity: str) -> None:
    source = source_of(sources, entity)
    source.control.fault("error_in_body", times=2, scope="rows")
    raw_lake.run(entity)
    assert_raw_equals_source(raw_lake, source, entity)
    source.control.fault("error_in_body", scope="rows")
    source.control.advance(hours=1)
    with pytest.raises(MalformedAnswer):
        raw_lake.run(entity)


def test_the_clock_that_a_body_tells_comes_before_the_header(raw_lake: RawLake, sources: dict[str, Source]) -> None:
    source = sources["service"]
    source.control.fault("clock_skew", seconds=-7200)
    raw_lake.run("service.engineer")
    assert raw_lake.state("service.engineer").watermark == from_text(source.control.state()["now"])


@pytest.mark.parametrize("entity", ["hubspot.contact", "service.work_order"])
def test_a_first_extraction_in_windows_side_by_side_lands_every_row_once(
    raw_lake: RawLake, sources: dict[str, Source], entity: str
) -> None:
    source = source_of(sources, entity)
    raw_lake.sources[source.name] = replace(raw_lake.sources[source.name], parallel_windows=3)
    raw_lake.run(entity, window_s=90 * 86_400)
    raw_lake.sources[source.name] = replace(raw_lake.sources[source.name], parallel_windows=1)
    assert_raw_equals_source(raw_lake, source, entity)
    assert len(raw_lake.versions(entity)) == len(source.rows(TABLES[entity]))
