"""A mart's SQL text, and the digest of what marts are made of."""

from pathlib import Path

import pytest

from lake.analytics.inputs import ModelsMissing, digest, models
from lake.analytics.model import Model, ModelError, Reference, in_order, parse

FILES = {path.stem: path.read_text("utf-8") for path in (Path(__file__).parents[3] / "glue/analytics").glob("*.sql")}


def model(name: str, body: str) -> Model:
    return parse(name, f"-- What it is,\n-- in two lines.\n-- a: one\n-- b_2: two: with a colon\n{body}")


def test_a_model_says_what_it_is_and_what_it_reads() -> None:
    found = model("m", "SELECT a, b_2 FROM {curated}.t JOIN {analytics}.u -- x: no column")
    assert found.comment == "What it is, in two lines."
    assert found.columns == {"a": "one", "b_2": "two: with a colon"}
    assert found.references == {Reference("curated", "t"), Reference("analytics", "u")}


def test_a_model_without_a_description_is_refused() -> None:
    with pytest.raises(ModelError, match=r"m\.sql must begin"):
        parse("m", "SELECT 1")


def test_placeholders_are_filled_in_and_unknown_ones_refused() -> None:
    found = model("m", "SELECT '{zone}', '^[0-9]{9}$' FROM {curated}.t")
    assert found.render({"curated": "c.d", "zone": "UTC"}).endswith("SELECT 'UTC', '^[0-9]{9}$' FROM c.d.t")
    with pytest.raises(ModelError, match=r"m\.sql: the placeholder \{curated\}"):
        found.render({"zone": "UTC"})


def test_a_mart_is_built_after_those_that_it_reads() -> None:
    first, second = model("z", "FROM {curated}.t"), model("a", "FROM {analytics}.z")
    assert [found.name for found in in_order({"a": second, "z": first})] == ["z", "a"]


def test_marts_that_read_each_other_are_refused() -> None:
    with pytest.raises(ModelError, match="in a circle: "):
        in_order({"a": model("a", "{analytics}.b"), "b": model("b", "{analytics}.a")})


def test_the_projects_own_models_can_be_read_and_ordered() -> None:
    names = [found.name for found in in_order({name: parse(name, sql) for name, sql in FILES.items()})]
    assert sorted(names) == ["customer_xref", "fct_order_lines", "mart_orders_by_month"]
    assert names.index("fct_order_lines") < names.index("mart_orders_by_month")


def test_the_digest_moves_with_each_load_and_each_change_of_the_sql() -> None:
    base = digest({"crm.account": 1, "erp.sales_order": 0}, {"m": "SELECT 1"})
    assert digest({"crm.account": 1}, {"m": "SELECT 1"}) == base
    assert digest({"crm.account": 2}, {"m": "SELECT 1"}) != base
    assert digest({"crm.account": 1}, {"m": "SELECT 2"}) != base


def test_models_that_were_not_built_into_the_package_are_missed_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelsMissing, match=r"glue/analytics"):
        models(tmp_path)
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "m.sql").write_text("SELECT 1")
    (tmp_path / "sql" / "README.md").write_text("no model")
    assert models(tmp_path) == {"m": "SELECT 1"}
