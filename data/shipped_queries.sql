-- Queries of the log that come with the console; their titles are in data/words under query_title_NAME.
-- A query that looks back only some days (`happened_at >= ago(30)`) is fast, however long the log is.

-- name: parked_most
SELECT flow, code AS cause, count(*) AS parked, count(DISTINCT key) AS records, max(happened_at) AS last_seen
FROM events
WHERE event = 'parked' AND happened_at >= ago(30)
GROUP BY flow, code
ORDER BY parked DESC;

-- name: slowest_runs
SELECT run, any_value(flow) AS flow, min(happened_at) AS started_at,
  max(ms) FILTER (event = 'plan_ready') / 1000 AS preview_seconds,
  date_diff('millisecond', max(happened_at) FILTER (event = 'approved'),
    max(happened_at) FILTER (event = 'run_done')) / 1000 AS write_seconds
FROM events
WHERE event IN ('run_started', 'plan_ready', 'approved', 'run_done') AND happened_at >= ago(30)
GROUP BY run
ORDER BY coalesce(preview_seconds, 0) + coalesce(write_seconds, 0) DESC
LIMIT 50;

-- name: prices_changed
SELECT happened_at, key AS article, title, field,
  TRY_CAST(json_extract_string(before, '$."' || field || '"') AS DECIMAL(18, 2)) AS old_price,
  TRY_CAST(json_extract_string(after, '$."' || field || '"') AS DECIMAL(18, 2)) AS new_price,
  round(100 * (new_price - old_price) / nullif(old_price, 0), 1) AS percent
FROM (
  SELECT happened_at, key, title, before, after, unnest(json_keys(after)) AS field
  FROM events
  WHERE flow = 'products' AND event = 'planned' AND before IS NOT NULL AND happened_at >= ago(30)
)
WHERE field LIKE '%price\_%' ESCAPE '\' AND old_price <> new_price
ORDER BY happened_at DESC
LIMIT 5000;

-- name: stock_ran_out
SELECT article, title, branch, max(written_at) AS last_seen, count(*) AS times
FROM levels
WHERE found_at >= ago(30) AND written_at >= ago(30) AND amount <= 0
GROUP BY article, title, branch
ORDER BY times DESC, last_seen DESC;

-- name: fields_changed
SELECT flow, regexp_replace(field, '^.*/', '') AS field, count(*) AS changes
FROM (
  SELECT flow, before, after, unnest(json_keys(after)) AS field
  FROM events
  WHERE event = 'planned' AND before IS NOT NULL AND happened_at >= ago(30)
)
WHERE json_extract_string(before, '$."' || field || '"') IS DISTINCT FROM json_extract_string(after, '$."' || field || '"')
GROUP BY ALL
ORDER BY changes DESC;

-- name: changed_most
SELECT flow, key, max(title) AS title, count(*) AS changes, max(happened_at) AS last_change
FROM events
WHERE event = 'proven' AND happened_at >= ago(90)
GROUP BY flow, key
ORDER BY changes DESC, last_change DESC
LIMIT 100;

-- name: skipped_why
SELECT flow, code AS reason, count(*) AS skipped, count(DISTINCT key) AS records
FROM events
WHERE event = 'skipped' AND happened_at >= ago(30)
GROUP BY flow, code
ORDER BY skipped DESC;

-- name: in_doubt
SELECT doubt.happened_at, doubt.flow, doubt.key, doubt.title, settled.event AS became,
  date_diff('second', doubt.happened_at, settled.happened_at) AS seconds_later
FROM events AS doubt
LEFT JOIN events AS settled ON settled.run = doubt.run AND settled.key = doubt.key
  AND settled.event IN ('proven', 'parked', 'planned_again') AND settled.happened_at >= doubt.happened_at
  AND settled.happened_at >= ago(90)
WHERE doubt.event = 'in_doubt' AND doubt.happened_at >= ago(90)
ORDER BY doubt.happened_at DESC
LIMIT 1000;

-- name: busiest_hours
SELECT hour(happened_at) AS hour_utc, count(*) AS changes
FROM events
WHERE event = 'proven' AND happened_at >= ago(30)
GROUP BY ALL
ORDER BY hour_utc;

-- name: orders_a_day
SELECT CAST(happened_at AS DATE) AS day, count(*) AS orders
FROM events
WHERE flow = 'orders' AND event = 'proven' AND kind IN ('sales_order', 'posting') AND happened_at >= ago(90)
GROUP BY day
ORDER BY day;

-- name: decisions
SELECT happened_at, facts ->> '$.by' AS decided_by, event, flow, run, key, facts
FROM events
WHERE facts ->> '$.by' <> 'schedule' AND event <> 'run_started' AND happened_at >= ago(90)
ORDER BY happened_at DESC
LIMIT 1000;
