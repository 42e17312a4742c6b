"""The ERP's day beside partners and orders: goods leave, invoices are cancelled and paid, rates and prices change."""

# ruff: noqa: S608  names come from the schema; values are bound

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from local.simulators import changes
from local.simulators import erp_schema as sets
from local.simulators.books import OPEN, Books, clearing
from local.simulators.changes import Moment
from local.simulators.fields import Entity
from local.simulators.instants import ERP_ZONE, parse_instant
from local.simulators.invoicing import Invoice, cancellation, debit, next_slot
from local.simulators.orders import amount, cents
from local.simulators.rates import PER_EURO, Rates, rate_row
from local.simulators.shipping import issue
from local.simulators.span import Day
from local.simulators.store import Key, Row
from local.simulators.world import World

_FRIDAY = 4
_UNSTAMPED = Moment("none")
_LINE, _INVOICE, _DELIVERY = sets.RECEIVABLE_ITEM, sets.BILLING_DOCUMENT, sets.OUTBOUND_DELIVERY


def trade_day(day: Day, world: World) -> dict[str, int]:
    """What happens, and how often."""
    # Rates go on from where they began, whatever day it is.
    rates = Rates(replace(world, now=parse_instant(day.store.meta("start"))))
    books = Books(rates)
    return {
        "deliveries_issued": _issue(day, 3),
        "deliveries_confirmed": _confirm(day, 5),
        "deliveries_deleted": _erase(day, 1),
        "clearings_without_stamp": _clear(day, books, 300),
        "clearings_undone": _undo(day, 2),
        "invoices_cancelled": _cancel(day, books, 1),
        "invoices_added": _bill(day, books, 3),
        "invoices_without_stamp": _unstamp(day, 1),
        "rates_corrected": _correct(day, 1),
        "rates_entered": _enter(day, rates),
        "customers_changed": _change_terms(day, max(3, world.size.customers // 50)),
        "prices_changed": _reprice(day, max(3, world.size.products // 50)),
    }


def _today(day: Day) -> date:
    return day.end.astimezone(ERP_ZONE).date()


def _found(day: Day, entity: Entity, count: int, where: str = "TRUE") -> list[Row]:
    """Up to `count` visible rows by chance, each of another document."""
    columns = ", ".join(entity.columns)
    now = day.start.strftime("%Y-%m-%dT%H:%M:%SZ")
    sql = f"SELECT {columns} FROM {entity.set_name} WHERE _visible_at <= ? AND {where} ORDER BY {', '.join(entity.key)}"
    rows = [dict(zip(entity.columns, row, strict=True)) for row in day.store.read(sql, (now,))]
    return day.rng.sample(rows, min(count, len(rows)))


def _key(entity: Entity, row: Row) -> Key:
    return tuple(str(row[name]) for name in entity.key)


def _change(day: Day, entity: Entity, row: Row, columns: Row, moment: Moment) -> None:
    changes.change(day.store, entity, _key(entity, row), columns, moment)


def _issue(day: Day, count: int) -> int:
    """Goods leave, and the change stamp is a day; one of them is seen later than stamped."""
    rows = _found(day, _DELIVERY, count, "ActualGoodsMovementDate IS NULL")
    for nth, row in enumerate(rows):
        at = day.stamp()
        moment, left = (day.late, _today(day)) if nth == 0 else (Moment(at), at.astimezone(ERP_ZONE).date())
        _change(day, _DELIVERY, row, issue(row, left, proven=False), moment)
    return len(rows)


def _confirm(day: Day, count: int) -> int:
    """Customers say when old deliveries came."""
    rows = _found(day, _DELIVERY, count, "ProofOfDeliveryDate IS NULL AND ActualGoodsMovementDate IS NOT NULL")
    for row in rows:
        came = date.fromisoformat(str(row["ActualGoodsMovementDate"])) + timedelta(days=1)
        _change(day, _DELIVERY, row, {"ProofOfDeliveryDate": came.isoformat()}, Moment(day.stamp()))
    return len(rows)


def _erase(day: Day, count: int) -> int:
    rows = _found(day, _DELIVERY, count)
    changes.delete(day.store, _DELIVERY, [_key(_DELIVERY, row) for row in rows], Moment(), hard=True)
    return len(rows)


def _clear(day: Day, books: Books, most: int) -> int:
    """Customers pay a third of what they owe; the day of entry, the only stamp, stays as it is."""
    is_owed = "FinancialAccountType = 'D' AND IsCleared = 0 AND DebitCreditCode = 'S'"
    owed = day.store.read(f"SELECT COUNT(*) FROM {_LINE.set_name} WHERE {is_owed}")[0][0]
    rows = _found(day, _LINE, min(most, -(-owed // 3)), is_owed)
    for row in rows:
        (last,) = day.store.read(f"SELECT MAX(AccountingDocument) FROM {_LINE.set_name} WHERE BillingDocument = ''")[0]
        columns = clearing(_today(day), f"{int(last) + 1:010d}")
        changes.insert(day.store, _LINE, books.payment(row | columns, _today(day)), _UNSTAMPED)
        _change(day, _LINE, row, columns, _UNSTAMPED)
    return len(rows)


def _undo(day: Day, count: int) -> int:
    """A clearing is reset: both lines are open again."""
    rows = _found(
        day, _LINE, count, "FinancialAccountType = 'D' AND IsCleared = 1 AND BillingDocument <> '' AND IsReversed = 0"
    )
    for row in rows:
        together = f"FinancialAccountType = 'D' AND ClearingAccountingDocument = '{row['ClearingAccountingDocument']}'"
        for line in _found(day, _LINE, 9, together):
            _change(day, _LINE, line, OPEN, _UNSTAMPED)
    return len(rows)


def _cancel(day: Day, books: Books, count: int) -> int:
    """An old invoice is taken back: a document of the same amounts, which clears it in the books."""
    is_open = "SELECT BillingDocument FROM A_OperationalAcctgDocItemCube WHERE IsReversed = 0"
    rows = _found(day, _INVOICE, count, f"SDDocumentCategory = 'M' AND BillingDocument IN ({is_open})")
    for row in rows:
        invoice = Invoice(row, _items(day, row))
        found = cancellation(invoice, next_slot(day.store), _today(day))
        line = books.line(found, -found.gross)
        columns = clearing(_today(day), str(found.row["AccountingDocument"]))
        _bring(day, found, [line | columns])
        for owed in _found(
            day, _LINE, 1, f"FinancialAccountType = 'D' AND BillingDocument = '{row['BillingDocument']}'"
        ):
            _change(day, _LINE, owed, columns | {"IsReversed": 1}, _UNSTAMPED)
    return len(rows)


def _bill(day: Day, books: Books, count: int) -> int:
    """What was billed too low is billed again, as a debit; one of these is seen later than stamped."""
    rows = _found(day, _INVOICE, count, "SDDocumentCategory = 'M'")
    for nth, row in enumerate(rows):
        found = debit(Invoice(row, _items(day, row)[:1]), next_slot(day.store), _today(day))
        _bring(day, found, [books.line(found, found.gross)], day.late if nth == 0 else None)
    return len(rows)


def _bring(day: Day, invoice: Invoice, lines: Iterable[Row], moment: Moment | None = None) -> None:
    row: dict[str, object] = {**invoice.row, "to_Item": invoice.items}
    # Insert stamps by its moment.
    del row["LastChangeDateTime"]
    changes.insert(day.store, _INVOICE, row, moment or Moment(day.stamp7()))
    for line in lines:
        changes.insert(day.store, _LINE, line, moment or _UNSTAMPED)


def _items(day: Day, invoice: Row) -> list[Row]:
    item = sets.BILLING_DOCUMENT_ITEM
    sql = (
        f"SELECT {', '.join(item.columns)} FROM {item.set_name} WHERE BillingDocument = ? ORDER BY BillingDocumentItem"
    )
    return [dict(zip(item.columns, row, strict=True)) for row in day.store.read(sql, (invoice["BillingDocument"],))]


def _unstamp(day: Day, count: int) -> int:
    """A change that leaves no stamp behind: it becomes null."""
    rows = _found(day, _INVOICE, count)
    for row in rows:
        _change(day, _INVOICE, row, {"SoldToParty": row["SoldToParty"]}, Moment(None))
    return len(rows)


def _correct(day: Day, count: int) -> int:
    """An old rate turns out to be wrong."""
    rows = _found(day, sets.EXCHANGE_RATE, count, "CAST(ExchangeRate AS REAL) > 0")
    for row in rows:
        whole, fraction = str(row["ExchangeRate"]).split(".")
        corrected = f"{whole}.{(int(fraction) + 1) % 100_000:05d}"
        _change(day, sets.EXCHANGE_RATE, row, {"ExchangeRate": corrected}, _UNSTAMPED)
    return len(rows)


def _enter(day: Day, rates: Rates) -> int:
    """The day's rates, on a weekend those of its Friday where nobody entered them."""
    today = _today(day)
    working = today - timedelta(days=max(0, today.weekday() - _FRIDAY))
    entered = [rate_row(currency, working, rates.euros(currency, working)) for currency in PER_EURO]
    new = [row for row in entered if day.store.get(sets.EXCHANGE_RATE, _key(sets.EXCHANGE_RATE, row)) is None]
    for row in new:
        changes.insert(day.store, sets.EXCHANGE_RATE, row, _UNSTAMPED)
    return len(new)


def _change_terms(day: Day, count: int) -> int:
    """Customers get other terms of payment; nothing is stamped."""
    rows = _found(day, sets.CUSTOMER_COMPANY, count)
    for row in rows:
        terms = "Z060" if row["PaymentTerms"] != "Z060" else "Z014"
        _change(day, sets.CUSTOMER_COMPANY, row, {"PaymentTerms": terms}, _UNSTAMPED)
    return len(rows)


def _reprice(day: Day, count: int) -> int:
    """Prices go up by a twentieth; one of them is seen later than stamped."""
    rows = _found(day, sets.PRODUCT_VALUATION, count)
    for nth, row in enumerate(rows):
        price = amount(cents(str(row["StandardPrice"])) * 21 // 20)
        moment = day.late if nth == 0 else Moment(day.stamp7())
        _change(day, sets.PRODUCT_VALUATION, row, {"StandardPrice": price}, moment)
    return len(rows)
