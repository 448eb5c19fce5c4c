-- Named SQL statements of the log. Each has a name, an explanation and parameters. Times are UTC.

-- name: records
-- Fills the table of records from the events, with the search text of each record.
INSERT INTO records
SELECT flow, kind, key, title, sources, words, mark_of(flow, kind, key, title, sources, words)
FROM (SELECT DISTINCT flow, kind, key, title, sources, words(key, title, sources, facts, event) AS words FROM events WHERE key <> '');

-- name: new_records
-- Adds new records from a batch of events. Compares only the marks of known records.
INSERT INTO records
SELECT met.*
FROM (
  SELECT *, mark_of(flow, kind, key, title, sources, words) AS mark
  FROM (SELECT DISTINCT flow, kind, key, title, sources, words(key, title, sources, facts, event) AS words FROM batch WHERE key <> '')
) AS met
ANTI JOIN records USING (mark);

-- name: words
-- A macro: the search text of a record, in lower case. Names and amounts of records are in the table `known`.
CREATE OR REPLACE MACRO words(key, title, sources, facts, event) AS
lower(concat_ws(' ', key, title, array_to_string(sources, ' '),
  CASE WHEN facts <> '{}' AND event NOT IN ('planned', 'proven', 'accepted', 'matched') THEN array_to_string(json_extract_string(facts, '$.*'), ' ') END));

-- name: mark_of
-- A macro: the hash that identifies a row of `records`.
CREATE OR REPLACE MACRO mark_of(flow, kind, key, title, sources, words) AS
md5_number_lower(concat_ws(chr(10), flow, kind, key, title, array_to_string(sources, ' '), words));

-- name: mark_of_key
-- A macro: the hash by which the events of a key are found.
CREATE OR REPLACE MACRO mark_of_key(key) AS md5_number_lower(coalesce(key, ''));

-- name: new_events
-- Adds a batch of events, each with the mark of its key.
INSERT INTO events SELECT *, mark_of_key(key) FROM batch;

-- name: plainly
-- A macro: a text in the form that searches compare, in lower case and without accents.
CREATE OR REPLACE MACRO plainly(text) AS strip_accents(lower(text));

-- name: names_in
-- A table macro: the numbers, names and amounts by which records of a table of events can be found, without duplicates and
-- without those that `known` already has.
CREATE OR REPLACE MACRO names_in(source) AS TABLE
WITH told AS (
  SELECT flow, kind, key, title, sources, facts, coalesce(after, '{}') AS after, coalesce(before, '{}') AS before
  FROM query_table(source)
  WHERE key <> '' AND kind <> '' AND event IN ('planned', 'proven', 'accepted', 'matched', 'parked', 'skipped')
), named AS (
  SELECT flow, kind, key, title,
    unnest(['key', 'title', 'there', 'customer', 'email', 'payment', 'amount', 'reference', 'payment', 'email', 'name',
      'other']) AS type,
    unnest([key, title] || json_extract_string(facts, ['$.reference', '$.customer', '$.email', '$.payment', '$.total'])
      || json_extract_string(after, ['$.reference', '$.payment_reference', '$.email', '$.name', '$.external_id'])) AS value
  FROM told
  UNION ALL
  SELECT flow, kind, key, title, 'amount', json_extract_string(facts, '$.sold') FROM told WHERE contains(facts, '"sold"')
  UNION ALL
  SELECT flow, kind, key, title, 'ean', unnest(regexp_extract_all(after, '/ean":"([^"]+)"', 1)) FROM told
  WHERE contains(after, '/ean"')
  UNION ALL
  SELECT flow, kind, key, title, 'name', unnest(json_extract_string(before, ['$.name', '$.company', '$.contact'])
    || json_extract_string(after, ['$.company', '$.contact']))
  FROM told WHERE before <> '{}' OR contains(after, '"company"') OR contains(after, '"contact"')
  UNION ALL
  SELECT flow, kind, key, title, 'name', json_extract_string(concat('"', part, '"'), '$')
  FROM (
    SELECT flow, kind, key, title, unnest(regexp_extract_all(before || after, '/name":"((?:[^"\\]|\\.)*)"', 1)) AS part
    FROM told WHERE contains(before || after, '/name"')
  )
  UNION ALL
  SELECT flow, kind, key, title, 'article', unnest(sources) FROM told WHERE kind = 'product'
), written AS (
  SELECT DISTINCT flow, kind, key, title, type,
    CASE type WHEN 'amount' THEN CAST(TRY_CAST(value AS DECIMAL(18, 2)) AS VARCHAR) ELSE value END AS value
  FROM named
  WHERE value <> ''
), met AS MATERIALIZED (
  SELECT *, plainly(value) AS plain, md5_number_lower(concat_ws(chr(10), flow, kind, key, title, type, value)) AS mark
  FROM written
  WHERE value IS NOT NULL AND NOT (type IN ('title', 'article') AND value = key) AND NOT (type = 'name' AND value = title)
), there AS MATERIALIZED (
  SELECT mark FROM known WHERE mark IN (SELECT mark FROM met)
)
SELECT * FROM met ANTI JOIN there USING (mark);

-- name: naming_begun
-- Stores once how many events have not been searched for names yet. In a restored log these are all events.
INSERT INTO naming SELECT (SELECT coalesce(max(rowid) + 1, 0) FROM events) WHERE NOT EXISTS (SELECT 1 FROM naming);

-- name: ago
-- A macro: the time some days ago, in the form of the log. A condition `happened_at >= ago(30)` is fast.
CREATE OR REPLACE MACRO ago(days) AS (now() AT TIME ZONE 'UTC') - to_days(days);

-- name: history
-- The newest events of one record of a flow, by its own key or the key of a source record, the oldest first. The row ids are
-- found by the marks of these keys before the other columns are read.
WITH record_keys AS (
  SELECT $key AS key WHERE $key <> ''
  UNION
  SELECT key FROM records WHERE flow = $flow AND list_contains(sources, $key)
), newest AS (
  SELECT rowid AS place
  FROM events
  WHERE flow = $flow AND mark IN (SELECT mark_of_key(key) FROM record_keys)
  ORDER BY happened_at DESC, id DESC
  LIMIT $limit
)
SELECT happened_at, run, flow, kind, key, title, event, code, facts, before, after, ms
FROM events
WHERE rowid IN (SELECT place FROM newest)
ORDER BY happened_at, id;

-- name: around_history
-- Events around a record: outages, stops and approvals of its runs, and changes of its flow by people in that period.
SELECT happened_at, run, flow, kind, key, title, event, code, facts, before, after, ms
FROM events
WHERE happened_at >= $since AND happened_at < $until AND (
  (key = '' AND list_contains($runs, run)
    AND event IN ('approved', 'run_held', 'run_went_on', 'run_interrupted', 'run_failed', 'run_discarded', 'stop_asked'))
  OR (list_contains($keys, key) AND event IN ('setting_changed', 'table_changed'))
  OR (flow = $flow AND event IN ('mapping_published', 'brake_switched_off'))
)
ORDER BY happened_at, id
LIMIT $limit;

-- name: flows_of
-- The flows that have a record with this key.
SELECT DISTINCT flow FROM records WHERE key = $key AND flow <> '' ORDER BY flow;

-- name: customers
-- All customer numbers in the log: debtors of the books, and relations of the till.
SELECT DISTINCT CASE kind WHEN 'relation' THEN 'debtor' ELSE 'relation' END AS type, key AS number
FROM records WHERE kind IN ('relation', 'debtor') AND key <> '';

-- name: span
-- The times of the first and the last event.
SELECT min(happened_at) AS first, max(happened_at) AS last FROM events;

-- name: keys
-- Keys of records that contain the text.
SELECT DISTINCT key
FROM (
  SELECT key FROM records WHERE contains(words, lower($text))
  UNION ALL
  SELECT key FROM known WHERE plain = plainly($text)
)
LIMIT $limit;

-- name: found_by
-- Names, numbers and amounts of records that meet a condition, in the order in which they were stored. The row ids are found
-- before the other columns are read.
WITH hits AS MATERIALIZED (
  SELECT rowid AS place FROM known WHERE {where} LIMIT $limit
)
SELECT rowid AS place, flow, kind, key, title, type, value, plain FROM known WHERE rowid IN (SELECT place FROM hits)
ORDER BY rowid;

-- name: names_of
-- The names, numbers and amounts of a record: type and value, in the order in which they were stored.
SELECT kind, key, type, value FROM known WHERE flow = $flow AND key = $key ORDER BY rowid;

-- name: codes
-- Codes of causes that contain the text.
SELECT DISTINCT code FROM events WHERE contains(code, $text);

-- name: search
-- Events that meet all conditions, newest first. The row ids are found before the other columns are read.
WITH page AS (
  SELECT rowid AS place FROM events WHERE {where} ORDER BY happened_at DESC, id DESC LIMIT $limit OFFSET $offset
)
SELECT happened_at, run, flow, kind, key, title, event, code, facts, before, after, ms
FROM events
WHERE rowid IN (SELECT place FROM page)
ORDER BY happened_at DESC, id DESC;

-- name: planned_documents
-- Customer and total of the documents with these keys, as planned in these runs.
SELECT run, kind, key, coalesce(json_extract_string(facts, '$.customer'), '') AS customer,
  coalesce(json_extract_string(facts, '$.total'), '') AS total
FROM events
WHERE event = 'planned' AND run BETWEEN $first AND $last AND mark IN (SELECT mark_of_key(unnest($keys)));

-- name: found
-- The number of events that meet all conditions, at most `most`.
SELECT count(*) AS events FROM (SELECT 1 FROM events WHERE {where} LIMIT $most);

-- name: run_events
-- Events of a run itself, newest first, without events of its records.
SELECT happened_at, run, flow, kind, key, title, event, code, facts, before, after, ms
FROM events
WHERE run = $run AND key = ''
ORDER BY happened_at DESC, id DESC;

-- name: volume_hour
-- The number of records with each result, by hour (UTC) and flow. Unchanged records are logged as a number.
SELECT date_trunc('hour', happened_at) AS period, flow, event,
  CAST(sum(CASE WHEN event = 'unchanged' THEN CAST(facts ->> '$.records' AS BIGINT) ELSE 1 END) AS BIGINT) AS events
FROM events
WHERE {where} AND event IN ('proven', 'accepted', 'unchanged', 'skipped', 'parked', 'in_doubt', 'left')
GROUP BY ALL
ORDER BY period, flow, event;

-- name: volume_day
-- The number of records with each result, by flow and day. A day begins `shift` seconds before the UTC day.
SELECT CAST(CAST(happened_at + to_seconds($shift) AS DATE) AS TIMESTAMP) AS period, flow, event,
  CAST(sum(CASE WHEN event = 'unchanged' THEN CAST(facts ->> '$.records' AS BIGINT) ELSE 1 END) AS BIGINT) AS events
FROM events
WHERE {where} AND event IN ('proven', 'accepted', 'unchanged', 'skipped', 'parked', 'in_doubt', 'left')
GROUP BY ALL
ORDER BY period, flow, event;

-- name: errors
-- Parked records and stopped runs by flow and cause, the most frequent first, with the facts of the newest.
SELECT flow, event, code, count(*) AS events, min(happened_at) AS first_seen, max(happened_at) AS last_seen,
  arg_max(facts, happened_at) AS facts
FROM events
WHERE {where} AND event IN ('parked', 'run_failed', 'run_interrupted')
GROUP BY ALL
ORDER BY events DESC, last_seen DESC;

-- name: durations
-- The working time of runs in milliseconds: of the preview, and of the commit without the wait for approval. If there are
-- more runs than `most`, only the longest of each flow and day.
SELECT run, flow, started_at, preview_ms, commit_ms, coalesce(preview_ms, 0) + coalesce(commit_ms, 0) AS run_ms
FROM (
  SELECT run, any_value(flow) AS flow, min(happened_at) AS started_at,
    max(ms) FILTER (event = 'plan_ready') AS preview_ms,
    date_diff('millisecond', max(happened_at) FILTER (event = 'approved'),
      max(happened_at) FILTER (event IN ('run_done', 'run_failed', 'run_interrupted'))) AS commit_ms
  FROM events
  WHERE {where}
    AND event IN ('run_started', 'plan_ready', 'approved', 'run_done', 'run_failed', 'run_interrupted') AND run <> ''
  GROUP BY run
)
QUALIFY count(*) OVER () <= $most
  OR row_number() OVER (PARTITION BY flow, CAST(started_at AS DATE) ORDER BY run_ms DESC) = 1
ORDER BY started_at DESC;

-- name: change_paces
-- The time from sending a change to its proof in milliseconds: median and 90th percentile. Times are counted in a histogram
-- with sixteen steps per doubling, which is exact to a fiftieth and much faster than sorting.
WITH counted AS (
  SELECT CAST(CAST(happened_at + to_seconds($shift) AS DATE) AS TIMESTAMP) AS period, flow,
    CAST(16 * log2(greatest(ms, 1)) AS INTEGER) AS step, count(*) AS changes
  FROM events
  WHERE {where} AND event = 'proven' AND ms IS NOT NULL
  GROUP BY ALL
), placed AS (
  SELECT *, sum(changes) OVER (PARTITION BY period, flow ORDER BY step) AS up_to,
    sum(changes) OVER (PARTITION BY period, flow) AS of_all
  FROM counted
)
SELECT period, flow, CAST(max(of_all) AS BIGINT) AS changes,
  round(pow(2, min(step) FILTER (up_to >= 0.5 * of_all) / 16)) AS half_ms,
  round(pow(2, min(step) FILTER (up_to >= 0.9 * of_all) / 16)) AS most_ms
FROM placed
GROUP BY period, flow
ORDER BY period, flow;

-- name: planned_levels
-- A table macro: the stock levels planned in a table of events, with the levels found at the till.
CREATE OR REPLACE MACRO planned_levels(source) AS TABLE
SELECT run, article, title, split_part(path, '/', 1) AS branch, found_at,
  TRY_CAST(before[path] AS DECIMAL(18, 3)) AS found, TRY_CAST(after[path] AS DECIMAL(18, 3)) AS wanted, unit
FROM (
  SELECT run, key AS article, title, happened_at AS found_at, json_extract_string(facts, '$.unit') AS unit, CAST(CAST(before AS JSON) AS MAP(VARCHAR, VARCHAR)) AS before,
    CAST(CAST(after AS JSON) AS MAP(VARCHAR, VARCHAR)) AS after, unnest(json_keys(CAST(after AS JSON))) AS path
  FROM (FROM query_table(source) WHERE kind = 'stock' AND event = 'planned' AND after IS NOT NULL)
)
WHERE path LIKE '%/amount';

-- name: proven_levels
-- A table macro: the articles whose stock level was written and proven, with the run, in a table of events.
CREATE OR REPLACE MACRO proven_levels(source) AS TABLE
SELECT run, key AS article, happened_at AS written_at
FROM query_table(source)
WHERE kind = 'stock' AND event = 'proven';

-- name: planned_groups
-- A table macro: the article groups of articles in planned products, in a table of events.
CREATE OR REPLACE MACRO planned_groups(source) AS TABLE
SELECT unnest(sources) AS article, happened_at, string_split(json_extract_string(after, '$.groups'), ', ') AS groups
FROM query_table(source)
WHERE kind = 'product' AND event = 'planned' AND after IS NOT NULL
  AND json_extract_string(after, '$.groups') <> '';

-- name: view_article_units
-- A view: the last unit of each article. Articles without a known unit are left out.
CREATE OR REPLACE VIEW article_units AS
SELECT article, arg_max(unit, found_at) AS unit FROM stock_plans WHERE unit <> '' GROUP BY article;

-- name: view_levels
-- A view: per stock plan, the level found at the till (found) and the level written and proven (amount), in the article's unit.
CREATE OR REPLACE VIEW levels AS
SELECT plan.run, plan.article, plan.title, plan.branch, plan.found_at, plan.found, proven.written_at,
  CASE WHEN proven.written_at IS NOT NULL THEN plan.wanted END AS amount, coalesce(article_units.unit, '') AS unit
FROM stock_plans AS plan
LEFT JOIN stock_proofs AS proven ON proven.run = plan.run AND proven.article = plan.article
LEFT JOIN article_units ON article_units.article = plan.article;

-- name: view_movements
-- A view: every known level with its difference to the previous one. The origin is till (found) or books (written).
CREATE OR REPLACE VIEW movements AS
SELECT *, amount - lag(amount) OVER (PARTITION BY article, branch ORDER BY happened_at, origin DESC) AS moved
FROM (
  SELECT found_at AS happened_at, run, article, title, branch, 'till' AS origin, found AS amount, unit
  FROM levels WHERE found IS NOT NULL
  UNION ALL
  SELECT written_at, run, article, title, branch, 'books', amount, unit FROM levels WHERE amount IS NOT NULL
);

-- name: view_paces
-- A table macro: each article in each branch with its last known level (written, or found at the till since), its decrease,
-- and the number of days. found_at is the time of the level found at the till, if it is newer than the last one written.
-- The decrease is the larger of the till's sales between two written levels and the difference of these levels, because a
-- sale shows at the till first and in the books later. Newer articles count from their first known level.
CREATE OR REPLACE MACRO paces(since, until) AS TABLE
SELECT *, greatest(1, epoch(CAST(until AS TIMESTAMP) - greatest(first_at, CAST(since AS TIMESTAMP))) / 86400) AS days
FROM (
  SELECT article, branch, arg_max(title, known_at) AS title, arg_max(known, known_at) AS amount, any_value(unit) AS unit,
    min(written_at) AS first_at, max(written_at) AS written_at, nullif(max(known_at), max(written_at)) AS found_at,
    greatest(
      coalesce(sum(was - found) FILTER (written_at >= since AND found < was), 0),
      coalesce(sum(was - amount) FILTER (written_at >= since AND amount < was), 0)
    ) AS fell
  FROM (
    SELECT *, lag(amount IGNORE NULLS) OVER (PARTITION BY article, branch ORDER BY known_at) AS was
    FROM (SELECT *, coalesce(amount, found) AS known, coalesce(written_at, found_at) AS known_at FROM levels)
    WHERE known IS NOT NULL
  )
  GROUP BY article, branch
);

-- name: view_article_groups
-- A view: the article groups in the last plan of each article, with the first one in a column of its own.
CREATE OR REPLACE VIEW article_groups AS
SELECT article, arg_max(groups, happened_at) AS groups, arg_max(groups[1], happened_at) AS first_group
FROM group_plans
GROUP BY article;

-- name: stock_over_time
-- Stock as the sum of all known levels, by branch or group, for each day or hour at its last change. Levels known before the
-- period are its start.
WITH moves AS (
  SELECT CASE WHEN $split = 'group' THEN coalesce(first_group, '') ELSE branch END AS series,
    greatest(happened_at, $since) AS happened_at, coalesce(moved, amount) AS moved
  FROM movements LEFT JOIN article_groups USING (article)
  WHERE ($article = '' OR article = $article) AND ($branch = '' OR branch = $branch)
    AND ($group = '' OR list_contains(groups, $group)) AND (CAST($counted AS VARCHAR) IS NULL OR unit = $counted)
), periods AS (
  SELECT max(happened_at) AS happened_at, series, sum(moved) AS moved
  FROM moves
  GROUP BY date_trunc($unit, happened_at), series
)
SELECT happened_at, series, sum(moved) OVER (PARTITION BY series ORDER BY happened_at) AS amount
FROM periods
ORDER BY happened_at, series;

-- name: stock_moved
-- Increases and decreases of stock, by day or hour and by origin: till or books.
SELECT date_trunc($unit, happened_at) AS period, origin,
  coalesce(sum(moved) FILTER (moved > 0), 0) AS rose, coalesce(-sum(moved) FILTER (moved < 0), 0) AS fell
FROM movements LEFT JOIN article_groups USING (article)
WHERE happened_at >= $since AND moved <> 0
  AND ($article = '' OR article = $article) AND ($branch = '' OR branch = $branch)
  AND ($group = '' OR list_contains(groups, $group)) AND (CAST($counted AS VARCHAR) IS NULL OR unit = $counted)
GROUP BY ALL
ORDER BY period, origin;

-- name: stock_points
-- The known levels of one article, from the last one before a time, oldest first, with their origin.
SELECT greatest(happened_at, $since) AS happened_at, run, branch, origin, amount
FROM movements
WHERE article = $article AND ($branch = '' OR branch = $branch)
QUALIFY lead(happened_at) OVER (PARTITION BY branch ORDER BY happened_at, origin DESC) IS NULL
  OR lead(happened_at) OVER (PARTITION BY branch ORDER BY happened_at, origin DESC) > $since
ORDER BY happened_at, branch, origin DESC
LIMIT $limit;

-- name: stock_outlook
-- Every article in every branch with its level, its decrease per day in the period, and the days it lasts at that rate.
WITH outlook AS (
  SELECT paced.article, title, branch, coalesce(first_group, '') AS first_group, amount, unit, written_at, found_at, fell,
    days, fell / days AS fell_a_day,
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
-- Totals of `stock_outlook`: levels, how many run out soon, how many have no date.
SELECT count(*) AS levels, count(DISTINCT paced.article) AS articles, count(DISTINCT branch) AS branches,
  count(*) FILTER (fell > 0 AND greatest(0, amount) / (fell / days) <= $within) AS running_out_count,
  count(*) FILTER (amount <= 0) AS sold_out_count, max(written_at) AS written_at, count(found_at) AS unwritten_count,
  max(found_at) AS found_at
FROM paces($since, $now) AS paced LEFT JOIN article_groups ON article_groups.article = paced.article
WHERE ($article = '' OR paced.article = $article) AND ($branch = '' OR branch = $branch)
  AND ($group = '' OR list_contains(groups, $group));

-- name: stock_totals
-- Totals of levels and decreases in `stock_sums` by unit, the most frequent unit first. An empty text means no unit.
SELECT unit, coalesce(sum(amount), 0) AS amount, coalesce(sum(fell / days), 0) AS fell_a_day
FROM paces($since, $now) AS paced LEFT JOIN article_groups ON article_groups.article = paced.article
WHERE ($article = '' OR paced.article = $article) AND ($branch = '' OR branch = $branch)
  AND ($group = '' OR list_contains(groups, $group))
GROUP BY unit
ORDER BY unit = '', count(*) DESC, unit;

-- name: stock_trails
-- The levels of some articles since a time, oldest first, as one list for each article and branch.
SELECT article, branch, list(CAST(amount AS DOUBLE) ORDER BY happened_at, origin DESC)[-60:] AS amounts
FROM movements
WHERE happened_at >= $since AND list_contains($articles, article)
GROUP BY article, branch;

-- name: stock_written
-- The last written level of some articles in each branch, and its time.
SELECT article, branch, arg_max(amount, written_at) AS amount, max(written_at) AS written_at
FROM levels
WHERE amount IS NOT NULL AND list_contains($articles, article)
GROUP BY article, branch;

-- name: stock_groups
-- The article groups of articles with known levels, with their names.
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
-- The branches with known levels.
SELECT DISTINCT branch FROM levels ORDER BY branch;

-- name: tables
-- The tables and views of the log with their columns, in display order.
SELECT table_name AS "table", column_name AS "column"
FROM duckdb_columns()
WHERE NOT internal AND table_name NOT IN ('drained', 'known', 'naming') AND column_name <> 'mark'
ORDER BY table_name NOT IN ('events', 'records'), table_name, column_index;

-- name: all
-- The whole log in the order of arrival, for an export.
SELECT happened_at, run, flow, kind, key, array_to_string(sources, ' ') AS sources, title, event, code, facts, before, after, ms
FROM events;

-- name: past_events
-- Counts expired events by day (UTC), flow, kind, event and cause, before they are deleted.
INSERT INTO past
SELECT CAST(happened_at AS DATE), flow, kind, event, code,
  CAST(sum(CASE WHEN event = 'unchanged' THEN CAST(facts ->> '$.records' AS BIGINT) ELSE 1 END) AS BIGINT)
FROM events
WHERE happened_at < $before
GROUP BY ALL;

-- name: events_gone
-- Deletes expired events.
DELETE FROM events WHERE happened_at < $before;

-- name: records_gone
-- Deletes records without events.
DELETE FROM records
WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.flow = records.flow AND events.key = records.key);

-- name: known_gone
-- Deletes names of records without events.
DELETE FROM known
WHERE NOT EXISTS (SELECT 1 FROM records WHERE records.flow = known.flow AND records.key = known.key);

-- name: stock_plans_gone
-- Deletes expired levels, except the newest of each article and branch.
DELETE FROM stock_plans
WHERE found_at < $before
  AND rowid NOT IN (SELECT arg_max(rowid, found_at) FROM stock_plans GROUP BY article, branch);

-- name: stock_proofs_gone
-- Deletes proofs of deleted levels.
DELETE FROM stock_proofs
WHERE written_at < $before
  AND NOT EXISTS (SELECT 1 FROM stock_plans WHERE stock_plans.run = stock_proofs.run AND stock_plans.article = stock_proofs.article);

-- name: group_plans_gone
-- Deletes expired groups, except the newest of each article.
DELETE FROM group_plans
WHERE happened_at < $before
  AND rowid NOT IN (SELECT arg_max(rowid, happened_at) FROM group_plans GROUP BY article);
