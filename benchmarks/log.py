"""Measures queries of the log at ten million events: `python -m benchmarks.log [events] [folder]`.

Fills a file with a year of four flows, runs the queries of the console, and prints a table. The file is removed at the
end, unless its folder is given.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

from integration.log.logbook import Logbook
from integration.log.statements import queries
from integration.services.log.log import Log, LogPeriod, LogSearch
from integration.services.saved_queries import SHIPPED_QUERIES
from integration.store.database import open_database
from integration.store.outbox_reader import OutboxReader

EVENTS = 10_000_000
PER_RUN = 70
AT_ONCE = 100_000  # runs that are filled in one statement
TIMES = 5
DAYS = 365

_FILL = """
INSERT INTO events
WITH placed AS (
  SELECT i // 70 AS r, i % 70 AS p, i FROM range($first, $last) AS numbers(i)
), lined AS (
  SELECT *, CASE WHEN p BETWEEN 2 AND 24 THEN p - 2 WHEN p BETWEEN 27 AND 66 THEN (p - 27) // 2
      WHEN p = 69 THEN 22 ELSE -1 END AS line,
    CASE WHEN hash(r, 'f') % 100 < 45 THEN 'stock' WHEN hash(r, 'f') % 100 < 80 THEN 'products'
      WHEN hash(r, 'f') % 100 < 95 THEN 'orders' ELSE 'customers' END AS flow,
    CAST($from AS TIMESTAMP) + to_microseconds(CAST(r * $step + p * 40000 AS BIGINT)) AS happened_at
  FROM placed
), keyed AS (
  SELECT *, (hash(r, line) % 1000000) / 1000000 AS chance, CASE
    WHEN line < 0 THEN ''
    WHEN flow = 'orders' THEN CAST(md5(concat(r, ':', line)) AS VARCHAR)
    ELSE CAST(10000 + CAST(50000 * pow((hash(r, line) % 1000000) / 1000000, 2) AS BIGINT) AS VARCHAR) END AS key
  FROM lined
), named AS (
  SELECT *, CASE WHEN p = 0 THEN 'run_started' WHEN p = 1 THEN 'read' WHEN p <= 21 THEN 'planned'
    WHEN p <= 23 THEN 'skipped' WHEN p = 24 THEN 'parked' WHEN p = 25 THEN 'plan_ready' WHEN p = 26 THEN 'approved'
    WHEN p <= 66 AND p % 2 = 1 THEN 'sent' WHEN p <= 66 AND chance < 0.002 THEN 'in_doubt' WHEN p <= 66 THEN 'proven'
    WHEN p = 67 THEN 'unchanged' WHEN p = 69 THEN 'issue_closed'
    WHEN r % 97 = 0 THEN 'run_failed' ELSE 'run_done' END AS event
  FROM keyed
)
SELECT 'bench', i + 1, happened_at,
  strftime(CAST($from AS TIMESTAMP) + to_microseconds(CAST(r * $step AS BIGINT)), '%y%m%d-%H%M%S') || '-' ||
    substr(md5(CAST(r AS VARCHAR)), 1, 6),
  flow, CASE flow WHEN 'orders' THEN 'sales_order' WHEN 'products' THEN 'product' WHEN 'stock' THEN 'stock'
    ELSE 'relation' END,
  key, CASE WHEN key = '' OR event IN ('parked', 'skipped') THEN [] ELSE [key] END,
  CASE WHEN key = '' THEN '' WHEN flow = 'orders' THEN concat('2026.', r * 20 + line) ELSE concat(
    ['Stadsfiets', 'Zadelpen', 'Binnenband', 'Regenjas', 'Fietsbel', 'Kabelslot', 'Bidon'][1 + CAST(key AS BIGINT) % 7],
    ' ', ['Tandwiel', 'Noorderlicht', 'De Ketting', 'Van Spaak', 'Lek & Waal'][1 + CAST(key AS BIGINT) % 5], ' ', key
  ) END,
  event,
  CASE WHEN event = 'parked' OR event = 'issue_closed' THEN ['ean_duplicate', 'vat_code_missing', 'article_missing',
      'customer_missing', 'conflict', 'price_missing'][1 + r % 6]
    WHEN event = 'skipped' THEN ['blocked', 'not_at_the_till'][1 + r % 2]
    WHEN event = 'run_failed' THEN 'system_unreachable'
    WHEN key = '' THEN '' WHEN flow = 'orders' THEN 'create' WHEN line = 3 THEN 'create' ELSE 'update' END,
  CASE event WHEN 'parked' THEN json_object('key', key, 'article', key, 'field', 'article.ean')
    WHEN 'skipped' THEN json_object('key', key) WHEN 'run_started' THEN '{"by":"schedule","mode":"changes"}'
    WHEN 'approved' THEN json_object('by', 'schedule', 'changes', '20', 'fingerprint', md5(CAST(r AS VARCHAR)))
    WHEN 'run_done' THEN '{"read_count":"23","proven":"20","unchanged":"0","skipped":"2","parked":"1","in_doubt":"0"}'
    WHEN 'proven' THEN json_object('reference',
      CASE flow WHEN 'orders' THEN CAST(26000000 + r * 20 + line AS VARCHAR) ELSE concat('7', key) END)
    WHEN 'planned' THEN CASE flow WHEN 'orders' THEN json_object('customer', concat(
        ['Fietshandel', 'Bakkerij', 'Garage', 'Koeriers'][1 + CAST(hash(r, line) % 4 AS BIGINT)], ' ',
        ['Duinzicht', 'Noorderlicht', 'Zonneveld'][1 + CAST(hash(line, r) % 3 AS BIGINT)], ' ',
        hash(r, line, 'k') % 40000),
        'email', concat('klant', hash(r, line, 'k') % 40000, '@post.example'),
        'payment', concat('tr_', r * 20 + line), 'total', CAST(round(10 + chance * 900, 2) AS VARCHAR))
      ELSE '{}' END
    ELSE '{}' END,
  CASE WHEN event <> 'planned' OR flow = 'orders' OR line = 3 THEN NULL
    WHEN flow = 'stock' THEN json_object('1/amount', CAST((r + line) % 40 AS VARCHAR), '2/amount', '4')
    WHEN flow = 'products' THEN json_object('price_incl', CAST(round(10 + chance * 90, 2) AS VARCHAR), 'active', 'yes')
    ELSE json_object('email', concat('klant', key, '@example.nl')) END,
  CASE WHEN event <> 'planned' THEN NULL
    WHEN flow = 'stock' THEN json_object('1/amount', CAST((r * 7 + line) % 40 AS VARCHAR), '2/amount', '4')
    WHEN flow = 'products' THEN json_object('name', concat('Artikel ', key), 'price_incl',
      CAST(round(11 + chance * 95, 2) AS VARCHAR), 'active', 'yes', 'ean', concat('87199', hash(key) % 100000000),
      'groups', 'ACCES, A-BOE', 'text', repeat('stevig en licht ', CASE WHEN line = 3 THEN 30 ELSE 2 END))
    WHEN flow = 'orders' THEN json_object('reference', concat('2026.', r * 20 + line), 'debtor', concat('1', line),
      'sold_incl', '84.90', 'booked_incl', '84.90', 'sold_vat:1', '12.14', 'booked_vat:1', '12.14',
      '1/article', '10604', '1/quantity', '2', '1/price', '29.95', '2/article', '10702', '2/quantity', '1')
    ELSE json_object('email', concat('klant', key, '@voorbeeld.nl')) END,
  CASE WHEN event = 'plan_ready' THEN 300 + r % 4000 WHEN event IN ('run_done', 'run_failed') THEN 900 + r % 20000
    WHEN event IN ('proven', 'in_doubt') THEN 20 + CAST(chance * 400 AS BIGINT) END,
  mark_of_key(key)
FROM named
ORDER BY i
"""


def fill_log(path: Path, events: int, now: datetime) -> None:
    """Write a log with a number of events; the last one happens now."""
    logbook = Logbook(path)
    logbook.open()
    logbook.close()
    begin, step = now - timedelta(days=DAYS), DAYS * 86_400_000_000 * PER_RUN / events
    with duckdb.connect(str(path), config={"memory_limit": "4GB", "threads": "2"}) as connection:
        for first in range(0, events, AT_ONCE * PER_RUN):
            last = min(events, first + AT_ONCE * PER_RUN)
            values = {"first": first, "last": last, "from": begin.replace(tzinfo=None), "step": step}
            connection.execute(_FILL, values)
        connection.execute("DELETE FROM naming")  # these events did not pass the outbox


def console_queries(log: Log, now: datetime) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the name of each query of the console and a function that runs it."""
    month = now - timedelta(days=30)
    (run,) = log.ask("SELECT run FROM events WHERE run <> '' LIMIT 1 OFFSET 5000000", seconds=20)["run"]
    (order,) = log.ask("SELECT key FROM events WHERE flow = 'orders' AND key <> '' LIMIT 1 OFFSET 700000")["key"]
    (title,) = log.ask("SELECT title FROM events WHERE flow = 'orders' AND title <> '' LIMIT 1 OFFSET 100000")["title"]
    march = LogSearch(since=datetime(now.year, 3, 3, tzinfo=UTC), until=datetime(now.year, 3, 4, tzinfo=UTC))
    yield "records: the newest 200 of all", lambda: log.search(limit=200)
    yield "records: the last of the pages", lambda: log.search(offset=9_800, limit=200)
    yield "records: one day of March", lambda: log.search(march, limit=200)
    yield "records: one flow, in doubt", lambda: log.search(LogSearch(flow="customers", event="in_doubt"), limit=200)
    yield "records: one run", lambda: log.search(LogSearch(run=run), limit=200)
    yield "search: a word in 43,000 records", lambda: log.search(LogSearch("stadsfiets"), limit=200)
    yield "search: a word in 400 records", lambda: log.search(LogSearch("ketting 106"), limit=200)
    yield "search: the number of one order", lambda: log.search(LogSearch(title), limit=200)
    yield "search: a cause", lambda: log.search(LogSearch("ean_duplicate"), limit=200)
    yield "search: what is nowhere", lambda: log.search(LogSearch("nowhere at all"), limit=200)
    yield (
        "search: a word in 400 records, one result, a month",
        lambda: log.search(LogSearch("ketting 106", event="parked", since=month), limit=200),
    )
    for sought, text, amount in (
        ("a number of the till", title, ""),
        ("a number of the books", "26000062", "26000062.00"),
        ("a payment reference", "tr_64000", ""),
        ("a name of a customer", "noorderlicht 1234", ""),
        ("a part of many names", "noorderlicht", ""),
        ("an e-mail address", "klant1234@post.example", ""),
        ("an amount", "514.33", "514.33"),
        ("an EAN", "8719912345678", "8719912345678.00"),
        ("what is nowhere", "nowhere at all", ""),
    ):
        yield f"Ctrl+K: {sought}", partial(log.find_records, text, amount, 12)
    yield "history of an article that changed 100 times", lambda: log.history("products", "10604")
    yield "history of one order", lambda: log.history("orders", order)
    yield "volume of a week by hour", lambda: log.volume(LogPeriod(now - timedelta(days=7)))
    yield "volume of a year by day", lambda: log.volume(LogPeriod(unit="day"))
    yield "errors of a year by cause", lambda: log.errors(LogPeriod())
    yield "durations of a year of runs", lambda: log.durations(LogPeriod())
    yield "paces of changes, a year", lambda: log.change_paces(LogPeriod())
    yield "events of a run as a whole", lambda: log.of_run(run)
    yield "the tables with their columns", log.tables
    for name, sql in queries(SHIPPED_QUERIES.read_text(encoding="utf-8")).items():
        yield f"query: {name}", partial(log.ask, sql)
    yield "query: a day's events, all columns", lambda: log.ask("FROM events WHERE happened_at >= ago(1)")
    yield (
        "query: every event of the log counted by two columns",
        lambda: log.ask("SELECT flow, event, count(*) FROM events GROUP BY ALL"),
    )


def measure_query(query: Callable[[], object]) -> list[float]:
    """Run a query several times and return the seconds of each time."""
    durations = []
    for _ in range(TIMES):
        start = time.perf_counter()
        query()
        durations.append(time.perf_counter() - start)
    return durations


def main(events: int, folder: Path) -> None:
    """Fill the log and print one line for each query."""
    now = datetime.now(UTC)
    path = folder / "log.duckdb"
    if not path.exists():
        start = time.perf_counter()
        fill_log(path, events, now)
        sys.stderr.write(f"filled {events} events in {time.perf_counter() - start:.0f} s\n")
    logbook, database = Logbook(path), open_database(f"sqlite:///{folder / 'nothing-waits.sqlite'}")
    log = Log(logbook, OutboxReader(database, lambda: now), is_drained=True)
    start = time.perf_counter()
    while not log.index_search_keys():
        pass
    sys.stderr.write(f"looked through for names in {time.perf_counter() - start:.0f} s\n")
    print(f"| Query, {events:,} events, {path.stat().st_size / 1e6:,.0f} MB | First | Median | Slowest |")
    print("|---|---|---|---|")
    for name, query in console_queries(log, now):
        durations = measure_query(query)
        figures = (durations[0], statistics.median(durations), max(durations))
        print(f"| {name} | {' | '.join(f'{figure * 1000:,.0f} ms' for figure in figures)} |", flush=True)
    logbook.close()
    database.close()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    given_folder = Path(arguments[1]) if len(arguments) > 1 else None
    folder = given_folder or Path(tempfile.mkdtemp())
    try:
        main(int(arguments[0]) if arguments else EVENTS, folder)
    finally:
        if given_folder is None:
            shutil.rmtree(folder)
