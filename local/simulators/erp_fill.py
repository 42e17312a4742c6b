"""Puts the ERP's master data and what came of its orders into a new store, and writes down what there is in truth."""

from collections import defaultdict
from collections.abc import Iterable

from local.simulators import erp_schema as sets
from local.simulators.instants import clock_text
from local.simulators.masters import Document, customers, products
from local.simulators.orders import Order
from local.simulators.rates import company_codes
from local.simulators.store import Row, Store
from local.simulators.trade import Trade

_BY_NAME = {entity.set_name: entity for entity in sets.ERP_SETS}
_TRUTH = """
INSERT INTO _truth
SELECT 'quarantine', 'erp.product: no BaseUnit', Product, '' FROM A_Product WHERE BaseUnit = ''
UNION ALL
SELECT 'quarantine', 'erp.product: PriceUnitQty <= 0', Product, ''
FROM A_ProductValuation WHERE CAST(PriceUnitQty AS INTEGER) <= 0 GROUP BY Product
UNION ALL
SELECT 'quarantine', 'erp.outbound_delivery: quantity < 0', DeliveryDocument, ''
FROM A_OutbDeliveryItem WHERE CAST(ActualDeliveredQtyInBaseUnit AS REAL) < 0 GROUP BY DeliveryDocument
UNION ALL
SELECT 'quarantine', 'erp.exchange_rate: rate 0',
       ExchangeRateType || '/' || SourceCurrency || '/' || TargetCurrency || '/' || ValidityStartDate, ''
FROM I_ExchangeRateRawData WHERE CAST(ExchangeRate AS REAL) = 0
UNION ALL
SELECT 'total', 'A_BillingDocumentItem: NetAmount in thousandths by category', SDDocumentCategory || '/' || TransactionCurrency,
       CAST(SUM(CAST(REPLACE(NetAmount, '.', '') AS INTEGER)) AS TEXT)
FROM A_BillingDocumentItem JOIN (
    SELECT BillingDocument, SDDocumentCategory, TransactionCurrency FROM A_BillingDocument) USING (BillingDocument)
GROUP BY SDDocumentCategory, TransactionCurrency
UNION ALL
SELECT 'total', 'A_OperationalAcctgDocItemCube: open receivables in thousandths', CompanyCode || '/' || TransactionCurrency,
       CAST(SUM(CAST(REPLACE(AmountInTransactionCurrency, '.', '') AS INTEGER)) AS TEXT)
FROM A_OperationalAcctgDocItemCube WHERE FinancialAccountType = 'D' AND IsCleared = 0
GROUP BY CompanyCode, TransactionCurrency
"""


def fill_masters(store: Store, trade: Trade) -> None:
    """Company codes, rates, customers and products."""
    visible = clock_text(trade.world.now)
    store.insert(sets.COMPANY_CODE, company_codes(), visible)
    store.insert(sets.EXCHANGE_RATE, trade.rates.rows(), visible)
    _documents(store, "A_Customer", customers(trade.world), visible)
    _documents(store, "A_Product", products(trade.world), visible)


def fill_trade(store: Store, trade: Trade, chunk: Iterable[Order]) -> None:
    """What came of some orders."""
    rows = defaultdict[str, list[Row]](list)
    for order in chunk:
        for name, row in trade.follow(order):
            rows[name].append(row)
    for name, found in rows.items():
        store.insert(_BY_NAME[name], found, clock_text(trade.world.now))


def write_truth(store: Store) -> None:
    """What breaks an error rule, and what there is in all."""
    store.write(_TRUTH)


def _documents(store: Store, name: str, documents: Iterable[Document], visible: str) -> None:
    rows = defaultdict[str, list[Row]](list)
    for document in documents:
        rows[name].append(document.row)
        for below, found in document.below.items():
            rows[below] += found
    for each, found in rows.items():
        store.insert(_BY_NAME[each], found, visible)
