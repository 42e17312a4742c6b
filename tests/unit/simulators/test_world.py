"""The generated world: the same for the same seed, with the dirt it promises, and a day in which all of it happens."""

import hashlib
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from local.simulators.client import Simulator
from local.simulators.day import day_of_changes
from local.simulators.generate import open_store
from local.simulators.instants import clock_text, default_now
from local.simulators.names import ODD_TEXTS
from local.simulators.store import Store
from local.simulators.world import case_safe

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


def digest(directory: Path, source: str) -> str:
    return hashlib.sha256((directory / f"{source}.sqlite").read_bytes()).hexdigest()


def made(directory: Path, source: str, seed: int = 7) -> Store:
    return open_store(source, directory, seed, "S", NOW)


@pytest.mark.parametrize("source", ["crm", "erp"])
def test_the_same_seed_gives_the_same_bytes_also_after_days_of_changes(tmp_path: Path, source: str) -> None:
    digests = []
    for name, seed in (("one", 7), ("two", 7), ("three", 8)):
        store = made(tmp_path / name, source, seed)
        for day in (1, 2):
            with store.transaction():
                day_of_changes(store, NOW + timedelta(days=day))
        store.close()
        digests.append(digest(tmp_path / name, source))

    assert digests[0] == digests[1] != digests[2]


def test_an_existing_database_is_kept_with_its_clock(tmp_path: Path) -> None:
    store = made(tmp_path, "erp")
    store.set_meta("now", "2026-11-17T00:00:00Z")
    store.close()

    assert clock_text(open_store("erp", tmp_path, 9, "S", NOW).now) == "2026-11-17T00:00:00Z"


def test_both_sources_know_the_same_companies(tmp_path: Path) -> None:
    crm, erp = made(tmp_path, "crm"), made(tmp_path, "erp")
    matches = dict(tuple(row) for row in crm.read("SELECT key, value FROM _truth WHERE subject = 'match'"))
    numbers = dict(tuple(row) for row in erp.read("SELECT BusinessPartner, Customer FROM A_BusinessPartner"))
    accounts = crm.read("SELECT Id, ERP_Customer_Number__c AS number FROM Account")

    assert set(matches.values()) <= numbers.keys()
    assert max(Counter(matches.values()).values()) == 2
    given = [(numbers[matches[row["Id"]]], row["number"]) for row in accounts if row["number"]]
    right = sum(customer == number.zfill(10) for customer, number in given)
    assert 0.9 < right / len(given) < 1
    assert 0.4 < right / len(matches) < 0.7


def test_orders_follow_three_years_of_customers(tmp_path: Path) -> None:
    erp = made(tmp_path, "erp")
    lines = Counter(row[0] for row in erp.read("SELECT SalesOrder FROM A_SalesOrderItem"))
    customers = {row[0] for row in erp.read("SELECT Customer FROM A_BusinessPartner WHERE Customer <> ''")}
    buyers = Counter(row[0] for row in erp.read("SELECT SoldToParty FROM A_SalesOrder"))
    first, last = erp.read("SELECT MIN(CreationDate), MAX(CreationDate) FROM A_SalesOrder")[0]

    assert lines.most_common(1)[0][1] == 999
    assert abs(lines.total() - 999 - 2_000) < 300
    assert set(buyers) - customers == {"0000999999"}
    assert buyers.most_common(1)[0][1] > 10 * buyers.total() / len(customers)
    assert (first[:7], last[:7]) == ("2023-12", "2026-11")


def test_the_promised_dirt_is_there_even_in_the_smallest_world(tmp_path: Path) -> None:
    erp, crm = made(tmp_path, "erp"), made(tmp_path, "crm")
    texts = {row[0] for row in erp.read("SELECT ExternalDocumentID FROM A_SalesOrder")}
    names = " ".join(row[0] for row in crm.read("SELECT Name FROM Account"))
    sums: dict[str, Decimal] = Counter()  # type: ignore[assignment]
    for row in erp.read("SELECT SalesOrder, NetAmount FROM A_SalesOrderItem WHERE SalesDocumentRjcnReason = ''"):
        sums[row[0]] += Decimal(row[1])
    totals = erp.read("SELECT SalesOrder, TotalNetAmount FROM A_SalesOrder")

    assert {ODD_TEXTS[0], ODD_TEXTS[1], ODD_TEXTS[2], ODD_TEXTS[4]} <= texts
    assert "🚜" in names
    assert "\x00" in names
    assert [row[0] for row in totals if Decimal(row[1]) != sums.get(row[0], Decimal(0))]
    assert erp.read("SELECT 1 FROM A_SalesOrder WHERE LastChangeDateTime IS NULL")
    assert erp.read("SELECT 1 FROM A_BusinessPartner WHERE LastChangeDate IS NULL")
    yen = erp.read("SELECT TotalNetAmount FROM A_SalesOrder WHERE TransactionCurrency = 'JPY'")
    assert {row[0][-4:] for row in yen} == {".000"}


def test_the_truth_names_what_breaks_an_error_rule(tmp_path: Path) -> None:
    erp = made(tmp_path, "erp")
    named = {tuple(row) for row in erp.read("SELECT rule, key FROM _truth WHERE subject = 'quarantine'")}
    negative = {row[0] for row in erp.read("SELECT SalesOrder FROM A_SalesOrderItem WHERE RequestedQuantity LIKE '-%'")}
    odd = {
        row[0]
        for row in erp.read("SELECT BusinessPartner FROM A_BusinessPartner WHERE BusinessPartnerCategory IN ('4','9')")
    }

    assert len(negative) >= 2
    assert len(odd) >= 2
    assert {key for rule, key in named if rule.startswith("erp.sales_order")} == negative
    assert {key for rule, key in named if rule.startswith("erp.business_partner")} == odd


@pytest.mark.parametrize("source", ["crm", "erp"])
def test_a_day_makes_each_kind_of_change_and_holds_some_back_for_25_minutes(tmp_path: Path, source: str) -> None:
    store, end = made(tmp_path, source), NOW + timedelta(days=1)
    with store.transaction():
        summary = day_of_changes(store, end)

    done = summary["done"]
    assert isinstance(done, dict)
    assert all(count > 0 for count in done.values()), done
    assert summary["now"] == clock_text(store.now) == clock_text(end)
    late = [row[0] for row in store.read("SELECT DISTINCT visible_at FROM _pending")]
    assert late == ["2026-11-17T06:24:00Z"]


def test_a_days_stamps_lie_within_the_day(tmp_path: Path) -> None:
    store = made(tmp_path, "erp")
    with store.transaction():
        day_of_changes(store, NOW + timedelta(days=1))

    latest, ties = store.read(
        "SELECT MAX(LastChangeDateTime), MAX(n) FROM "
        "(SELECT LastChangeDateTime, COUNT(*) AS n FROM A_SalesOrder GROUP BY LastChangeDateTime)"
    )[0]
    assert "2026-11-16T06:00:00" < latest < "2026-11-17T06:00:00"
    assert ties > 150


def test_a_day_brings_a_vat_number_that_an_account_has_had_all_along(tmp_path: Path) -> None:
    crm, erp = made(tmp_path, "crm"), made(tmp_path, "erp")
    before = {tuple(row) for row in erp.read("SELECT BusinessPartner, BPTaxNumber FROM A_BusinessPartnerTaxNumber")}
    with erp.transaction():
        day_of_changes(erp, NOW + timedelta(days=1))

    after = {tuple(row) for row in erp.read("SELECT BusinessPartner, BPTaxNumber FROM A_BusinessPartnerTaxNumber")}
    ((partner, vat),) = after - before
    accounts = crm.read(
        "SELECT VAT_Number__c FROM Account JOIN _truth ON key = Id WHERE subject = 'match' AND value = ? "
        "AND ERP_Customer_Number__c IS NULL",
        (partner,),
    )
    assert vat in {"".join(filter(str.isalnum, row[0].upper())) for row in accounts}


def test_deleted_orders_are_remembered(tmp_path: Path) -> None:
    store = made(tmp_path, "erp")
    with store.transaction():
        day_of_changes(store, NOW + timedelta(days=1))

    sql = "SELECT key FROM _deleted WHERE initial = 1 AND entity = 'erp.sales_order'"
    gone = {row[0].strip('["]') for row in store.read(sql)}
    there = {row[0] for row in store.read("SELECT SalesOrder FROM A_SalesOrder")}
    assert len(gone) == 5
    assert gone.isdisjoint(there)


@pytest.mark.parametrize(
    ("short", "long"),
    [("0015g00000ExbxD", "0015g00000ExbxDAAR"), ("001000000000000", "001000000000000AAA")],
)
def test_ids_end_in_what_makes_them_safe_from_case(short: str, long: str) -> None:
    assert case_safe(short) == long


def test_simulated_time_starts_in_the_morning_a_week_ago() -> None:
    assert default_now(datetime(2026, 11, 23, 11, tzinfo=UTC).date()) == NOW


def test_a_process_serves_says_so_and_stops_at_sigterm(tmp_path: Path) -> None:
    with simulator("crm", "--data", str(tmp_path), "--now", NOW.isoformat()) as (process, line):
        url, _, clock = line.removeprefix("crm ready at ").partition(", clock ")
        state = Simulator(url).state()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0

    assert clock == "2026-11-16T06:00:00Z\n"
    assert (state["now"], state["seed"], state["rows"]["crm.account"]) == ("2026-11-16T06:00:00Z", 7, 240)


def test_what_cannot_be_served_is_refused_with_the_reason(tmp_path: Path) -> None:
    with simulator("crm", "--data", str(tmp_path)) as (_, line):
        port = line.partition(", clock ")[0].rpartition(":")[2]

        assert f"port {port} cannot be taken" in refusal("--data", str(tmp_path), "--port", port)
        assert "holds a world of seed 7 and size S" in refusal("--data", str(tmp_path), "--seed", "8")
        assert "later than real time" in refusal("--data", str(tmp_path), "--now", "2999-01-01T00:00:00Z")


@contextmanager
def simulator(source: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process of its own on a free port, and the line that says it is ready."""
    command = [sys.executable, "-m", "local.simulators", source, "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.terminate()


def refusal(*arguments: str) -> str:
    """What a CRM that cannot be started says."""
    command = [sys.executable, "-m", "local.simulators", "crm", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    return done.stderr
