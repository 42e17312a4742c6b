"""The objects of the CRM, as Salesforce has them."""

from local.simulators.fields import Entity, Field, text


def _flag(name: str) -> Field:
    return Field(name, "boolean", nullable=False)


ACCOUNT = Entity(
    name="crm.account",
    set_name="Account",
    type_name="Account",
    key=("Id",),
    fields=(
        Field("Id", "id", 18, nullable=False),
        Field("IsDeleted", "boolean", nullable=False),
        Field("MasterRecordId", "reference", 18),
        text("Name", 255, nullable=False),
        Field("ParentId", "reference", 18),
        text("Industry", 255),
        text("BillingPostalCode", 20),
        text("BillingCountry", 80),
        Field("OwnerId", "reference", 18, nullable=False),
        Field("CreatedDate", "instant", nullable=False),
        Field("LastModifiedDate", "instant", nullable=False),
        Field("SystemModstamp", "instant", nullable=False),
        text("DunsNumber", 9),
        text("ERP_Customer_Number__c", 10),
        text("VAT_Number__c", 20),
    ),
)

_ID = Field("Id", "id", 18, nullable=False)
_DELETED = Field("IsDeleted", "boolean", nullable=False)
_OWNER = Field("OwnerId", "reference", 18, nullable=False)
_STAMPS = (
    Field("CreatedDate", "instant", nullable=False),
    Field("LastModifiedDate", "instant", nullable=False),
    Field("SystemModstamp", "instant", nullable=False),
)

USER = Entity(
    name="crm.user",
    set_name="User",
    type_name="User",
    key=("Id",),
    fields=(_ID, text("Name", 121, nullable=False), text("Email", 128), _flag("IsActive"), *_STAMPS),
)
"""Users are never deleted, only deactivated: the object has no recycle bin."""

CRM_PRODUCT = Entity(
    name="crm.product",
    set_name="Product2",
    type_name="Product2",
    key=("Id",),
    fields=(
        _ID,
        _DELETED,
        text("Name", 255, nullable=False),
        text("ProductCode", 255),
        text("StockKeepingUnit", 180),
        _flag("IsActive"),
        *_STAMPS,
        text("ERP_Material__c", 40),
    ),
)

CRM_CONTACT = Entity(
    name="crm.contact",
    set_name="Contact",
    type_name="Contact",
    key=("Id",),
    fields=(
        _ID,
        _DELETED,
        Field("AccountId", "reference", 18),
        text("FirstName", 40),
        text("LastName", 80, nullable=False),
        text("Email", 80),
        *_STAMPS,
    ),
)

OPPORTUNITY = Entity(
    name="crm.opportunity",
    set_name="Opportunity",
    type_name="Opportunity",
    key=("Id",),
    fields=(
        _ID,
        _DELETED,
        Field("AccountId", "reference", 18),
        _OWNER,
        text("Name", 120, nullable=False),
        text("StageName", 255, nullable=False),
        Field("Amount", "decimal", 18, 2),
        text("CurrencyIsoCode", 3),
        Field("Probability", "decimal", 3, 0),
        Field("CloseDate", "date", nullable=False),
        _flag("IsClosed"),
        _flag("IsWon"),
        *_STAMPS,
        text("ERP_Order_Number__c", 10),
    ),
)

OPPORTUNITY_LINE = Entity(
    name="crm.opportunity_line",
    set_name="OpportunityLineItem",
    type_name="OpportunityLineItem",
    key=("Id",),
    fields=(
        _ID,
        _DELETED,
        Field("OpportunityId", "reference", 18, nullable=False),
        Field("Product2Id", "reference", 18),
        Field("Quantity", "decimal", 12, 2, nullable=False),
        Field("UnitPrice", "decimal", 18, 2),
        Field("TotalPrice", "decimal", 18, 2),
        Field("Discount", "decimal", 5, 2),
        *_STAMPS,
    ),
)
"""A line is an object of its own: its change does not stamp its opportunity."""

CRM = (ACCOUNT, CRM_CONTACT, USER, CRM_PRODUCT, OPPORTUNITY, OPPORTUNITY_LINE)
