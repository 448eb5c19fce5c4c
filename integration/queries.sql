-- The questions the log answers. Each has a name, a line that explains it, and parameters; times are UTC.

-- name: life
-- Everything that happened to one record of a flow, under its own key or that of a source record, oldest first.
SELECT happened_at, run, flow, kind, key, title, event, code, facts, before, after, ms
FROM events
WHERE flow = $flow AND (key = $key OR list_contains(sources, $key))
ORDER BY happened_at, id
LIMIT $limit;

-- name: search
-- Events whose key, title, source keys, code or facts hold a text, newest first; empty parameters ask for all.
SELECT happened_at, run, flow, kind, key, title, event, code, facts, before, after, ms
FROM events
WHERE ($flow = '' OR flow = $flow)
  AND ($event = '' OR event = $event)
  AND ($text = '' OR contains(lower(concat_ws(' ', key, title, array_to_string(sources, ' '), code, facts)), lower($text)))
ORDER BY happened_at DESC, id DESC
LIMIT $limit OFFSET $offset;

-- name: found
-- How many events `search` has in all.
SELECT count(*) AS events
FROM events
WHERE ($flow = '' OR flow = $flow)
  AND ($event = '' OR event = $event)
  AND ($text = '' OR contains(lower(concat_ws(' ', key, title, array_to_string(sources, ' '), code, facts)), lower($text)));

-- name: run_events
-- Everything that happened in one run, oldest first.
SELECT happened_at, flow, kind, key, title, event, code, facts, before, after, ms
FROM events
WHERE run = $run
ORDER BY happened_at, id
LIMIT $limit OFFSET $offset;

-- name: volume
-- How many records had each event, by hour or day and flow, since a moment.
SELECT date_trunc($unit, happened_at) AS period, flow, event, count(*) AS events
FROM events
WHERE happened_at >= $since AND ($flow = '' OR flow = $flow) AND key <> ''
GROUP BY ALL
ORDER BY period, flow, event;

-- name: errors
-- What was parked or stopped a run since a moment, by flow and cause, the most frequent first.
SELECT flow, event, code, count(*) AS events, min(happened_at) AS first_seen, max(happened_at) AS last_seen
FROM events
WHERE event IN ('parked', 'run_failed', 'run_interrupted')
  AND happened_at >= $since AND ($flow = '' OR flow = $flow)
GROUP BY ALL
ORDER BY events DESC, last_seen DESC;

-- name: durations
-- How long runs took, from start to plan and to end, and how fast the target took single changes, newest run first.
SELECT run, any_value(flow) AS flow, min(happened_at) AS started_at,
  max(ms) FILTER (event = 'plan_ready') AS preview_ms,
  max(ms) FILTER (event IN ('run_done', 'run_failed', 'run_interrupted')) AS run_ms,
  median(ms) FILTER (event = 'proven') AS change_ms,
  count(*) FILTER (event = 'proven') AS proven
FROM events
WHERE run <> '' AND happened_at >= $since AND ($flow = '' OR flow = $flow)
GROUP BY run
ORDER BY started_at DESC
LIMIT $limit;

-- name: stock_levels
-- Every stock level that was written and proven, by article and branch, oldest first; an empty article asks for all.
WITH levels AS (
  SELECT run, key, title, key_value.key AS path, TRY_CAST(key_value.value AS DECIMAL(18, 3)) AS amount
  FROM (
    SELECT run, key, title, unnest(map_entries(CAST(CAST(after AS JSON) AS MAP(VARCHAR, VARCHAR)))) AS key_value
    FROM events
    WHERE flow = 'stock' AND event = 'planned' AND after IS NOT NULL AND ($article = '' OR key = $article)
  )
  WHERE key_value.key LIKE '%/amount'
)
SELECT proven.happened_at, levels.run, levels.key AS article, levels.title,
  split_part(levels.path, '/', 1) AS branch, levels.amount
FROM levels
JOIN events AS proven ON proven.flow = 'stock' AND proven.event = 'proven'
  AND proven.run = levels.run AND proven.key = levels.key
WHERE proven.happened_at >= $since
ORDER BY proven.happened_at, article, branch
LIMIT $limit;

-- name: all
-- The whole log, for an export.
SELECT happened_at, run, flow, kind, key, array_to_string(sources, ' ') AS sources, title, event, code, facts, before, after, ms
FROM events
ORDER BY happened_at, instance, id;
