-- A history with the columns of the real one; what each event is, is a function of its number.
WITH drawn AS (
    SELECT i, hash(i, 1) % $people AS person, $now - (hash(i, 2) % $span)::BIGINT AS at_ms,
        (hash(i, 3) % 1000)::INTEGER AS dice, 1 + (hash(i, 4) % 3)::INTEGER AS basket
    FROM range($events) AS t(i)
), named AS (
    SELECT *, CASE WHEN dice < 700 THEN 'Product Viewed' WHEN dice < 730 THEN 'Order Completed'
        WHEN dice < 750 THEN 'Store Purchase Completed' WHEN dice < 830 THEN ''
        WHEN dice < 880 THEN 'Products Searched' WHEN dice < 930 THEN 'Product Added'
        WHEN dice < 960 THEN 'Campaign Received' WHEN dice < 970 THEN 'Coupon Redeemed'
        WHEN dice < 990 THEN 'Email Opened' WHEN dice < 995 THEN 'Order Refunded' ELSE '' END AS name,
        CASE WHEN dice >= 995 THEN 'identify' WHEN dice BETWEEN 750 AND 829 THEN 'page'
            ELSE 'track' END AS kind,
        dice BETWEEN 700 AND 749 AS is_order
    FROM drawn
), lined AS (
    SELECT *, CASE WHEN is_order OR name IN ('Product Viewed', 'Product Added') THEN
        list_transform(range(CASE WHEN is_order THEN basket ELSE 1 END), lambda n: struct_pack(
            product_id := 'p' || hash(i, 5, n) % 5000, name := 'Product ' || hash(i, 5, n) % 5000,
            category := 'category ' || hash(i, 5, n) % 60,
            department := 'department ' || hash(i, 5, n) % 12, brand := 'brand ' || hash(i, 5, n) % 200,
            quantity := (1 + hash(i, 6, n) % 3)::BIGINT,
            amount_minor := (100 + hash(i, 7, n) % 9000)::BIGINT,
            price_minor := (100 + hash(i, 7, n) % 9000)::BIGINT,
            discount_minor := (hash(i, 8, n) % 200)::BIGINT)) ELSE [] END AS products
    FROM named
)
SELECT 'user_id:' || person AS anchor, 'event-' || i AS event_id, kind, name, at_ms AS occurred_at,
    at_ms + 900 AS recorded_at, (at_ms // 86400000)::INTEGER AS day, 'web' AS source, i AS "offset",
    CASE WHEN is_order THEN list_sum(list_transform(products, lambda p: p.amount_minor))::BIGINT END
        AS revenue_minor,
    CASE WHEN is_order THEN 'EUR' END AS currency, CASE WHEN is_order THEN 'o-' || i END AS order_id,
    CASE WHEN is_order THEN 's-' || hash(i, 9) % 9 END AS store_id,
    CASE WHEN dice BETWEEN 730 AND 749 THEN 'store' END AS channel, products,
    '["user_id:' || person || '","anonymous_id:a-' || person || '"]' AS identifiers,
    CASE WHEN name = 'Products Searched' THEN '{"query":"red wine ' || hash(i, 9) % 99 || '"}'
        WHEN name = 'Campaign Received' THEN '{"campaign_id":"c' || hash(i, 9) % 30 || '"}'
        WHEN kind = 'identify' THEN '{"size":"' || hash(i, 9) % 9 || '","city":"Aachen"}'
        WHEN kind = 'page' THEN '{"url":"https://shop.example/p/1","title":"Wine"}'
        WHEN is_order THEN to_json({'order_id': 'o-' || i, 'products': products})::VARCHAR
        WHEN len(products) > 0 THEN to_json(products[1])::VARCHAR ELSE '{}' END AS properties,
    '{"userAgent":"Mozilla/5.0 (X11; Linux x86_64)","page":{"path":"/p/1"}}' AS context
FROM lined ORDER BY md5_number_lower(anchor) % 64, anchor, occurred_at
