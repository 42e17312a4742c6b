"""What each source publishes: its sets, fields and navigations, from which tables, answers and metadata are made.

Tables bear the sets' names and their columns the API's field names, so that whoever checks the lake can read the
source's truth with plain SQL. `_visible_at` (UTC, whole seconds) is added to each: a row is served once the simulated
clock has reached it.
"""

from local.simulators.crm_schema import ACCOUNT, CRM, CRM_CONTACT, CRM_PRODUCT, OPPORTUNITY, OPPORTUNITY_LINE, USER
from local.simulators.erp_schema import ERP_SETS
from local.simulators.fields import Entity, Field, Kind, text

__all__ = [
    "ACCOUNT",
    "BUSINESS_PARTNER",
    "BUSINESS_PARTNER_ADDRESS",
    "BUSINESS_PARTNER_IDENTIFICATION",
    "BUSINESS_PARTNER_TAX",
    "COMPANY",
    "CONTACT",
    "CRM_CONTACT",
    "CRM_PRODUCT",
    "ENGINEER",
    "ENTITIES",
    "OPPORTUNITY",
    "OPPORTUNITY_LINE",
    "SALES_ORDER",
    "SALES_ORDER_ITEM",
    "SOURCES",
    "USER",
    "WORK_ORDER",
    "WORK_ORDER_PART",
    "Entity",
    "Field",
    "Kind",
    "children",
    "root",
]

BUSINESS_PARTNER = Entity(
    name="erp.business_partner",
    set_name="A_BusinessPartner",
    type_name="A_BusinessPartnerType",
    key=("BusinessPartner",),
    service="API_BUSINESS_PARTNER",
    fields=(
        text("BusinessPartner", 10, nullable=False),
        text("Customer", 10),
        text("BusinessPartnerCategory", 1),
        text("OrganizationBPName1", 40),
        text("FirstName", 40),
        text("LastName", 40),
        text("TradingPartner", 6),
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
    fields=(text("BusinessPartner", 10, nullable=False), text("BPTaxType", 4, nullable=False), text("BPTaxNumber", 20)),
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
        text("BusinessPartner", 10, nullable=False),
        text("BPIdentificationType", 6, nullable=False),
        text("BPIdentificationNumber", 60, nullable=False),
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
        text("BusinessPartner", 10, nullable=False),
        text("AddressID", 10, nullable=False),
        text("PostalCode", 10),
        text("Country", 3),
    ),
)

SALES_ORDER = Entity(
    name="erp.sales_order",
    set_name="A_SalesOrder",
    type_name="A_SalesOrderType",
    key=("SalesOrder",),
    service="API_SALES_ORDER_SRV",
    fields=(
        text("SalesOrder", 10, nullable=False),
        text("SalesOrganization", 4),
        text("SoldToParty", 10),
        Field("SalesOrderDate", "date"),
        text("TransactionCurrency", 5),
        Field("TotalNetAmount", "decimal", 16, 3),
        text("ExternalDocumentID", 40),
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
        text("SalesOrder", 10, nullable=False),
        text("SalesOrderItem", 6, nullable=False),
        text("Material", 40),
        Field("RequestedQuantity", "decimal", 15, 3),
        text("RequestedQuantityUnit", 3),
        Field("NetAmount", "decimal", 16, 3),
        text("SalesDocumentRjcnReason", 2),
    ),
)

CONTACT = Entity(
    name="hubspot.contact",
    set_name="contacts",
    type_name="contact",
    key=("hs_object_id",),
    fields=(
        text("hs_object_id", 20, nullable=False),
        text("email", 80),
        text("firstname", 40),
        text("lastname", 40),
        text("lifecyclestage", 40),
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
        text("hs_object_id", 20, nullable=False),
        text("name", 255),
        text("domain", 255),
        text("country", 3),
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
        text("id", 10, nullable=False),
        text("status", 20, nullable=False),
        text("customer", 60),
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
        text("id", 10, nullable=False),
        text("line", 4, nullable=False),
        text("material", 40),
        Field("quantity", "decimal", 12, 3),
    ),
)

ENGINEER = Entity(
    name="service.engineer",
    set_name="engineers",
    type_name="engineer",
    key=("id",),
    fields=(text("id", 10, nullable=False), text("name", 60, nullable=False), text("region", 3)),
)

SOURCES: dict[str, tuple[Entity, ...]] = {
    "crm": CRM,
    "erp": (
        BUSINESS_PARTNER,
        BUSINESS_PARTNER_TAX,
        BUSINESS_PARTNER_IDENTIFICATION,
        BUSINESS_PARTNER_ADDRESS,
        SALES_ORDER,
        SALES_ORDER_ITEM,
        *ERP_SETS,
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
