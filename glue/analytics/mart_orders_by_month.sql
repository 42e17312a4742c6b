-- Effective order value by month of the order and document currency.
-- month: First day of the month of the order's date; null where an order has no date
-- currency: Document currency
-- lines: Order items, rejected ones included
-- orders: Orders with at least one item
-- eff_net: Sum of the effective net amounts in document currency
SELECT
    CAST(trunc(sales_order_date, 'MM') AS DATE) AS month,
    transaction_currency AS currency,
    count(*) AS lines,
    count(DISTINCT sales_order) AS orders,
    CAST(sum(eff_net) AS DECIMAL(26, 3)) AS eff_net
FROM {analytics}.fct_order_lines
GROUP BY 1, 2
