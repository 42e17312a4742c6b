"""What the ERP publishes beside partners and orders: master data, deliveries, invoices, receivables, rates."""

from typing import Final

from local.simulators.fields import Entity, Field, text

_PARTNERS: Final = "API_BUSINESS_PARTNER"
_PRODUCTS: Final = "API_PRODUCT_SRV"
_DELIVERIES: Final = "API_OUTBOUND_DELIVERY_SRV;v=0002"
_INVOICES: Final = "API_BILLING_DOCUMENT_SRV"


def _date(name: str, nullable: bool = True) -> Field:
    return Field(name, "date", nullable=nullable)


def _flag(name: str) -> Field:
    return Field(name, "boolean", nullable=False)


def _decimal(name: str, size: int, scale: int) -> Field:
    return Field(name, "decimal", size, scale)


CUSTOMER = Entity(
    name="erp.customer",
    set_name="A_Customer",
    type_name="A_CustomerType",
    key=("Customer",),
    service=_PARTNERS,
    fields=(
        text("Customer", 10, nullable=False),
        text("CustomerName", 80),
        text("VATRegistration", 20),
        _flag("DeletionIndicator"),
    ),
)

CUSTOMER_COMPANY = Entity(
    name="erp.customer_company",
    set_name="A_CustomerCompany",
    type_name="A_CustomerCompanyType",
    key=("Customer", "CompanyCode"),
    service=_PARTNERS,
    parent="erp.customer",
    navigation="to_CustomerCompany",
    fields=(text("Customer", 10, nullable=False), text("CompanyCode", 4, nullable=False), text("PaymentTerms", 4)),
)

CUSTOMER_SALES_AREA = Entity(
    name="erp.customer_sales_area",
    set_name="A_CustomerSalesArea",
    type_name="A_CustomerSalesAreaType",
    key=("Customer", "SalesOrganization", "DistributionChannel", "Division"),
    service=_PARTNERS,
    parent="erp.customer",
    navigation="to_CustomerSalesArea",
    fields=(
        text("Customer", 10, nullable=False),
        text("SalesOrganization", 4, nullable=False),
        text("DistributionChannel", 2, nullable=False),
        text("Division", 2, nullable=False),
        text("CustomerGroup", 2),
    ),
)

PRODUCT = Entity(
    name="erp.product",
    set_name="A_Product",
    type_name="A_ProductType",
    key=("Product",),
    service=_PRODUCTS,
    fields=(
        text("Product", 40, nullable=False),
        text("ProductGroup", 9),
        text("BaseUnit", 3),
        text("ProductOldID", 40),
        _flag("IsMarkedForDeletion"),
        Field("LastChangeDateTime", "instant7"),
    ),
)

PRODUCT_DESCRIPTION = Entity(
    name="erp.product_description",
    set_name="A_ProductDescription",
    type_name="A_ProductDescriptionType",
    key=("Product", "Language"),
    service=_PRODUCTS,
    parent="erp.product",
    navigation="to_Description",
    fields=(text("Product", 40, nullable=False), text("Language", 2, nullable=False), text("ProductDescription", 40)),
)

PRODUCT_UNIT = Entity(
    name="erp.product_unit",
    set_name="A_ProductUnitsOfMeasure",
    type_name="A_ProductUnitsOfMeasureType",
    key=("Product", "AlternativeUnit"),
    service=_PRODUCTS,
    parent="erp.product",
    navigation="to_ProductUnitsOfMeasure",
    fields=(
        text("Product", 40, nullable=False),
        text("AlternativeUnit", 3, nullable=False),
        _decimal("QuantityNumerator", 5, 0),
        _decimal("QuantityDenominator", 5, 0),
    ),
)

PRODUCT_VALUATION = Entity(
    name="erp.product_valuation",
    set_name="A_ProductValuation",
    type_name="A_ProductValuationType",
    key=("Product", "ValuationArea", "ValuationType"),
    service=_PRODUCTS,
    parent="erp.product",
    navigation="to_Valuation",
    fields=(
        text("Product", 40, nullable=False),
        text("ValuationArea", 4, nullable=False),
        text("ValuationType", 10, nullable=False),
        text("InventoryValuationProcedure", 1),
        _decimal("StandardPrice", 12, 3),
        _decimal("MovingAveragePrice", 12, 3),
        _decimal("PriceUnitQty", 5, 0),
        text("Currency", 5),
    ),
)

OUTBOUND_DELIVERY = Entity(
    name="erp.outbound_delivery",
    set_name="A_OutbDeliveryHeader",
    type_name="A_OutbDeliveryHeaderType",
    key=("DeliveryDocument",),
    service=_DELIVERIES,
    fields=(
        text("DeliveryDocument", 10, nullable=False),
        _date("PlannedGoodsIssueDate"),
        _date("ActualGoodsMovementDate"),
        _date("DeliveryDate"),
        _date("ProofOfDeliveryDate"),
        _date("CreationDate", nullable=False),
        _date("LastChangeDate"),
    ),
)

OUTBOUND_DELIVERY_ITEM = Entity(
    name="erp.outbound_delivery_item",
    set_name="A_OutbDeliveryItem",
    type_name="A_OutbDeliveryItemType",
    key=("DeliveryDocument", "DeliveryDocumentItem"),
    service=_DELIVERIES,
    parent="erp.outbound_delivery",
    navigation="to_DeliveryDocumentItem",
    fields=(
        text("DeliveryDocument", 10, nullable=False),
        text("DeliveryDocumentItem", 6, nullable=False),
        text("Plant", 4),
        _decimal("ActualDeliveredQtyInBaseUnit", 13, 3),
        text("ReferenceSDDocument", 10),
        text("ReferenceSDDocumentItem", 6),
        _decimal("UnderdelivTolrtdLmtRatioInPct", 3, 1),
    ),
)

BILLING_DOCUMENT = Entity(
    name="erp.billing_document",
    set_name="A_BillingDocument",
    type_name="A_BillingDocumentType",
    key=("BillingDocument",),
    service=_INVOICES,
    fields=(
        text("BillingDocument", 10, nullable=False),
        text("SDDocumentCategory", 4),
        text("BillingDocumentType", 4),
        _date("BillingDocumentDate"),
        text("SalesOrganization", 4),
        text("CompanyCode", 4),
        text("SoldToParty", 10),
        text("TransactionCurrency", 5),
        _decimal("TotalNetAmount", 16, 3),
        _decimal("TaxAmount", 14, 3),
        text("CancelledBillingDocument", 10),
        text("AccountingDocument", 10),
        Field("LastChangeDateTime", "instant7"),
    ),
)

BILLING_DOCUMENT_ITEM = Entity(
    name="erp.billing_document_item",
    set_name="A_BillingDocumentItem",
    type_name="A_BillingDocumentItemType",
    key=("BillingDocument", "BillingDocumentItem"),
    service=_INVOICES,
    parent="erp.billing_document",
    navigation="to_Item",
    fields=(
        text("BillingDocument", 10, nullable=False),
        text("BillingDocumentItem", 6, nullable=False),
        text("Material", 40),
        text("Plant", 4),
        _decimal("BillingQuantityInBaseUnit", 13, 3),
        _decimal("NetAmount", 16, 3),
        _decimal("TaxAmount", 14, 3),
        _decimal("CostAmount", 14, 3),
        text("SalesDocument", 10),
        text("SalesDocumentItem", 6),
    ),
)

RECEIVABLE_ITEM = Entity(
    name="erp.receivable_item",
    set_name="A_OperationalAcctgDocItemCube",
    type_name="A_OperationalAcctgDocItemCubeType",
    key=("CompanyCode", "FiscalYear", "AccountingDocument", "AccountingDocumentItem"),
    service="API_OPLACCTGDOCITEMCUBE_SRV",
    fields=(
        text("CompanyCode", 4, nullable=False),
        text("FiscalYear", 4, nullable=False),
        text("AccountingDocument", 10, nullable=False),
        text("AccountingDocumentItem", 3, nullable=False),
        text("FinancialAccountType", 1),
        text("Customer", 10),
        _date("PostingDate"),
        _date("AccountingDocumentCreationDate", nullable=False),
        _date("NetDueDate"),
        text("DebitCreditCode", 1),
        _decimal("AmountInTransactionCurrency", 24, 3),
        text("TransactionCurrency", 5),
        _decimal("AmountInCompanyCodeCurrency", 24, 3),
        text("CompanyCodeCurrency", 5),
        text("SpecialGLCode", 1),
        _date("ClearingDate"),
        _date("ClearingCreationDate"),
        text("ClearingAccountingDocument", 10),
        _flag("IsCleared"),
        _flag("IsReversed"),
        text("InvoiceReference", 10),
        text("InvoiceReferenceFiscalYear", 4),
        text("BillingDocument", 10),
        text("GLAccount", 10),
    ),
)

EXCHANGE_RATE = Entity(
    name="erp.exchange_rate",
    set_name="I_ExchangeRateRawData",
    type_name="I_ExchangeRateRawDataType",
    key=("ExchangeRateType", "SourceCurrency", "TargetCurrency", "ValidityStartDate"),
    service="ZLAKE_EXCHANGE_RATE_SRV",
    fields=(
        text("ExchangeRateType", 4, nullable=False),
        text("SourceCurrency", 5, nullable=False),
        text("TargetCurrency", 5, nullable=False),
        _date("ValidityStartDate", nullable=False),
        _decimal("ExchangeRate", 9, 5),
        _decimal("NumberOfSourceCurrencyUnits", 9, 0),
        _decimal("NumberOfTargetCurrencyUnits", 9, 0),
    ),
)

COMPANY_CODE = Entity(
    name="erp.company_code",
    set_name="A_CompanyCode",
    type_name="A_CompanyCodeType",
    key=("CompanyCode",),
    service="API_COMPANYCODE_SRV",
    fields=(text("CompanyCode", 4, nullable=False), text("Currency", 5), text("FiscalYearVariant", 2)),
)

ERP_SETS: Final = (
    CUSTOMER,
    CUSTOMER_COMPANY,
    CUSTOMER_SALES_AREA,
    PRODUCT,
    PRODUCT_DESCRIPTION,
    PRODUCT_UNIT,
    PRODUCT_VALUATION,
    OUTBOUND_DELIVERY,
    OUTBOUND_DELIVERY_ITEM,
    BILLING_DOCUMENT,
    BILLING_DOCUMENT_ITEM,
    RECEIVABLE_ITEM,
    EXCHANGE_RATE,
    COMPANY_CODE,
)
