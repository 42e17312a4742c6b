"""Parts, manifests, numbers and fingerprints."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from lake.raw import fingerprint
from lake.raw.content import contents
from lake.raw.fingerprint import Fingerprints, key_text
from lake.raw.layout import data_key, fingerprints_key, keys_key, manifest_key, plan_key, report_key
from lake.raw.manifest import Counts, Manifest, Part, commit
from lake.raw.parts import PartWriter
from lake.raw.schema import row_schema
from tests.support.plans import TYPES, plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

SCHEMA = pa.schema([("a", pa.int64())])


class Folder:
    """Objects in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def upload(self, key: str, path: Path, sha256: str) -> None:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        (self.root / key).write_bytes(path.read_bytes())

    def put_new(self, key: str, body: bytes) -> bool:
        path = self.root / key
        if path.exists():
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return True

    def get(self, key: str) -> bytes | None:
        path = self.root / key
        return path.read_bytes() if path.exists() else None


def manifest(load_id: str) -> Callable[[int], Manifest]:
    made = Manifest(
        entity="erp.thing",
        load_id=load_id,
        kind="rows",
        reason="window",
        lane="live",
        plan="0" * 64,
        major=1,
        run_id="run-1",
        token=1,
        window=None,
        observed={"first": None, "last": None},
        parts=(Part("data/x", 1, 2, "3"),),
        rows=1,
        items={},
        counts=Counts(1, 1),
        sweep=None,
        checkpoint=None,
        committed_at="2026-11-16T06:00:00.000000Z",
    )
    return lambda _: made


def test_rows_roll_over_into_parts_of_the_target_size(tmp_path: Path) -> None:
    writer = PartWriter(Folder(tmp_path), SCHEMA, lambda part: f"{part}.parquet", target=20_000)
    for start in range(0, 40_000, 1000):
        writer.write(pa.RecordBatch.from_pydict({"a": range(start, start + 1000)}, schema=SCHEMA))
    parts = writer.close()
    assert len(parts) > 1
    assert [part.key for part in parts] == [f"{n}.parquet" for n in range(len(parts))]
    assert all(part.bytes >= 20_000 for part in parts[:-1])
    values = [value for part in parts for value in pq.read_table(tmp_path / part.key).column("a").to_pylist()]
    assert values == list(range(40_000))


def test_a_part_tells_the_truth_about_its_file(tmp_path: Path) -> None:
    writer = PartWriter(Folder(tmp_path), SCHEMA, lambda part: f"{part}.parquet")
    writer.write(pa.RecordBatch.from_pydict({"a": [1, 2, 3]}, schema=SCHEMA))
    (part,) = writer.close()
    body = (tmp_path / part.key).read_bytes()
    assert part == Part("0.parquet", 3, len(body), hashlib.sha256(body).hexdigest())


def test_no_rows_make_no_part(tmp_path: Path) -> None:
    writer = PartWriter(Folder(tmp_path), SCHEMA, lambda part: f"{part}.parquet")
    writer.write(pa.RecordBatch.from_pydict({"a": []}, schema=SCHEMA))
    assert writer.close() == ()
    assert list(tmp_path.iterdir()) == []


def test_loads_are_numbered_without_gaps(tmp_path: Path) -> None:
    objects = Folder(tmp_path)
    assert [commit(objects, manifest(f"load-{n}"), n) for n in range(3)] == [1, 2, 3]
    committed = json.loads(objects.get(manifest_key("erp.thing", 3)) or b"")
    assert (committed["load"], committed["load_id"], committed["format"]) == (3, "load-2", 1)


def test_a_number_that_is_taken_leads_to_the_next_one(tmp_path: Path) -> None:
    objects = Folder(tmp_path)
    commit(objects, manifest("zombie"), 0)
    commit(objects, manifest("another"), 1)
    assert commit(objects, manifest("ours"), 0) == 3
    assert json.loads(objects.get(manifest_key("erp.thing", 1)) or b"")["load_id"] == "zombie"


def test_a_load_whose_answer_was_lost_is_recognised_as_ours(tmp_path: Path) -> None:
    objects = Folder(tmp_path)
    commit(objects, manifest("ours"), 0)
    assert commit(objects, manifest("ours"), 0) == 1
    assert objects.get(manifest_key("erp.thing", 2)) is None


def test_counts_add_up() -> None:
    assert Counts(9, 4, 3, 2) + Counts(1, 1) == Counts(10, 5, 3, 2)


def fingerprints(*rows: tuple[str, str | None, str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [{"key": key, "cursor": cursor, "content": content.encode().ljust(16)} for key, cursor, content in rows],
        schema=fingerprint.SCHEMA,
    )


def test_fingerprints_know_the_latest_version_only() -> None:
    seen = Fingerprints()
    seen.add(fingerprints(("k", "1", "old"), ("k", "2", "new"), ("n", None, "x")))
    again = Fingerprints.load(seen.dump())
    asked = fingerprints(("k", "2", "new"), ("k", "1", "old"), ("other", "2", "new"), ("n", None, "x"), ("n", "1", "x"))
    assert again.knows(asked).to_pylist() == [True, False, False, True, False]
    assert len(Fingerprints.load(Fingerprints().dump())) == 0


def test_fingerprints_are_bounded_and_say_what_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "MOST", 2)
    seen = Fingerprints()
    for key in ("a", "b", "c", "a"):
        seen.add(fingerprints((key, None, key * 2)))
    assert (seen.rows.column("key").to_pylist(), seen.left_out) == (["a", "b"], 1)


def test_keys_that_ended_leave_the_fingerprints() -> None:
    seen = Fingerprints(fingerprints(("a", "1", "x"), ("b", "1", "x")))
    assert seen.without(pa.array(["b", "c"])).rows.column("key").to_pylist() == ["a"]


def test_the_content_of_a_row_is_what_the_source_sent() -> None:
    schema = row_schema(plan({"Text": "string"}))

    def content_of(**values: object) -> bytes:
        row = pa.RecordBatch.from_pylist([{"Key": "k", "Text": "x", "_row": 1, "_cursor": "c"} | values], schema=schema)
        return bytes(contents(row)[0].as_py())

    assert content_of(_row=7, _cursor="d") == content_of()
    for changed in ({"Text": "y"}, {"Text": None}, {"_unfit": "{}"}, {"_unmapped": '{"New":1}'}):
        assert content_of(**changed) != content_of()


texts = st.none() | st.sampled_from(["", "-", "1:a", "a", "1", "0:", "]"])
rows_of_texts = st.fixed_dictionaries(
    {
        "Key": texts,
        "Text": texts,
        "to_Item": st.none() | st.lists(st.fixed_dictionaries({"A": texts, "B": texts}), max_size=2),
    }
)


@given(st.lists(rows_of_texts, min_size=2, max_size=4))
def test_contents_are_equal_just_where_rows_are(rows: list[dict[str, Any]]) -> None:
    schema = row_schema(plan({"Text": "string"}, items={"A": "string", "B": "string"}))
    batch = pa.RecordBatch.from_pylist(rows, schema=schema)
    digests = contents(batch).to_pylist()
    for one, other in itertools.combinations(range(len(rows)), 2):
        assert (digests[one] == digests[other]) == (rows[one] == rows[other])
    assert contents(batch.slice(1)).to_pylist() == digests[1:]
    assert contents(batch.filter(pa.array([place > 0 for place in range(len(rows))]))).to_pylist() == digests[1:]


def test_key_texts_differ_where_keys_do() -> None:
    keys = [("a", "b"), ("a,b", ""), ('a","b', ""), (None, "b"), ("null", "b"), ("None", "b")]
    assert len({key_text(key) for key in keys}) == len(keys)


def test_each_kind_of_object_has_its_own_prefix() -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    at = datetime(2026, 11, 16, 23, 59, tzinfo=UTC)
    assert [
        data_key("erp.thing", 2, at, "L", 3),
        keys_key("erp.thing", "L", 0),
        manifest_key("erp.thing", 17),
        fingerprints_key("erp.thing", "L"),
        plan_key("ab"),
        report_key("run-1"),
    ] == [
        "data/erp/thing/major=2/loaded_on=2026-11-16/L-00003.parquet",
        "keys/erp/thing/L-00000.parquet",
        "manifests/erp/thing/000000000017.json",
        "fingerprints/erp/thing/L.parquet",
        "plans/ab.json",
        "runs/run-1.json",
    ]


def test_a_row_file_has_a_column_for_each_field() -> None:
    types = {item.name: str(item.type) for item in row_schema(plan(TYPES))}
    assert types == {
        "Key": "string",
        "Text": "string",
        "Flag": "bool",
        "Count": "int64",
        "Amount": "decimal128(7, 2)",
        "Day": "date32[day]",
        "Clock": "string",
        "Instant": "timestamp[us, tz=UTC]",
        "Fine": "string",
        "_row": "int64",
        "_observed_at": "timestamp[us, tz=UTC]",
        "_cursor": "string",
        "_unfit": "string",
        "_unmapped": "string",
    }
