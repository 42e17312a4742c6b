"""Fills a new store from its seed and writes down the truth that the lake is measured by.

`_truth` holds (subject, rule, key, value): `match` rows say which account is which partner in truth, `product` rows which
product of the CRM is which material, `order` rows which opportunity became which order, `quarantine` rows which documents
break which error rule at the start, `total` rows what there is.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import batched
from pathlib import Path

from local.simulators import crm_people, crm_products, crowd, schema
from local.simulators.erp_fill import fill_masters, fill_trade, write_truth
from local.simulators.instants import clock_text
from local.simulators.opportunities import opportunities
from local.simulators.orders import orders
from local.simulators.store import Store
from local.simulators.trade import Trade
from local.simulators.world import SIZES, World, accounts, partners

_CHUNK = 500

_QUARANTINE = """
INSERT INTO _truth
SELECT 'quarantine', 'erp.sales_order: RequestedQuantity < 0', SalesOrder, ''
FROM A_SalesOrderItem WHERE CAST(RequestedQuantity AS REAL) < 0 GROUP BY SalesOrder
UNION ALL
SELECT 'quarantine', 'erp.business_partner: category not 1-3', BusinessPartner, ''
FROM A_BusinessPartner WHERE BusinessPartnerCategory NOT IN ('1', '2', '3')
UNION ALL
SELECT 'total', 'A_SalesOrder: orders', TransactionCurrency, CAST(COUNT(*) AS TEXT)
FROM A_SalesOrder GROUP BY TransactionCurrency
UNION ALL
SELECT 'total', 'A_SalesOrderItem: unrejected NetAmount in thousandths', TransactionCurrency,
       CAST(SUM(CAST(REPLACE(NetAmount, '.', '') AS INTEGER)) AS TEXT)
FROM A_SalesOrderItem JOIN A_SalesOrder USING (SalesOrder)
WHERE SalesDocumentRjcnReason = '' GROUP BY TransactionCurrency
"""


_CRM_TRUTH = """
INSERT INTO _truth
SELECT 'quarantine', 'crm.opportunity: Probability not 0-100', Id, ''
FROM Opportunity WHERE CAST(Probability AS INTEGER) NOT BETWEEN 0 AND 100
UNION ALL
SELECT 'total', 'Opportunity: won Amount in hundredths', CurrencyIsoCode,
       CAST(SUM(CAST(REPLACE(Amount, '.', '') AS INTEGER)) AS TEXT)
FROM Opportunity WHERE IsWon = 1 AND IsDeleted = 0 GROUP BY CurrencyIsoCode
"""


def open_store(source: str, directory: Path, seed: int, size: str, now: datetime) -> Store:
    """The source's store in `directory`, generated where it is absent; a half-made one is never left behind."""
    path = directory / f"{source}.sqlite"
    if path.exists():
        return Store(path)
    directory.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    store = Store.create(unfinished, source, now, seed, size)
    with store.transaction():
        _FILL[source](store, World(seed, SIZES[size], now))
    store.close()
    unfinished.rename(path)
    return Store(path)


def _fill_crm(store: Store, world: World) -> None:
    visible = clock_text(world.now)
    for chunk in batched(accounts(world), _CHUNK, strict=False):
        store.insert(schema.ACCOUNT, (account.row for account in chunk), visible)
        _true(store, "match", "same company", ((str(a.row["Id"]), a.partner) for a in chunk))
    store.insert(schema.USER, crm_people.users(world), visible)
    store.insert(schema.CRM_CONTACT, crm_people.contacts(world), visible)
    for product_chunk in batched(crm_products.products(world), _CHUNK, strict=False):
        store.insert(schema.CRM_PRODUCT, (product.row for product in product_chunk), visible)
        _true(store, "product", "same product", ((str(p.row["Id"]), p.material) for p in product_chunk))
    for deal_chunk in batched(opportunities(world), _CHUNK, strict=False):
        store.insert(schema.OPPORTUNITY, (deal.row for deal in deal_chunk), visible)
        store.insert(schema.OPPORTUNITY_LINE, (line for deal in deal_chunk for line in deal.lines), visible)
        _true(store, "order", "same deal", ((str(d.row["Id"]), d.order) for d in deal_chunk))
    store.write(_CRM_TRUTH)


def _fill_erp(store: Store, world: World) -> None:
    visible = clock_text(world.now)
    for partner_chunk in batched(partners(world), _CHUNK, strict=False):
        store.insert(schema.BUSINESS_PARTNER, (p.row for p in partner_chunk), visible)
        store.insert(schema.BUSINESS_PARTNER_TAX, (row for p in partner_chunk for row in p.taxes), visible)
        store.insert(
            schema.BUSINESS_PARTNER_IDENTIFICATION, (row for p in partner_chunk for row in p.identifications), visible
        )
        store.insert(schema.BUSINESS_PARTNER_ADDRESS, (row for p in partner_chunk for row in p.addresses), visible)
    trade = Trade(world)
    fill_masters(store, trade)
    for order_chunk in batched(orders(world), _CHUNK, strict=False):
        store.insert(schema.SALES_ORDER, (order.row for order in order_chunk), visible)
        store.insert(schema.SALES_ORDER_ITEM, (row for order in order_chunk for row in order.items), visible)
        fill_trade(store, trade, order_chunk)
    store.write(_QUARANTINE)
    write_truth(store)


def _true(store: Store, subject: str, rule: str, pairs: Iterable[tuple[str, str | None]]) -> None:
    for key, value in pairs:
        if value is not None:
            store.write("INSERT INTO _truth VALUES (?, ?, ?, ?)", (subject, rule, key, value))


def _fill_hubspot(store: Store, world: World) -> None:
    visible = clock_text(world.now)
    store.insert(schema.CONTACT, crowd.contacts(world), visible)
    store.insert(schema.COMPANY, crowd.companies(world), visible)


def _fill_service(store: Store, world: World) -> None:
    visible = clock_text(world.now)
    for chunk in batched(crowd.work_orders(world), _CHUNK, strict=False):
        store.insert(schema.WORK_ORDER, (order.row for order in chunk), visible)
        store.insert(schema.WORK_ORDER_PART, (row for order in chunk for row in order.parts), visible)
    store.insert(schema.ENGINEER, crowd.engineers(world), visible)


_FILL: dict[str, Callable[[Store, World], None]] = {
    "crm": _fill_crm,
    "erp": _fill_erp,
    "hubspot": _fill_hubspot,
    "service": _fill_service,
}
