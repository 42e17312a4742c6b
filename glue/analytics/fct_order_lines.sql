-- One row for each item of a sales order, with its header. Deleted orders are not in it.
-- sales_order: Order number
-- sales_order_item: Item number
-- sales_organization: Sales organisation
-- sold_to_party: The customer who ordered
-- sales_order_date: Date of the order, as the ERP has it
-- transaction_currency: Document currency
-- external_document_id: The order's number in the system it came from
-- material: What was ordered
-- requested_quantity: Ordered quantity in its unit
-- requested_quantity_unit: Unit of the ordered quantity
-- net_amount: Net amount in document currency
-- rejected: The item was rejected
-- eff_net: Effective net amount in document currency: 0 where the item was rejected
-- changed_at: When the header was last changed, UTC
-- changed_on: The day of that change in the company's time zone
WITH items AS (
    SELECT
        *,
        coalesce(trim(sales_document_rjcn_reason), '') <> '' AS rejected
    FROM {curated}.erp_sales_order_item
)

SELECT
    items.sales_order,
    items.sales_order_item,
    orders.sales_organization,
    orders.sold_to_party,
    orders.sales_order_date,
    orders.transaction_currency,
    orders.external_document_id,
    items.material,
    items.requested_quantity,
    items.requested_quantity_unit,
    items.net_amount,
    items.rejected,
    CAST(IF(items.rejected, 0, items.net_amount) AS DECIMAL(16, 3)) AS eff_net,
    CAST(orders.last_change_date_time AS TIMESTAMP_NTZ) AS changed_at,
    CAST(from_utc_timestamp(orders.last_change_date_time, '{zone}') AS DATE) AS changed_on
FROM items
INNER JOIN {curated}.erp_sales_order AS orders
    ON items.sales_order = orders.sales_order
