"""The ERP's company codes, and three years of exchange rates: a walk on working days, with what makes rates hard to read.

A negative rate is an indirect quotation, yen are quoted by the hundred, and for ten days nobody entered any.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from local.simulators.instants import ERP_ZONE
from local.simulators.store import Row
from local.simulators.world import HISTORY, World

COMPANIES = {"1010": ("EUR", "K4"), "1710": ("USD", "K4"), "1210": ("GBP", "V3"), "1310": ("CHF", "K4")}
"""By company code, which is its sales organisation too: currency and fiscal year variant (V3 begins in April)."""

PER_EURO = {"USD": 1.09, "GBP": 0.86, "CHF": 0.95, "PLN": 4.3, "JPY": 163.0}
"""What a euro buys when the walk begins."""

INDIRECT = "GBP"
_BY_HUNDREDS = "JPY"
_DAILY = 0.004
_AHEAD = 60
_SATURDAY = 5
_APRIL = 4
_HOLE = range(200, 210)
_UNREADABLE = ("PLN", 300)


@dataclass(frozen=True)
class Rates:
    """Rates of type M into euros, from the beginning of the world to its now."""

    world: World

    @cached_property
    def _first(self) -> date:
        return (self.world.now - HISTORY).astimezone(ERP_ZONE).date() - timedelta(days=40)

    @property
    def _days(self) -> int:
        return (self.world.now.astimezone(ERP_ZONE).date() - self._first).days + 1

    @cached_property
    def _walks(self) -> dict[str, list[float]]:
        """Euros for one unit, by currency and day since the first."""
        walks = {}
        for currency, bought in PER_EURO.items():
            rng = self.world.rng("erp.exchange_rate", currency)
            value, walk = 1 / bought, []
            for _ in range(self._days + _AHEAD):
                walk.append(value)
                value *= 1 + rng.gauss(0, _DAILY)
            walks[currency] = walk
        return walks

    def euros(self, currency: str, day: date) -> float:
        """What one unit of a currency is worth on a day, holes and weekends included."""
        if currency == "EUR":
            return 1.0
        walk = self._walks[currency]
        return walk[min(max((day - self._first).days, 0), len(walk) - 1)]

    def converted(self, cents: int, source: str, target: str, day: date) -> int:
        """An amount in cents in another currency, rounded to what its coins allow."""
        value = cents if source == target else cents * self.euros(source, day) / self.euros(target, day)
        return rounded(value, target)

    def rows(self) -> Iterator[Row]:
        """What was entered: no weekends, no hole, and once a rate of zero."""
        for currency, walk in self._walks.items():
            days = [(number, self._first + timedelta(days=number)) for number in range(self._days)]
            entered = [(number, day) for number, day in days if day.weekday() < _SATURDAY and number not in _HOLE]
            for position, (number, day) in enumerate(entered):
                row = rate_row(currency, day, walk[number])
                if (currency, position) == _UNREADABLE:
                    row["ExchangeRate"] = "0.00000"
                yield row


def rate_row(currency: str, day: date, euros: float) -> Row:
    """One rate as it is entered: `euros` are what one unit is worth."""
    units = 100 if currency == _BY_HUNDREDS else 1
    rate = Decimal(-1 / euros if currency == INDIRECT else units * euros)
    return {
        "ExchangeRateType": "M",
        "SourceCurrency": currency,
        "TargetCurrency": "EUR",
        "ValidityStartDate": day.isoformat(),
        "ExchangeRate": str(rate.quantize(Decimal("0.00001"))),
        "NumberOfSourceCurrencyUnits": str(units),
        "NumberOfTargetCurrencyUnits": "1",
    }


def company_codes() -> Iterator[Row]:
    """The group's companies."""
    for code, (currency, variant) in COMPANIES.items():
        yield {"CompanyCode": code, "Currency": currency, "FiscalYearVariant": variant}


def rounded(cents: float, currency: str) -> int:
    """Whole cents, halves away from zero; yen have none."""
    step = 100 if currency == "JPY" else 1
    return int(cents / step + (0.5 if cents >= 0 else -0.5)) * step


def fiscal_year(company: str, day: date) -> str:
    """The year in a company's books: V3's begins in April and is named after that."""
    return str(day.year - (COMPANIES[company][1] == "V3" and day.month < _APRIL))
