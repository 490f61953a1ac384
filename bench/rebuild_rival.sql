-- The finished values of the shipped traits, written by hand as a skilled analyst would for DuckDB:
-- one wide pass for what every event counts in, and narrow passes over the rare rows only.
-- $now, $today and the table "history" are filled in by bench_rebuild.py.
CREATE TEMP TABLE answer AS
WITH orders AS MATERIALIZED (
    SELECT anchor, occurred_at, day, store_id, products,
        coalesce(revenue_minor, TRY_CAST(properties ->> 'total_minor' AS BIGINT)) AS revenue,
        coalesce(channel, context ->> 'channel', source) AS channel
    FROM history
    WHERE kind = 'track' AND name IN ('Order Completed', 'Store Purchase Completed')
), lines AS MATERIALIZED (
    SELECT anchor, day, line.* FROM (SELECT anchor, day, unnest(products) AS line FROM orders)
), everybody AS (
    SELECT anchor,
        count(*) FILTER (kind = 'track' AND name = 'Coupon Redeemed') AS coupons_redeemed_total,
        count(*) FILTER (kind = 'track' AND name IN ('Order Refunded', 'Store Purchase Returned'))
            AS returns_total,
        count(*) FILTER (kind = 'track' AND name = 'Product Viewed'
            AND day BETWEEN $today - 6 AND $today) AS products_viewed_7d,
        count(*) FILTER (kind = 'track' AND name = 'Products Searched'
            AND day BETWEEN $today - 29 AND $today) AS searches_30d,
        count(*) FILTER (kind = 'track' AND name = 'Product Added'
            AND day BETWEEN $today - 6 AND $today) AS cart_adds_7d,
        count(*) FILTER (kind = 'page' AND day BETWEEN $today - 29 AND $today) AS pages_30d,
        count(*) FILTER (kind = 'track' AND name = 'Campaign Received'
            AND day BETWEEN $today - 89 AND $today) AS campaigns_received_90d,
        count(*) FILTER (kind = 'track'
            AND name IN ('Campaign Received', 'Email Delivered', 'Message Sent')
            AND day BETWEEN $today - 89 AND $today) AS messages_received_90d,
        count(*) FILTER (kind = 'track'
            AND name IN ('Email Opened', 'Email Clicked', 'Coupon Redeemed', 'Survey Answered')
            AND day BETWEEN $today - 89 AND $today) AS messages_answered_90d,
        count(*) FILTER (kind = 'track' AND name = 'Ticket Opened'
            AND day BETWEEN $today - 89 AND $today) AS tickets_90d,
        min(occurred_at) FILTER (NOT by_us) AS first_seen_at,
        max(occurred_at) FILTER (NOT by_us) AS last_seen_at
    FROM (
        SELECT *, kind = 'track' AND name IN (
            'Campaign Received', 'Email Delivered', 'Message Sent', 'Decision Made',
            'Identifiers Joined', 'Identifiers Separated', 'Ticket Closed') AS by_us
        FROM history
    )
    GROUP BY anchor
), ordered AS (
    SELECT anchor, count(*) AS orders_total,
        count(*) FILTER (day BETWEEN $today - 29 AND $today) AS orders_30d,
        count(*) FILTER (day BETWEEN $today - 89 AND $today) AS orders_90d,
        count(*) FILTER (day BETWEEN $today - 179 AND $today) AS orders_180d,
        count(*) FILTER (day BETWEEN $today - 364 AND $today) AS orders_365d,
        list_sort(list(DISTINCT day)) AS days,
        min(occurred_at) AS first_order_at, max(occurred_at) AS last_order_at,
        sum(revenue) AS spend_total_minor,
        sum(revenue) FILTER (day BETWEEN $today - 29 AND $today) AS spend_30d_minor,
        sum(revenue) FILTER (day BETWEEN $today - 89 AND $today) AS spend_90d_minor,
        sum(revenue) FILTER (day BETWEEN $today - 364 AND $today) AS spend_365d_minor,
        avg(revenue) AS average_order_minor, max(revenue) AS largest_order_minor,
        sum(revenue * power(0.5, ($now - occurred_at) / 2592000000.0)) AS recent_spend_decayed,
        arg_max(store_id, occurred_at) AS last_store, arg_max(channel, occurred_at) AS last_channel
    FROM orders GROUP BY anchor
), stores AS (
    SELECT anchor, min({'r': -n, 'k': store_id}, 1) AS best
    FROM (SELECT anchor, store_id, count(*) AS n FROM orders WHERE store_id IS NOT NULL GROUP BY ALL)
    GROUP BY anchor
), weekdays AS (
    SELECT anchor, min({'r': -n, 'k': k::VARCHAR}, 1) AS best
    FROM (SELECT anchor, (day + 3) % 7 + 1 AS k, count(*) AS n FROM orders GROUP BY ALL)
    GROUP BY anchor
), hours AS (
    SELECT anchor, min({'r': -n, 'k': k::VARCHAR}, 1) AS best
    FROM (SELECT anchor, occurred_at // 3600000 % 24 AS k, count(*) AS n FROM orders GROUP BY ALL)
    GROUP BY anchor
), bought AS (
    SELECT anchor, sum(coalesce(quantity, 1)) AS items_total,
        sum(discount_minor) AS discount_total_minor,
        count(DISTINCT category) FILTER (day BETWEEN $today - 89 AND $today)
            AS distinct_categories_90d
    FROM lines GROUP BY anchor
), products AS (
    SELECT anchor, json_group_object(product_id, days) AS habits, count(*) AS distinct_products,
        min({'r': -n, 'k': product_id}, 10) AS best
    FROM (
        SELECT anchor, product_id, list_sort(list(DISTINCT day))[-64:] AS days,
            sum(coalesce(quantity, 1)) AS n
        FROM lines WHERE product_id IS NOT NULL GROUP BY ALL
    )
    GROUP BY anchor
), categories AS (
    SELECT anchor, min({'r': -n, 'k': category}, 5) AS best
    FROM (SELECT anchor, category, count(*) AS n FROM lines WHERE category IS NOT NULL GROUP BY ALL)
    GROUP BY anchor
), departments AS (
    SELECT anchor, min({'r': -n, 'k': department}, 5) AS best
    FROM (
        SELECT anchor, department, count(*) AS n FROM lines WHERE department IS NOT NULL GROUP BY ALL
    )
    GROUP BY anchor
), brands AS (
    SELECT anchor, min({'r': -n, 'k': brand}, 5) AS best
    FROM (SELECT anchor, brand, count(*) AS n FROM lines WHERE brand IS NOT NULL GROUP BY ALL)
    GROUP BY anchor
), viewed AS (
    SELECT anchor, arg_max(products[1].product_id, occurred_at, 10) AS last_viewed_products
    FROM history WHERE kind = 'track' AND name = 'Product Viewed' GROUP BY anchor
), searched AS (
    SELECT anchor, arg_max(properties ->> 'query', occurred_at) AS last_search
    FROM history WHERE kind = 'track' AND name = 'Products Searched' GROUP BY anchor
), campaigns AS (
    SELECT anchor, arg_max(properties ->> 'campaign_id', occurred_at, 50) AS campaigns_received
    FROM history WHERE kind = 'track' AND name = 'Campaign Received' GROUP BY anchor
), contacts AS (
    SELECT anchor, arg_max(properties ->> 'contact', occurred_at, 50) AS recent_contacts
    FROM history WHERE kind = 'track' AND name = 'Decision Made' GROUP BY anchor
), dismissed AS (
    SELECT anchor, json_group_object(action, [day]) AS dismissed_actions
    FROM (
        SELECT anchor, properties ->> 'action_id' AS action, max(day) AS day
        FROM history WHERE kind = 'track' AND name = 'Action Dismissed' GROUP BY ALL
    )
    WHERE action IS NOT NULL GROUP BY anchor
), facts AS (
    SELECT anchor, json_group_object(key, value) AS declared
    FROM (
        SELECT anchor, entry.key AS key, arg_max(entry.value, occurred_at) AS value
        FROM (
            SELECT anchor, occurred_at,
                unnest(map_entries(properties::JSON::MAP(VARCHAR, JSON))) AS entry
            FROM history WHERE kind = 'identify'
        )
        GROUP BY ALL
    )
    GROUP BY anchor
)
SELECT anchor, declared,
    coalesce(orders_total, 0) AS orders_total, coalesce(orders_30d, 0) AS orders_30d,
    coalesce(orders_90d, 0) AS orders_90d, coalesce(orders_180d, 0) AS orders_180d,
    coalesce(orders_365d, 0) AS orders_365d,
    least(coalesce(len(days), 0), 1000) AS order_days, days[-64:] AS shopping_days,
    CASE WHEN len(days) > 1 THEN
        (days[-1] - days[-64:][1]) / (least(len(days), 64) - 1) END AS mean_gap_days,
    list_aggregate(list_transform(
        list_zip(days[-64:][:-2], days[-64:][2:]), lambda gap: gap[2] - gap[1]), 'stddev_samp')
        AS sd_gap_days,
    first_order_at, last_order_at,
    coalesce(spend_total_minor, 0) AS spend_total_minor,
    coalesce(spend_30d_minor, 0) AS spend_30d_minor,
    coalesce(spend_90d_minor, 0) AS spend_90d_minor,
    coalesce(spend_365d_minor, 0) AS spend_365d_minor,
    average_order_minor, largest_order_minor, recent_spend_decayed,
    coalesce(discount_total_minor, 0) AS discount_total_minor,
    coupons_redeemed_total, returns_total, coalesce(items_total, 0) AS items_total,
    habits, coalesce(distinct_products, 0) AS distinct_products,
    coalesce(distinct_categories_90d, 0) AS distinct_categories_90d,
    list_transform(products.best, lambda e: row(e.k, -e.r)) AS top_products,
    list_transform(categories.best, lambda e: row(e.k, -e.r)) AS top_categories,
    list_transform(departments.best, lambda e: row(e.k, -e.r)) AS top_departments,
    list_transform(brands.best, lambda e: row(e.k, -e.r)) AS top_brands,
    last_store, list_transform(stores.best, lambda e: row(e.k, -e.r)) AS favourite_store,
    last_channel,
    list_transform(weekdays.best, lambda e: row(e.k, -e.r)) AS favourite_weekday,
    list_transform(hours.best, lambda e: row(e.k, -e.r)) AS favourite_hour,
    products_viewed_7d, last_viewed_products, searches_30d, last_search, cart_adds_7d, pages_30d,
    campaigns_received_90d, messages_received_90d, messages_answered_90d, tickets_90d,
    first_seen_at, last_seen_at, campaigns_received, recent_contacts,
    dismissed_actions
FROM everybody
LEFT JOIN ordered USING (anchor) LEFT JOIN stores USING (anchor)
LEFT JOIN weekdays USING (anchor) LEFT JOIN hours USING (anchor)
LEFT JOIN bought USING (anchor) LEFT JOIN products USING (anchor)
LEFT JOIN categories USING (anchor) LEFT JOIN departments USING (anchor)
LEFT JOIN brands USING (anchor) LEFT JOIN viewed USING (anchor)
LEFT JOIN searched USING (anchor) LEFT JOIN campaigns USING (anchor)
LEFT JOIN contacts USING (anchor) LEFT JOIN facts USING (anchor)
LEFT JOIN dismissed USING (anchor)
