"""What the comparison with the sources knows of them: each curated table, the source's table that it mirrors, and the rules
that send a document to quarantine. Written by hand, so that a mistake in a contract cannot hide itself here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

type Values = tuple[str | None, ...]
type Document = Mapping[str, list[Mapping[str, Any]]]


@dataclass(frozen=True)
class Table:
    """One curated table and the SQLite table it mirrors; `columns` are (source, curated, type), the key comes first.

    `where`: of which of the source's rows.
    """

    name: str
    set_name: str
    entity: str
    key_size: int
    columns: tuple[tuple[str, str, str], ...]
    where: str = "TRUE"

    def values(self, row: Mapping[str, Any]) -> Values:
        """A source row as text, in the form in which the lake's values are read."""
        return tuple(canonical(kind, row[source]) for source, _, kind in self.columns)


@dataclass(frozen=True)
class Entity:
    """A document: a parent table and its children, the rule that sends it to quarantine, and whether it is seen that keys are
    gone for good, by a sweep or by a feed."""

    source: str
    parent: Table
    children: tuple[Table, ...] = ()
    broken: Callable[[Document], bool] = lambda _: False
    swept: bool = False

    @property
    def tables(self) -> tuple[Table, ...]:
        """Parent and children."""
        return (self.parent, *self.children)


def _unknown_category(document: Document) -> bool:
    return any(row["BusinessPartnerCategory"] not in (None, "1", "2", "3") for row in document["erp.business_partner"])


def _impossible_probability(document: Document) -> bool:
    given = (row["Probability"] for row in document["crm.opportunity"])
    return any(probability is not None and not 0 <= Decimal(probability) <= 100 for probability in given)


def _below_zero(table: str, column: str) -> Callable[[Document], bool]:
    return lambda document: any(row[column] is not None and Decimal(row[column]) < 0 for row in document[table])


def _unpriced(document: Document) -> bool:
    """A product without base unit, or with a unit or a price that is for none."""
    parts = [row["QuantityDenominator"] for row in document["erp.product_unit"]]
    parts += [row["PriceUnitQty"] for row in document["erp.product_valuation"]]
    return any(not row["BaseUnit"] for row in document["erp.product"]) or any(Decimal(part or 1) <= 0 for part in parts)


def _unreadable_rate(document: Document) -> bool:
    units = ("NumberOfSourceCurrencyUnits", "NumberOfTargetCurrencyUnits")
    rows = document["erp.exchange_rate"]
    return any(not Decimal(row["ExchangeRate"]) or any(Decimal(row[each]) <= 0 for each in units) for row in rows)


def _table(entity: str, set_name: str, key_size: int, columns: str, where: str = "TRUE") -> Table:
    """`columns`: "Source:curated[:type]", type string where it is not said."""
    triples = (column.split(":") for column in columns.split())
    return Table(
        name=entity.replace(".", "_"),
        set_name=set_name,
        entity=entity,
        key_size=key_size,
        columns=tuple((parts[0], parts[1], parts[2] if len(parts) > 2 else "string") for parts in triples),
        where=where,
    )


ENTITIES = (
    Entity(
        "crm",
        _table(
            "crm.account",
            "Account",
            1,
            """Id:id Name:name ParentId:parent_id MasterRecordId:master_record_id Industry:industry
            BillingPostalCode:billing_postal_code BillingCountry:billing_country OwnerId:owner_id
            DunsNumber:duns_number ERP_Customer_Number__c:erp_customer_number VAT_Number__c:vat_number
            IsDeleted:is_deleted:boolean CreatedDate:created_date:timestamp SystemModstamp:system_modstamp:timestamp""",
        ),
        swept=True,
    ),
    Entity(
        "crm",
        _table(
            "crm.user",
            "User",
            1,
            """Id:id Name:name Email:email IsActive:is_active:boolean CreatedDate:created_date:timestamp
            SystemModstamp:system_modstamp:timestamp""",
        ),
    ),
    Entity(
        "crm",
        _table(
            "crm.product",
            "Product2",
            1,
            """Id:id Name:name ProductCode:product_code StockKeepingUnit:stock_keeping_unit IsActive:is_active:boolean
            ERP_Material__c:erp_material IsDeleted:is_deleted:boolean CreatedDate:created_date:timestamp
            SystemModstamp:system_modstamp:timestamp""",
        ),
        swept=True,
    ),
    Entity(
        "crm",
        _table(
            "crm.contact",
            "Contact",
            1,
            """Id:id AccountId:account_id FirstName:first_name LastName:last_name Email:email
            IsDeleted:is_deleted:boolean CreatedDate:created_date:timestamp
            SystemModstamp:system_modstamp:timestamp""",
        ),
        swept=True,
    ),
    Entity(
        "crm",
        _table(
            "crm.opportunity",
            "Opportunity",
            1,
            """Id:id AccountId:account_id OwnerId:owner_id Name:name StageName:stage_name Amount:amount:decimal(18,2)
            CurrencyIsoCode:currency_iso_code Probability:probability:decimal(3,0) CloseDate:close_date:date
            IsClosed:is_closed:boolean IsWon:is_won:boolean ERP_Order_Number__c:erp_order_number
            IsDeleted:is_deleted:boolean CreatedDate:created_date:timestamp
            SystemModstamp:system_modstamp:timestamp""",
        ),
        broken=_impossible_probability,
        swept=True,
    ),
    Entity(
        "crm",
        _table(
            "crm.opportunity_line",
            "OpportunityLineItem",
            1,
            """Id:id OpportunityId:opportunity_id Product2Id:product2_id Quantity:quantity:decimal(12,2)
            UnitPrice:unit_price:decimal(18,2) TotalPrice:total_price:decimal(18,2) Discount:discount:decimal(5,2)
            IsDeleted:is_deleted:boolean CreatedDate:created_date:timestamp
            SystemModstamp:system_modstamp:timestamp""",
        ),
        swept=True,
    ),
    Entity(
        "erp",
        _table(
            "erp.business_partner",
            "A_BusinessPartner",
            1,
            """BusinessPartner:business_partner Customer:customer BusinessPartnerCategory:business_partner_category
            OrganizationBPName1:organization_bp_name1 FirstName:first_name LastName:last_name
            TradingPartner:trading_partner IsMarkedForArchiving:is_marked_for_archiving:boolean
            CreationDate:creation_date:date CreationTime:creation_time
            LastChangeDate:last_change_date:date LastChangeTime:last_change_time""",
        ),
        (
            _table(
                "erp.business_partner_tax",
                "A_BusinessPartnerTaxNumber",
                2,
                "BusinessPartner:business_partner BPTaxType:bp_tax_type BPTaxNumber:bp_tax_number",
            ),
            _table(
                "erp.business_partner_identification",
                "A_BuPaIdentification",
                3,
                """BusinessPartner:business_partner BPIdentificationType:bp_identification_type
                BPIdentificationNumber:bp_identification_number""",
            ),
            _table(
                "erp.business_partner_address",
                "A_BusinessPartnerAddress",
                2,
                """BusinessPartner:business_partner AddressID:address_id PostalCode:postal_code
                Country:country""",
            ),
        ),
        broken=_unknown_category,
    ),
    Entity(
        "erp",
        _table(
            "erp.sales_order",
            "A_SalesOrder",
            1,
            """SalesOrder:sales_order SalesOrganization:sales_organization SoldToParty:sold_to_party
            SalesOrderDate:sales_order_date:date TransactionCurrency:transaction_currency
            TotalNetAmount:total_net_amount:decimal(16,3) ExternalDocumentID:external_document_id
            CreationDate:creation_date:date LastChangeDateTime:last_change_date_time:timestamp""",
        ),
        (
            _table(
                "erp.sales_order_item",
                "A_SalesOrderItem",
                2,
                """SalesOrder:sales_order SalesOrderItem:sales_order_item Material:material
                RequestedQuantity:requested_quantity:decimal(15,3) RequestedQuantityUnit:requested_quantity_unit
                NetAmount:net_amount:decimal(16,3) SalesDocumentRjcnReason:sales_document_rjcn_reason""",
            ),
        ),
        broken=_below_zero("erp.sales_order_item", "RequestedQuantity"),
        swept=True,
    ),
    Entity(
        "erp",
        _table(
            "erp.company_code",
            "A_CompanyCode",
            1,
            "CompanyCode:company_code Currency:currency FiscalYearVariant:fiscal_year_variant",
        ),
    ),
    Entity(
        "erp",
        _table(
            "erp.exchange_rate",
            "I_ExchangeRateRawData",
            4,
            """ExchangeRateType:exchange_rate_type SourceCurrency:source_currency TargetCurrency:target_currency
            ValidityStartDate:validity_start_date:date ExchangeRate:exchange_rate:decimal(9,5)
            NumberOfSourceCurrencyUnits:number_of_source_currency_units:decimal(9,0)
            NumberOfTargetCurrencyUnits:number_of_target_currency_units:decimal(9,0)""",
        ),
        broken=_unreadable_rate,
    ),
    Entity(
        "erp",
        _table(
            "erp.customer",
            "A_Customer",
            1,
            """Customer:customer CustomerName:customer_name VATRegistration:vat_registration
            DeletionIndicator:deletion_indicator:boolean""",
        ),
        (
            _table(
                "erp.customer_company",
                "A_CustomerCompany",
                2,
                "Customer:customer CompanyCode:company_code PaymentTerms:payment_terms",
            ),
            _table(
                "erp.customer_sales_area",
                "A_CustomerSalesArea",
                4,
                """Customer:customer SalesOrganization:sales_organization DistributionChannel:distribution_channel
                Division:division CustomerGroup:customer_group""",
            ),
        ),
    ),
    Entity(
        "erp",
        _table(
            "erp.product",
            "A_Product",
            1,
            """Product:product ProductGroup:product_group BaseUnit:base_unit ProductOldID:product_old_id
            IsMarkedForDeletion:is_marked_for_deletion:boolean
            LastChangeDateTime:last_change_date_time:timestamp""",
        ),
        (
            _table(
                "erp.product_description",
                "A_ProductDescription",
                2,
                "Product:product Language:language ProductDescription:product_description",
            ),
            _table(
                "erp.product_unit",
                "A_ProductUnitsOfMeasure",
                2,
                """Product:product AlternativeUnit:alternative_unit QuantityNumerator:quantity_numerator:decimal(5,0)
                QuantityDenominator:quantity_denominator:decimal(5,0)""",
            ),
            _table(
                "erp.product_valuation",
                "A_ProductValuation",
                3,
                """Product:product ValuationArea:valuation_area ValuationType:valuation_type
                InventoryValuationProcedure:inventory_valuation_procedure StandardPrice:standard_price:decimal(12,3)
                MovingAveragePrice:moving_average_price:decimal(12,3) PriceUnitQty:price_unit_qty:decimal(5,0)
                Currency:currency""",
            ),
        ),
        broken=_unpriced,
    ),
    Entity(
        "erp",
        _table(
            "erp.outbound_delivery",
            "A_OutbDeliveryHeader",
            1,
            """DeliveryDocument:delivery_document PlannedGoodsIssueDate:planned_goods_issue_date:date
            ActualGoodsMovementDate:actual_goods_movement_date:date DeliveryDate:delivery_date:date
            ProofOfDeliveryDate:proof_of_delivery_date:date CreationDate:creation_date:date
            LastChangeDate:last_change_date:date""",
        ),
        (
            _table(
                "erp.outbound_delivery_item",
                "A_OutbDeliveryItem",
                2,
                """DeliveryDocument:delivery_document DeliveryDocumentItem:delivery_document_item Plant:plant
                ActualDeliveredQtyInBaseUnit:actual_delivered_qty_in_base_unit:decimal(13,3)
                ReferenceSDDocument:reference_sd_document ReferenceSDDocumentItem:reference_sd_document_item
                UnderdelivTolrtdLmtRatioInPct:underdeliv_tolrtd_lmt_ratio_in_pct:decimal(3,1)""",
            ),
        ),
        broken=_below_zero("erp.outbound_delivery_item", "ActualDeliveredQtyInBaseUnit"),
        swept=True,
    ),
    Entity(
        "erp",
        _table(
            "erp.billing_document",
            "A_BillingDocument",
            1,
            """BillingDocument:billing_document SDDocumentCategory:sd_document_category
            BillingDocumentType:billing_document_type BillingDocumentDate:billing_document_date:date
            SalesOrganization:sales_organization CompanyCode:company_code SoldToParty:sold_to_party
            TransactionCurrency:transaction_currency TotalNetAmount:total_net_amount:decimal(16,3)
            TaxAmount:tax_amount:decimal(14,3) CancelledBillingDocument:cancelled_billing_document
            AccountingDocument:accounting_document LastChangeDateTime:last_change_date_time:timestamp""",
        ),
        (
            _table(
                "erp.billing_document_item",
                "A_BillingDocumentItem",
                2,
                """BillingDocument:billing_document BillingDocumentItem:billing_document_item Material:material
                Plant:plant BillingQuantityInBaseUnit:billing_quantity_in_base_unit:decimal(13,3)
                NetAmount:net_amount:decimal(16,3) TaxAmount:tax_amount:decimal(14,3)
                CostAmount:cost_amount:decimal(14,3) SalesDocument:sales_document
                SalesDocumentItem:sales_document_item""",
            ),
        ),
    ),
    Entity(
        "erp",
        _table(
            "erp.receivable_item",
            "A_OperationalAcctgDocItemCube",
            4,
            """CompanyCode:company_code FiscalYear:fiscal_year AccountingDocument:accounting_document
            AccountingDocumentItem:accounting_document_item FinancialAccountType:financial_account_type
            Customer:customer PostingDate:posting_date:date
            AccountingDocumentCreationDate:accounting_document_creation_date:date NetDueDate:net_due_date:date
            DebitCreditCode:debit_credit_code
            AmountInTransactionCurrency:amount_in_transaction_currency:decimal(24,3)
            TransactionCurrency:transaction_currency
            AmountInCompanyCodeCurrency:amount_in_company_code_currency:decimal(24,3)
            CompanyCodeCurrency:company_code_currency SpecialGLCode:special_gl_code ClearingDate:clearing_date:date
            ClearingCreationDate:clearing_creation_date:date
            ClearingAccountingDocument:clearing_accounting_document IsCleared:is_cleared:boolean
            IsReversed:is_reversed:boolean InvoiceReference:invoice_reference
            InvoiceReferenceFiscalYear:invoice_reference_fiscal_year BillingDocument:billing_document
            GLAccount:gl_account""",
            where="FinancialAccountType = 'D'",
        ),
    ),
)


def canonical(kind: str, value: Any) -> str | None:
    """A source value in the lake's textual form; instants lose what is finer than a microsecond."""
    if value is None:
        return None
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return _microseconds(str(value))
    if kind.startswith("decimal"):
        return f"{Decimal(value):f}"
    return str(value)


def _microseconds(text: str) -> str:
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|\+0000)", text)
    if match is None:
        raise ValueError(f"{text!r} is not an instant as the simulators write it")
    since = datetime.fromisoformat(match[1]).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return str(since // timedelta(microseconds=1) + int(f"{match[2] or ''}000000"[:6]))
