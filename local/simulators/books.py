"""The receivables that billing documents leave in the books, and how customers pay them.

Amounts are signed: what a customer owes is positive and a debit (S). A payment is a line of its own, cleared by itself. A few
lines of other accounts (type S) stand among them, which are no receivables.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random

from local.simulators.invoicing import SIGN, Invoice
from local.simulators.masters import TERMS, terms
from local.simulators.orders import amount, cents
from local.simulators.rates import COMPANIES, Rates, fiscal_year
from local.simulators.shipping import today
from local.simulators.store import Row
from local.simulators.world import World

_PAID = 1_400_000_000
_PART_PAID = 1_500_000_000
_FIRST_IN_BOOKS = 1_800_000_000
_HABITS = ((-2, 4), (-2, 4), (-2, 4), (-2, 4), (-2, 4), (-2, 4), (-2, 4), (12, 8), (12, 8), (35, 20))
"""Days that a payer is late, mean and spread: most are in time, some are not, few never are."""


@dataclass(frozen=True)
class Books:
    """The customers' accounts."""

    rates: Rates

    def lines(self, invoice: Invoice, reversed_by: Invoice | None) -> Iterator[Row]:
        """What a billing document leaves in the books up to now: its receivable, and the payment where there is one."""
        sign = SIGN.get(str(invoice.row["SDDocumentCategory"]))
        if sign is None or not invoice.row["AccountingDocument"]:
            return
        number = int(str(invoice.row["AccountingDocument"])) - _FIRST_IN_BOOKS
        rng = self.rates.world.rng("erp.receivable_item", number)
        line = self.line(invoice, sign * invoice.gross)
        paid = self._paid(rng, line)
        if invoice.reverses is not None:
            line |= clearing(invoice.day, str(invoice.row["AccountingDocument"]))
        elif reversed_by is not None:
            line |= clearing(reversed_by.day, str(reversed_by.row["AccountingDocument"])) | {"IsReversed": 1}
        elif paid is not None and paid <= today(self.rates.world):
            line |= clearing(paid, f"{_PAID + number:010d}")
            yield self.payment(line, paid)
        elif rng.random() < 0.03 or number % 1000 == 130:
            yield self._part_payment(line, f"{_PART_PAID + number:010d}")
        if rng.random() < 0.002:
            line["NetDueDate"] = None
        yield line
        if number % 100 == 10:
            yield line | {
                "AccountingDocumentItem": "002",
                "FinancialAccountType": "S",
                "Customer": "",
                "GLAccount": "0041000000",
            }

    def line(self, invoice: Invoice, gross: int) -> Row:
        """An open receivable of so many cents."""
        company, currency = str(invoice.row["CompanyCode"]), str(invoice.row["TransactionCurrency"])
        customer = str(invoice.row["SoldToParty"])
        due = invoice.day + timedelta(days=TERMS[terms(self.rates.world, customer)] if gross > 0 else 0)
        own = COMPANIES[company][0]
        row: Row = {
            "CompanyCode": company,
            "FiscalYear": fiscal_year(company, invoice.day),
            "AccountingDocument": invoice.row["AccountingDocument"],
            "AccountingDocumentItem": "001",
            "FinancialAccountType": "D",
            "Customer": customer,
            "PostingDate": invoice.day.isoformat(),
            "AccountingDocumentCreationDate": invoice.day.isoformat(),
            "NetDueDate": due.isoformat(),
            "TransactionCurrency": currency,
            "CompanyCodeCurrency": own,
            "SpecialGLCode": "",
            "IsReversed": 0,
            "InvoiceReference": "",
            "InvoiceReferenceFiscalYear": "0000",
            "BillingDocument": invoice.row["BillingDocument"],
            "GLAccount": "0012100000" if currency == own else "0012120000",
        }
        return row | self._amounts(row, gross, invoice.day) | OPEN

    def payment(self, line: Row, day: date) -> Row:
        """The payment of a receivable: the opposite amount in a document of its own, which clears both."""
        gross = -cents(str(line["AmountInTransactionCurrency"]))
        row = line | {
            "FiscalYear": fiscal_year(str(line["CompanyCode"]), day),
            "AccountingDocument": line["ClearingAccountingDocument"],
            "PostingDate": day.isoformat(),
            "AccountingDocumentCreationDate": day.isoformat(),
            "NetDueDate": day.isoformat(),
            "BillingDocument": "",
        }
        return row | self._amounts(row, gross, day)

    def _part_payment(self, line: Row, number: str) -> Row:
        """Half of it, not cleared: it names the invoice that it reduces."""
        gross = -(cents(str(line["AmountInTransactionCurrency"])) // 200 * 100)
        row = line | {
            "AccountingDocument": number,
            "BillingDocument": "",
            "InvoiceReference": line["AccountingDocument"],
            "InvoiceReferenceFiscalYear": line["FiscalYear"],
        }
        return row | self._amounts(row, gross, date.fromisoformat(str(line["PostingDate"])))

    def _amounts(self, row: Row, gross: int, day: date) -> Row:
        source, own = str(row["TransactionCurrency"]), str(row["CompanyCodeCurrency"])
        return {
            "DebitCreditCode": "S" if gross >= 0 else "H",
            "AmountInTransactionCurrency": amount(gross),
            "AmountInCompanyCodeCurrency": amount(self.rates.converted(gross, source, own, day)),
        }

    def _paid(self, rng: Random, line: Row) -> date | None:
        """When the customer pays, by habit; credits are not paid out."""
        mean, spread = _habit(self.rates.world, str(line["Customer"]))
        days = round(rng.gauss(mean, spread))
        if line["DebitCreditCode"] == "H":
            return None
        posted, due = (date.fromisoformat(str(line[name])) for name in ("PostingDate", "NetDueDate"))
        return max(posted, due + timedelta(days=days))


@cache
def _habit(world: World, customer: str) -> tuple[int, int]:
    return world.rng("payer", customer).choice(_HABITS)


OPEN: Row = {
    "ClearingDate": None,
    "ClearingCreationDate": None,
    "ClearingAccountingDocument": "",
    "IsCleared": 0,
}
"""What a line says of its clearing before there is one."""


def clearing(day: date, document: str) -> Row:
    """What a line says once it is cleared."""
    return {
        "ClearingDate": day.isoformat(),
        "ClearingCreationDate": day.isoformat(),
        "ClearingAccountingDocument": document,
        "IsCleared": 1,
    }
