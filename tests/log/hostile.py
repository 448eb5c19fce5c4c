"""User queries that crash the log process, fill its memory, never end, or read data of others."""

BIG = "(SELECT string_agg('xxxxxxxxxxxxxxxx', '') AS s FROM range(500000))"  # eight million signs out of a short query


def nest_calls(call: str, value: str, times: int) -> str:
    """Return a call of a call of a call of a value."""
    for _ in range(times):
        value = call.replace("@", value)
    return value


def doubling_query(table: str, times: int) -> str:
    """Return a user query that doubles the text of a table again and again."""
    for _ in range(times):
        table = f"(SELECT s || s AS s FROM {table})"
    return f"SELECT max(length(s)) FROM {table}"


# Each part joins the one before with itself: planning it takes for ever, and does not listen meanwhile.
BOMB = (
    "WITH "
    + ", ".join(f"c{n} AS (SELECT * FROM {f'c{n - 1} AS a, c{n - 1} AS b' if n else 'events'})" for n in range(60))
    + " SELECT count(*) FROM c59"
)

CRASHING = (
    "SELECT ('{' || '\"a\":1' || '}')::JSON::VARIANT",
    "SELECT length((s::JSON)::VARIANT::VARCHAR) FROM (SELECT '[' || s || ']' AS s FROM " + BIG + ")",
    "SELECT length(CAST(CAST(facts AS JSON) AS VARIANT)::VARCHAR) FROM events",
    "SELECT (string_agg('[', '') || string_agg(']', ''))::JSON::VARIANT::VARCHAR FROM range(100000)",
    "SELECT json_structure((string_agg('[', '') || string_agg(']', ''))::JSON) FROM range(200000)",
    "SELECT json_keys((string_agg('{\"a\":', '') || '1' || string_agg('}', ''))::JSON) FROM range(200000)",
    "SELECT json_pretty((string_agg('[', '') || string_agg(']', ''))::JSON) FROM range(200000)",
    "SELECT * FROM json_tree((SELECT (string_agg('[', '') || string_agg(']', ''))::JSON FROM range(100000)))",
    "SELECT CAST((string_agg('[', '') || string_agg(']', '')) AS INTEGER[][]) FROM range(200000)",
    "SELECT " + "(" * 3_000 + "1" + ")" * 3_000,
    "SELECT " + "-" * 1_000 + " " + "NOT " * 2_000 + "true",
    "SELECT " + "[" * 3_000 + "1" + "]" * 3_000,
    "SELECT events" + ".a" * 4_500 + " FROM events",
    "SELECT s" + ".a" * 50_000 + " FROM events",
    "SELECT 1" + " + 1" * 2_400,
    "SELECT " + nest_calls("abs(@)", "1", 1_900),
    "SELECT " + nest_calls("(SELECT @)", "1", 1_000),
    "SELECT * FROM " + nest_calls("(SELECT * FROM @)", "events", 600),
    "SELECT " + "CASE WHEN true THEN " * 450 + "1" + " END" * 450,
    "SELECT 1 " + "UNION ALL SELECT 1 " * 550,
    BOMB,
    "SELECT regexp_matches('a', '" + "(" * 900 + "a" + ")" * 900 + "')",
    "SELECT regexp_matches('aaaaaaaaaaaaaaaa', '(((((a{0,100}){0,100}){0,100}){0,100}){0,100})')",
    "SELECT 1::DECIMAL(38, 37) * 99999999999999999999999999999999999999",
    "SELECT getvariable('x'), nextval('y'), txid_current()",
)
FILLING = (
    "SELECT repeat('x', 4000000000)",
    "SELECT lpad('x', 2000000000, 'y')",
    "SELECT rpad('x', 2000000000, 'y')",
    "SELECT range(1000000000)",
    "SELECT list_resize([1], 1000000000)",
    "SELECT printf('%1000000000d', 1)",
    "SELECT format('{:>1000000000}', 'x')",
    "SELECT bar(1, 0, 1, 1000000000)",
    "SELECT bitstring('1', 1000000000)",
    "SELECT length(" + nest_calls("hex(@)", "s", 6) + ") FROM " + BIG,
    "SELECT list_reduce(range(100000), lambda a, b: a || b)",
    "SELECT " + nest_calls("replace(@, 'x', 'xxxxxxxxxxxxxxxx')", "s", 8) + " FROM " + BIG,
    "SELECT " + nest_calls("regexp_replace(@, 'x', 'xxxxxxxxxxxxxxxx', 'g')", "s", 8) + " FROM " + BIG,
    "SELECT " + nest_calls("to_json(@)", "s", 40) + " FROM " + BIG,
    "SELECT " + nest_calls("json_quote(@)", "s", 40) + " FROM " + BIG,
    "SELECT " + nest_calls("concat(@, @, @)", "s", 6) + " FROM " + BIG,
    doubling_query(BIG, 12),
    doubling_query("(SELECT 'x' AS s)", 60),
    "WITH RECURSIVE r(s) AS (SELECT 'xxxxxxxx' UNION ALL SELECT s || s FROM r) SELECT max(length(s)) FROM r",
    "WITH RECURSIVE r(l) AS (SELECT [1, 2] UNION ALL SELECT list_concat(l, l) FROM r) SELECT max(len(l)) FROM r",
    "SELECT list(range) FROM range(1000000000)",
    "SELECT string_agg(range, ',') FROM range(1000000000)",
    "SELECT list(s) FROM " + BIG + ", range(1000)",
    "SELECT s FROM " + BIG + ", range(10000)",
    "SELECT list_transform(l, lambda a: list_transform(l, lambda b: l)) FROM (SELECT list(range) AS l FROM range(999))",
    "SELECT map_from_entries(list((range, range))) FROM range(100000000)",
    "SELECT histogram(range) FROM range(1000000000)",
    "SELECT count(DISTINCT a.range || b.range) FROM range(100000) a, range(100000) b",
    "SELECT a.range FROM range(1000000) a, range(100000) b ORDER BY hash(a.range, b.range)",
    "SELECT json_group_array(a.range) FROM range(1000000000) a",
    "SELECT url_encode(" + nest_calls("url_encode(@)", "s", 10) + ") FROM " + BIG,
)
ENDLESS = (
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    "SELECT count(*) FROM range(10000000000) a, range(1000) b WHERE a.range * b.range % 7 = 3",
    "SELECT count(*) FROM range(100000000000)",
    "SELECT sum(sin(range)) FROM range(100000000000)",
    "SELECT damerau_levenshtein(s, reverse(s) || 'y') FROM " + BIG,
    "SELECT levenshtein(s, reverse(s) || 'y') FROM " + BIG,
    "SELECT jaccard(s, reverse(s)) FROM " + BIG + ", range(1000)",
    "SELECT jaro_winkler_similarity(s, reverse(s) || 'y') FROM " + BIG,
    "SELECT list_sort(list(hash(range))) FROM range(300000000)",
    "SELECT array_to_string(list(range), ',') FROM range(300000000)",
    "SELECT regexp_extract_all(s, '(x|xx|xxx)*y') FROM " + BIG + ", range(100)",
    "SELECT median(a.range * b.range) FROM range(100000) a, range(100000) b",
    "SELECT list_intersect(l, list_reverse(l)) FROM (SELECT list(range) AS l FROM range(3000000)), range(1000)",
    "SELECT list_filter(l, lambda a: list_contains(l, a + 1)) FROM (SELECT list(range) AS l FROM range(1000000))",
    "SELECT row_number() OVER (ORDER BY hash(range)) FROM range(1000000000)",
    "SELECT mode(hash(a.range, b.range)) FROM range(100000) a, range(1000000) b",
    "SELECT pg_sleep(100)",
    "SELECT sleep_ms(100000)",
    "SELECT strip_accents(s) || upper(s) || reverse(s) FROM " + BIG + ", range(100000) ORDER BY 1",
)
PRYING = (
    "SELECT * FROM read_blob('{log}')",
    "SELECT content FROM read_text('{log}')",
    "SELECT * FROM '{log}'",
    "FROM read_csv('{log}', delim = '', header = false)",
    "FROM read_duckdb('{log}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM query('SELECT * FROM read_blob(''{log}'')')",
    "FROM query_table('events')",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM drained'))",
    "FROM drained",
    "FROM duckdb_settings()",
    "FROM duckdb_settings",
    "FROM pg_catalog.pg_class",
    "FROM information_schema.tables",
    "FROM sqlite_master",
    "SHOW TABLES",
    "SELECT current_setting('temp_directory')",
    "SELECT getenv('HOME')",
    "FROM duckdb_secrets()",
    "FROM which_secret('x', 'y')",
    "FROM duckdb_logs",
    "FROM pragma_database_size()",
    "FROM pragma_storage_info('events')",
    "FROM planned_levels('drained')",
    "FROM (WITH \"{log}\" AS (SELECT 1) SELECT 1), '{log}'",
    'WITH "{log}" AS (SELECT 1) FROM "{log}"',
    "FROM (WITH drained AS (SELECT 1) FROM drained), drained",
    "WITH drained AS (FROM drained) FROM drained",
    "WITH a AS (SELECT 1), drained AS (SELECT * FROM a, drained) FROM drained",
    "WITH RECURSIVE drained AS (FROM drained UNION ALL FROM drained) FROM drained",
    "WITH RECURSIVE a AS (FROM drained), drained AS (SELECT 1) FROM a",
    "SELECT json_transform('{{}}', '\"VARIANT\"')",
    "EXPLAIN ANALYZE SELECT 1",
    "ATTACH '{log}' AS x",
    "COPY events TO '{folder}/x.csv'",
    "SET threads = 8",
    "PRAGMA version",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT $1",
    "SELECT 1; SELECT 2",
    "CALL checkpoint()",
    "FROM summary(events)",
    "SELECT list_aggregate([1], 'string_agg')",
    "SELECT '{log}'::BLOB",
    "SELECT 1::GEOMETRY",
    "SELECT 'x'::ENUM('x')",
)
