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

-- name: view_levels
-- A view: what each plan of stock found at the till (found) and what it wrote and proved (amount).
CREATE OR REPLACE VIEW levels AS
SELECT plan.run, plan.article, plan.title, split_part(plan.path, '/', 1) AS branch, plan.found_at,
  TRY_CAST(plan.before[plan.path] AS DECIMAL(18, 3)) AS found, proven.happened_at AS written_at,
  CASE WHEN proven.happened_at IS NOT NULL THEN TRY_CAST(plan.after[plan.path] AS DECIMAL(18, 3)) END AS amount
FROM (
  SELECT run, key AS article, title, happened_at AS found_at, CAST(CAST(before AS JSON) AS MAP(VARCHAR, VARCHAR)) AS before,
    CAST(CAST(after AS JSON) AS MAP(VARCHAR, VARCHAR)) AS after, unnest(json_keys(CAST(after AS JSON))) AS path
  FROM (SELECT * FROM events WHERE flow = 'stock' AND event = 'planned' AND after IS NOT NULL)
) AS plan
LEFT JOIN events AS proven ON proven.flow = 'stock' AND proven.event = 'proven'
  AND proven.run = plan.run AND proven.key = plan.article
WHERE plan.path LIKE '%/amount';

-- name: view_movements
-- A view: every known level with its difference to the one before; origin is till (found there) or books (written).
CREATE OR REPLACE VIEW movements AS
SELECT *, amount - lag(amount) OVER (PARTITION BY article, branch ORDER BY happened_at, origin DESC) AS moved
FROM (
  SELECT found_at AS happened_at, run, article, title, branch, 'till' AS origin, found AS amount
  FROM levels WHERE found IS NOT NULL
  UNION ALL
  SELECT written_at, run, article, title, branch, 'books', amount FROM levels WHERE amount IS NOT NULL
);

-- name: view_paces
-- A table macro: each article in each branch with its level, what it fell by, and over how many days.
-- It fell by what the till sold between two levels written, or by what those levels fell, whichever is more: a sale shows
-- at the till first and in the books later. An article known for a shorter time counts from when it was known.
CREATE OR REPLACE MACRO paces(since, until) AS TABLE
SELECT *, greatest(1, epoch(CAST(until AS TIMESTAMP) - greatest(first_at, CAST(since AS TIMESTAMP))) / 86400) AS days
FROM (
  SELECT article, branch, arg_max(title, written_at) AS title, arg_max(amount, written_at) AS amount,
    min(written_at) AS first_at, max(written_at) AS written_at,
    greatest(
      coalesce(sum(was - found) FILTER (written_at >= since AND found < was), 0),
      coalesce(sum(was - amount) FILTER (written_at >= since AND amount < was), 0)
    ) AS fell
  FROM (
    SELECT *, lag(amount) OVER (PARTITION BY article, branch ORDER BY written_at) AS was
    FROM levels
    WHERE amount IS NOT NULL
  )
  GROUP BY article, branch
);

-- name: view_article_groups
-- A view: the article groups each article was last planned with, the first of them by itself.
CREATE OR REPLACE VIEW article_groups AS
SELECT article, arg_max(groups, happened_at) AS groups, arg_max(groups[1], happened_at) AS first_group
FROM (
  SELECT unnest(sources) AS article, happened_at, string_split(json_extract_string(after, '$.groups'), ', ') AS groups
  FROM events
  WHERE flow = 'products' AND event = 'planned' AND kind = 'product' AND after IS NOT NULL
    AND json_extract_string(after, '$.groups') <> ''
)
GROUP BY article;

-- name: stock_over_time
-- Stock as the sum of all known levels, by day or hour and by branch or group; what was before the period comes as its start.
WITH moves AS (
  SELECT CASE WHEN $split = 'group' THEN coalesce(first_group, '') ELSE branch END AS series,
    date_trunc($unit, greatest(happened_at, $since)) AS period, coalesce(moved, amount) AS moved
  FROM movements LEFT JOIN article_groups USING (article)
  WHERE ($article = '' OR article = $article) AND ($branch = '' OR branch = $branch)
    AND ($group = '' OR list_contains(groups, $group))
)
SELECT period, series, sum(sum(moved)) OVER (PARTITION BY series ORDER BY period) AS amount
FROM moves
GROUP BY period, series
ORDER BY period, series;

-- name: stock_moved
-- How much stock rose and fell, by day or hour and by where it moved: at the till, or in the books.
SELECT date_trunc($unit, happened_at) AS period, origin,
  coalesce(sum(moved) FILTER (moved > 0), 0) AS rose, coalesce(-sum(moved) FILTER (moved < 0), 0) AS fell
FROM movements LEFT JOIN article_groups USING (article)
WHERE happened_at >= $since AND moved <> 0
  AND ($article = '' OR article = $article) AND ($branch = '' OR branch = $branch)
  AND ($group = '' OR list_contains(groups, $group))
GROUP BY ALL
ORDER BY period, origin;

-- name: stock_points
-- The known levels of one article from the last one before a moment on, oldest first, with where each comes from.
SELECT greatest(happened_at, $since) AS happened_at, run, branch, origin, amount
FROM movements
WHERE article = $article AND ($branch = '' OR branch = $branch)
QUALIFY lead(happened_at) OVER (PARTITION BY branch ORDER BY happened_at, origin DESC) IS NULL
  OR lead(happened_at) OVER (PARTITION BY branch ORDER BY happened_at, origin DESC) > $since
ORDER BY happened_at, branch, origin DESC
LIMIT $limit;

-- name: stock_outlook
-- Every article in every branch with its level, how fast it fell in the period, and the days it lasts at that speed.
WITH outlook AS (
  SELECT paced.article, title, branch, coalesce(first_group, '') AS first_group, amount, written_at, fell, days,
    fell / days AS fell_a_day,
    CASE WHEN fell > 0 THEN greatest(0, amount) / (fell / days) END AS days_left
  FROM paces($since, $now) AS paced LEFT JOIN article_groups ON article_groups.article = paced.article
  WHERE ($article = '' OR paced.article = $article) AND ($branch = '' OR branch = $branch)
    AND ($group = '' OR list_contains(groups, $group))
    AND ($find = '' OR contains(lower(concat_ws(' ', paced.article, title)), lower($find)))
)
SELECT *, count(*) OVER () AS found
FROM outlook
WHERE CASE $show WHEN 'soon' THEN days_left <= $within WHEN 'falling' THEN days_left IS NOT NULL
  WHEN 'steady' THEN days_left IS NULL ELSE true END
ORDER BY CASE WHEN $sort = 'level' THEN amount WHEN $sort = 'pace' THEN -fell_a_day WHEN $sort = 'days' THEN days_left END
  NULLS LAST, article, branch
LIMIT $limit OFFSET $offset;

-- name: stock_sums
-- What the list of `stock_outlook` comes to as a whole: levels, falls, how many run out soon, how many have no date.
SELECT count(*) AS levels, count(DISTINCT paced.article) AS articles, count(DISTINCT branch) AS branches,
  coalesce(sum(amount), 0) AS amount, coalesce(sum(fell / days), 0) AS fell_a_day,
  count(*) FILTER (fell > 0 AND greatest(0, amount) / (fell / days) <= $within) AS soon,
  count(*) FILTER (amount <= 0) AS gone, max(written_at) AS written_at
FROM paces($since, $now) AS paced LEFT JOIN article_groups ON article_groups.article = paced.article
WHERE ($article = '' OR paced.article = $article) AND ($branch = '' OR branch = $branch)
  AND ($group = '' OR list_contains(groups, $group));

-- name: stock_trails
-- The last levels of some articles since a moment, oldest first, in one list for each article and branch.
SELECT article, branch, list(CAST(amount AS DOUBLE) ORDER BY happened_at, origin DESC)[-60:] AS amounts
FROM movements
WHERE happened_at >= $since AND list_contains($articles, article)
GROUP BY article, branch;

-- name: stock_groups
-- The article groups of the articles whose levels are known, with their names.
SELECT code, coalesce(any_value(names.title), code) AS name, count(DISTINCT article) AS articles
FROM (
  SELECT article, unnest(groups) AS code FROM article_groups WHERE article IN (SELECT article FROM levels)
) AS used
LEFT JOIN (
  SELECT key, arg_max(title, happened_at) AS title FROM events WHERE kind = 'group' AND event = 'planned' GROUP BY key
) AS names ON names.key = used.code
GROUP BY code
ORDER BY name;

-- name: stock_branches
-- The branches whose levels are known.
SELECT DISTINCT branch FROM levels ORDER BY branch;

-- name: all
-- The whole log, for an export.
SELECT happened_at, run, flow, kind, key, array_to_string(sources, ' ') AS sources, title, event, code, facts, before, after, ms
FROM events
ORDER BY happened_at, instance, id;
