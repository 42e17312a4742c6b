"""What each source publishes: its sets, fields and navigations, from which tables, answers and metadata are made.

Tables bear the sets' names and their columns the API's field names, so that whoever checks the lake can read the
source's truth with plain SQL. `_visible_at` (UTC, whole seconds) is added to each: a row is served once the simulated
clock has reached it.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "string", "id", "reference", "boolean", "decimal", "date", "time", "instant", "instant0", "instant3", "instant7"
]


@dataclass(frozen=True)
class Field:
    """One field: `size` is a string's length or a decimal's precision, `scale` a decimal's.

    `sql` stands for its value where it has no column of its own.
    """

    name: str
    kind: Kind
    size: int = 0
    scale: int = 0
    nullable: bool = True
    sql: str = ""

    @property
    def value(self) -> str:
        """The SQL of its value."""
        return self.sql or self.name

    @property
    def selected(self) -> str:
        """The field among a SELECT's columns."""
        return f"{self.sql} AS {self.name}" if self.sql else self.name


@dataclass(frozen=True)
class Entity:
    """One set of a source. `name` is the lake's (`erp.sales_order`), `set_name` the API's and the table's."""

    name: str
    set_name: str
    type_name: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    service: str = ""
    parent: str | None = None
    navigation: str | None = None

    def field(self, name: str) -> Field | None:
        """The field called `name`, or None."""
        return next((field for field in self.fields if field.name == name), None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The API's fields in order."""
        return tuple(field.name for field in self.fields)


def _s(name: str, size: int, nullable: bool = True) -> Field:
    return Field(name, "string", size, nullable=nullable)


ACCOUNT = Entity(
    name="crm.account",
    set_name="Account",
    type_name="Account",
    key=("Id",),
    fields=(
        Field("Id", "id", 18, nullable=False),
        Field("IsDeleted", "boolean", nullable=False),
        Field("MasterRecordId", "reference", 18),
        _s("Name", 255, nullable=False),
        Field("ParentId", "reference", 18),
        _s("Industry", 255),
        _s("BillingPostalCode", 20),
        _s("BillingCountry", 80),
        Field("OwnerId", "reference", 18, nullable=False),
        Field("CreatedDate", "instant", nullable=False),
        Field("LastModifiedDate", "instant", nullable=False),
        Field("SystemModstamp", "instant", nullable=False),
        _s("DunsNumber", 9),
        _s("ERP_Customer_Number__c", 10),
        _s("VAT_Number__c", 20),
    ),
)

BUSINESS_PARTNER = Entity(
    name="erp.business_partner",
    set_name="A_BusinessPartner",
    type_name="A_BusinessPartnerType",
    key=("BusinessPartner",),
    service="API_BUSINESS_PARTNER",
    fields=(
        _s("BusinessPartner", 10, nullable=False),
        _s("Customer", 10),
        _s("BusinessPartnerCategory", 1),
        _s("OrganizationBPName1", 40),
        _s("FirstName", 40),
        _s("LastName", 40),
        _s("TradingPartner", 6),
        Field("IsMarkedForArchiving", "boolean", nullable=False),
        Field("CreationDate", "date", nullable=False),
        Field("CreationTime", "time", nullable=False),
        Field("LastChangeDate", "date"),
        Field("LastChangeTime", "time"),
    ),
)

BUSINESS_PARTNER_TAX = Entity(
    name="erp.business_partner_tax",
    set_name="A_BusinessPartnerTaxNumber",
    type_name="A_BusinessPartnerTaxNumberType",
    key=("BusinessPartner", "BPTaxType"),
    service="API_BUSINESS_PARTNER",
    parent="erp.business_partner",
    navigation="to_BusinessPartnerTax",
    fields=(_s("BusinessPartner", 10, nullable=False), _s("BPTaxType", 4, nullable=False), _s("BPTaxNumber", 20)),
)

BUSINESS_PARTNER_IDENTIFICATION = Entity(
    name="erp.business_partner_identification",
    set_name="A_BuPaIdentification",
    type_name="A_BuPaIdentificationType",
    key=("BusinessPartner", "BPIdentificationType", "BPIdentificationNumber"),
    service="API_BUSINESS_PARTNER",
    parent="erp.business_partner",
    navigation="to_BuPaIdentification",
    fields=(
        _s("BusinessPartner", 10, nullable=False),
        _s("BPIdentificationType", 6, nullable=False),
        _s("BPIdentificationNumber", 60, nullable=False),
    ),
)

BUSINESS_PARTNER_ADDRESS = Entity(
    name="erp.business_partner_address",
    set_name="A_BusinessPartnerAddress",
    type_name="A_BusinessPartnerAddressType",
    key=("BusinessPartner", "AddressID"),
    service="API_BUSINESS_PARTNER",
    parent="erp.business_partner",
    navigation="to_BusinessPartnerAddress",
    fields=(
        _s("BusinessPartner", 10, nullable=False),
        _s("AddressID", 10, nullable=False),
        _s("PostalCode", 10),
        _s("Country", 3),
    ),
)

SALES_ORDER = Entity(
    name="erp.sales_order",
    set_name="A_SalesOrder",
    type_name="A_SalesOrderType",
    key=("SalesOrder",),
    service="API_SALES_ORDER_SRV",
    fields=(
        _s("SalesOrder", 10, nullable=False),
        _s("SalesOrganization", 4),
        _s("SoldToParty", 10),
        Field("SalesOrderDate", "date"),
        _s("TransactionCurrency", 5),
        Field("TotalNetAmount", "decimal", 16, 3),
        _s("ExternalDocumentID", 40),
        Field("CreationDate", "date"),
        Field("LastChangeDateTime", "instant7"),
    ),
)

SALES_ORDER_ITEM = Entity(
    name="erp.sales_order_item",
    set_name="A_SalesOrderItem",
    type_name="A_SalesOrderItemType",
    key=("SalesOrder", "SalesOrderItem"),
    service="API_SALES_ORDER_SRV",
    parent="erp.sales_order",
    navigation="to_Item",
    fields=(
        _s("SalesOrder", 10, nullable=False),
        _s("SalesOrderItem", 6, nullable=False),
        _s("Material", 40),
        Field("RequestedQuantity", "decimal", 15, 3),
        _s("RequestedQuantityUnit", 3),
        Field("NetAmount", "decimal", 16, 3),
        _s("SalesDocumentRjcnReason", 2),
    ),
)

CONTACT = Entity(
    name="hubspot.contact",
    set_name="contacts",
    type_name="contact",
    key=("hs_object_id",),
    fields=(
        _s("hs_object_id", 20, nullable=False),
        _s("email", 80),
        _s("firstname", 40),
        _s("lastname", 40),
        _s("lifecyclestage", 40),
        Field("createdate", "instant3", nullable=False),
        Field("lastmodifieddate", "instant3", nullable=False),
    ),
)

COMPANY = Entity(
    name="hubspot.company",
    set_name="companies",
    type_name="company",
    key=("hs_object_id",),
    fields=(
        _s("hs_object_id", 20, nullable=False),
        _s("name", 255),
        _s("domain", 255),
        _s("country", 3),
        Field("annualrevenue", "decimal", 18, 2),
        Field("createdate", "instant3", nullable=False),
        Field("hs_lastmodifieddate", "instant3", nullable=False),
    ),
)

WORK_ORDER = Entity(
    name="service.work_order",
    set_name="work_orders",
    type_name="work_order",
    key=("id",),
    fields=(
        _s("id", 10, nullable=False),
        _s("status", 20, nullable=False),
        _s("customer", 60),
        Field("scheduled_on", "date"),
        Field("price", "decimal", 16, 2),
        Field("updated_at", "instant0", nullable=False),
    ),
)

WORK_ORDER_PART = Entity(
    name="service.work_order_part",
    set_name="work_order_parts",
    type_name="part",
    key=("id", "line"),
    parent="service.work_order",
    navigation="parts",
    fields=(
        _s("id", 10, nullable=False),
        _s("line", 4, nullable=False),
        _s("material", 40),
        Field("quantity", "decimal", 12, 3),
    ),
)

ENGINEER = Entity(
    name="service.engineer",
    set_name="engineers",
    type_name="engineer",
    key=("id",),
    fields=(_s("id", 10, nullable=False), _s("name", 60, nullable=False), _s("region", 3)),
)

SOURCES: dict[str, tuple[Entity, ...]] = {
    "crm": (ACCOUNT,),
    "erp": (
        BUSINESS_PARTNER,
        BUSINESS_PARTNER_TAX,
        BUSINESS_PARTNER_IDENTIFICATION,
        BUSINESS_PARTNER_ADDRESS,
        SALES_ORDER,
        SALES_ORDER_ITEM,
    ),
    "hubspot": (CONTACT, COMPANY),
    "service": (WORK_ORDER, WORK_ORDER_PART, ENGINEER),
}

ENTITIES: dict[str, Entity] = {entity.name: entity for entities in SOURCES.values() for entity in entities}


def children(entity: Entity) -> tuple[Entity, ...]:
    """The sets that travel with `entity` by `$expand`."""
    return tuple(child for child in ENTITIES.values() if child.parent == entity.name)


def root(entity: Entity) -> Entity:
    """The set whose stamp says that `entity`'s row changed: its parent, or itself."""
    return ENTITIES[entity.parent] if entity.parent else entity
