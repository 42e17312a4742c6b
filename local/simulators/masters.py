"""The ERP's master data beside partners: customers by company and sales area, products with units and prices."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from random import Random

from local.simulators.instants import ts7_text
from local.simulators.names import ODD_TEXTS
from local.simulators.orders import Market, amount
from local.simulators.rates import COMPANIES
from local.simulators.store import Row
from local.simulators.world import World, customer_number, material

TERMS = {"Z014": 14, "Z030": 30, "Z045": 45, "Z060": 60}
"""Days until an invoice is due, by terms of payment."""

_GROUPS = ("01", "02", "03", "Z1")
_NOUNS = ("Welle", "Lager", "Getriebe", "Pumpe", "Ventil", "Motor", "Dichtung", "Kupplung")


@dataclass(frozen=True)
class Document:
    """A row and those below it, by their set's name."""

    row: Row
    below: dict[str, list[Row]]


def customers(world: World) -> Iterator[Document]:
    """Every customer, with one or two companies and sales areas."""
    for index in range(world.size.customers):
        rng = world.rng("erp.customer", index)
        known, number = world.customer(index), customer_number(index)
        row: Row = {
            "Customer": number,
            "CustomerName": known.name,
            "VATRegistration": "" if rng.random() < 0.18 else known.vat,
            "DeletionIndicator": int(rng.random() < 0.01),
        }
        companies = rng.sample(list(COMPANIES), 2 if rng.random() < 0.2 else 1)
        yield Document(
            row,
            {
                "A_CustomerCompany": [
                    {"Customer": number, "CompanyCode": company, "PaymentTerms": terms(world, number)}
                    for company in companies
                ],
                "A_CustomerSalesArea": [
                    {
                        "Customer": number,
                        "SalesOrganization": company,
                        "DistributionChannel": "10",
                        "Division": "00",
                        "CustomerGroup": rng.choice(_GROUPS),
                    }
                    for company in companies
                ],
            },
        )


@cache
def terms(world: World, customer: str) -> str:
    """A customer's terms of payment, the same in each company."""
    return world.rng("terms", customer).choice(("Z014", "Z030", "Z030", "Z045", "Z060"))


def products(world: World) -> Iterator[Document]:
    """Every product, sold or not."""
    market = Market(world)
    for index in range(world.size.products):
        rng = world.rng("erp.product", index)
        key = material(index)
        changed = world.instant(rng) + timedelta(microseconds=rng.randrange(10**6))
        odd = f" {ODD_TEXTS[index % 8]}" if index in (9, 12) or rng.random() < 0.005 else ""
        row: Row = {
            "Product": key,
            "ProductGroup": f"G{index % 12:02d}",
            "BaseUnit": "" if index % 1000 == 61 else "PC",
            "ProductOldID": f"ALT-{index:06d}" if rng.random() < 0.3 else "",
            "IsMarkedForDeletion": int(rng.random() < 0.02),
            "LastChangeDateTime": None if index % 40 == 17 else ts7_text(changed, rng.randrange(10)),
        }
        texts = [("DE", f"{rng.choice(_NOUNS)} {index}{odd}"), ("EN", f"Part {index}")]
        yield Document(
            row,
            {
                "A_ProductDescription": [
                    {"Product": key, "Language": language, "ProductDescription": text} for language, text in texts
                ],
                "A_ProductUnitsOfMeasure": [
                    {
                        "Product": key,
                        "AlternativeUnit": unit,
                        "QuantityNumerator": str(up),
                        "QuantityDenominator": str(down),
                    }
                    for unit, (up, down) in units(world, key).items()
                ],
                "A_ProductValuation": _valuations(rng, key, market.price(index), unreadable=index % 1000 == 107),
            },
        )


@cache
def units(world: World, product: str) -> dict[str, tuple[int, int]]:
    """How many base units make one of each unit, as a fraction; a product that was sold by the piece alone has no other."""
    rng = world.rng("units", product)
    return {
        "PC": (1, 1),
        "KG": (rng.randrange(1, 6), rng.choice((1, 2, 4))),
        "M": (rng.randrange(1, 4), rng.choice((1, 5))),
    }


def _valuations(rng: Random, product: str, price: float, *, unreadable: bool) -> list[Row]:
    found: list[Row] = []
    for plant in ("1010", "1710") if rng.random() < 0.2 else ("1010",):
        per = 100 if rng.random() < 0.1 else 1
        cost = round(price * 100 * per * rng.uniform(0.55, 0.8))
        found.append(
            {
                "Product": product,
                "ValuationArea": plant,
                "ValuationType": "",
                "InventoryValuationProcedure": rng.choice("SSV"),
                "StandardPrice": amount(cost),
                "MovingAveragePrice": amount(round(cost * rng.uniform(0.95, 1.05))),
                "PriceUnitQty": "0" if unreadable else str(per),
                "Currency": COMPANIES[plant][0],
            }
        )
    return found
