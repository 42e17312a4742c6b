"""The objects of the CRM, as Salesforce has them."""

from local.simulators.fields import Entity, Field, text

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
