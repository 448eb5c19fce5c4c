"""Measures how fast pages open: `python -m benchmarks.pages [folder]`, or `--clicks` for clicks in the menu.

Builds a console with 100,000 articles, a plan that waits with 60,000 changes, one of that size that was written, 2,000
runs, 20,000 parked records and a log of a million events; opens each page several times in a browser and prints a
table. A given folder is kept and used again.
"""

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from playwright.sync_api import Page, sync_playwright

from benchmarks.log import fill_log
from integration.application.application import Application
from integration.application.bootstrap import build as build_application
from integration.core.issues import Issue, IssueOccurrence, Skip
from integration.core.plan import Action
from integration.core.plan_lines import PlanRow
from integration.core.position import START
from integration.core.records import Kind
from integration.core.run import Mode, PreviewRequest
from integration.core.states import ACTIVE, RunState
from integration.data_folder import open_operational_database
from integration.settings import load_settings
from integration.store.issues import Issues
from integration.store.previews import Previews
from integration.store.runs import RunStore
from integration.store.tables import facets, line_counts, lines, runs
from tests.people import make_actor
from tests.stores import stores_in

ROOT = Path(__file__).parent.parent
FEW = 500  # articles of a console that is clicked through
ARTICLES, EVENTS, RUNS, WAITING = 100_000, 1_000_000, 2_000, 20_000
DAYS = 30
TIMES = 5
START_SECONDS = 120
MAX_MILLISECONDS = 60_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
MENU = (
    "Overview", "Preview", "Exceptions", "Runs", "Days", "Stock", "Logs", "Monitoring", "Set-up", "Flows", "Mappings",
    "Administration",
)  # fmt: skip
OPENED = """() => {
  const title = document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"] h1')
  return title !== null && title.offsetParent !== null
}"""
# The new page is drawn completely, and nothing of the earlier page is left.
CLICKED = """(left) => {
  const title = document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"] h1')
  return title?.offsetParent && title.textContent !== left && !document.querySelector('[data-stale=true]')
}"""
CAUSES = ("price_missing", "ean_duplicate", "vat_code_unmapped", "field_conflict", "sku_leading_zero")


def build(folder: Path, articles: int = ARTICLES, events: int = EVENTS) -> None:
    """Build the data of a large shop; its last event happens now."""
    now = datetime.now(UTC)
    settings = load_settings(data=folder, sandbox=True, sandbox_articles=articles)
    open_operational_database(settings).close()  # a log without it would stop the start
    fill_log(folder / "log.duckdb", events, now)
    application = build_application(settings).start()
    try:
        _add_history(application, now)
        run = _preview_all(application)
        _park_records(application, now)
        _add_written_plan(application, run)
        while stores_in(application).events.count():
            time.sleep(0.5)
    finally:
        application.close()


def _preview_all(application: Application) -> str:
    """Preview all articles and return the run once its plan waits."""
    run = application.runs.preview(PreviewRequest("products", by=make_actor("bench"), mode=Mode.COMPLETE))
    while application.runs.get(run).state in ACTIVE:
        time.sleep(0.2)
    return run


def _add_history(application: Application, now: datetime) -> None:
    """Store the runs of a month, each with one skipped record."""
    at = now - timedelta(days=DAYS)
    database = stores_in(application).database
    past, previews = RunStore(database, lambda: at), Previews(database, lambda: at)
    skipped = PlanRow(
        0, "levels", Action.SKIP, Kind.STOCK, "10001", "Stadsfiets", cause=Skip("blocked", "10001").reason
    )
    for place in range(RUNS):
        at = now - timedelta(days=DAYS) * (RUNS - place) / RUNS
        run = past.begin("stock" if place % 2 else "orders", Mode.COMPLETE, "schedule", 1)
        previews.keep_page(run.id, [skipped], [], 9, START)
        previews.finish(run.id, "", (), RunState.DONE, 10)


def _park_records(application: Application, now: datetime) -> None:
    """Open issues, as a preview does."""
    queue = Issues(stores_in(application).database, lambda: now)
    for cause in CAUSES:
        keys = [f"{cause}-{place}" for place in range(WAITING // len(CAUSES))]
        met = [
            IssueOccurrence(Issue(cause, key, "", {"key": key, "article": key}), Kind.PRODUCT, "Stadsfiets")
            for key in keys
        ]
        queue.open("products", "bench", met)


def _add_written_plan(application: Application, waiting: str) -> None:
    """Copy the waiting plan as one that was written and proven."""
    new: Mapping[str, object] = {
        "id": "bench-written", "run": "bench-written", "state": RunState.DONE, "step": "proven",
        "started_at": datetime.now(UTC) - timedelta(hours=2), "ended_at": datetime.now(UTC) - timedelta(hours=1),
    }  # fmt: skip
    with stores_in(application).database.write() as connection:
        for table in (runs, lines, facets, line_counts):
            of_run = table.c.id if table is runs else table.c.run
            chosen = [sa.literal(new[column.name], column.type) if column.name in new else column for column in table.c]
            only = [] if table is runs else [table.c.action == Action.CREATE]
            query = sa.select(*chosen).where(of_run == waiting, *only)
            connection.execute(table.insert().from_select([column.name for column in table.c], query))


def free_port() -> int:
    """Return a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def console(folder: Path, articles: int = ARTICLES) -> Iterator[str]:
    """Run the console on a folder and give its address."""
    port = free_port()
    others = {name: value for name, value in os.environ.items() if not name.startswith("CONSOLE_")}
    variables = {"CONSOLE_DATA": str(folder), "CONSOLE_SANDBOX": "true", "CONSOLE_SANDBOX_ARTICLES": str(articles)}
    server = subprocess.Popen(
        [sys.executable, "-m", "integration", "console", "--port", str(port)],
        cwd=ROOT, env={**others, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address)
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)


def _wait_for(address: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(address)


def addresses(folder: Path) -> dict[str, str]:
    """Return the address of every page by its name, with the last and filtered pages of long lists."""
    application = build_application(load_settings(data=folder, sandbox=True))
    try:
        plan = application.runs.latest("products", [RunState.READY], limit=1)[0].id
        group = next(iter(application.plans.facets(plan, "create")["group"]))
    finally:
        application.close()
    return {
        "Overview": "",
        "Set-up": "setup",
        "Set-up, readiness": "setup?step=ready",
        "Flows": "flows",
        "Flows, value tables": "flows?tab=tables",
        "Mappings": "mappings",
        "Preview": "preview",
        "Preview, page 1 of 59,998 creates": f"preview?plan={plan}&show=create",
        "Preview, page 100 of them": f"preview?plan={plan}&show=create&page=100",
        "Preview, of one article group": f"preview?plan={plan}&show=create&group={group}",
        "Preview, searched": f"preview?plan={plan}&show=all&find=koffie",
        "Preview, parked": f"preview?plan={plan}&show=park",
        "Runs": "runs",
        "Runs, the last page of 2,000": "runs?page=80",
        "One run, 60,000 proven": "runs?run=bench-written",
        "Exceptions": "exceptions",
        "Stock": "stock",
        "Logs": "logs",
        "Logs, searched": "logs?find=stadsfiets",
        "Logs, volume": "logs?tab=volume",
        "Logs, queries": "logs?tab=queries",
        "History of one record": "logs?record=stock:10001",
    }


def open_seconds(page: Page, address: str) -> float:
    """Open a page and return the seconds until it is drawn completely."""
    page.goto("about:blank")
    start = time.monotonic()
    page.goto(address, wait_until="commit")
    page.wait_for_function(OPENED, timeout=MAX_MILLISECONDS)  # is evaluated at every animation frame
    return time.monotonic() - start


def measure_addresses(base: str, addresses_by_name: Mapping[str, str]) -> Iterator[tuple[str, Sequence[float]]]:
    """Yield the seconds of each opening of each page, without the first, which warms the server."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
        for address in addresses_by_name.values():
            open_seconds(page, f"{base}/{address}")
        for name, address in addresses_by_name.items():
            yield name, [open_seconds(page, f"{base}/{address}") for _ in range(TIMES)]
        browser.close()


def click_seconds(page: Page, name: str) -> float:
    """Click in the menu and return the seconds until the page is drawn."""
    old_title = page.locator("h1").first.text_content()
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text=name)
    start = time.monotonic()
    link.click()
    page.wait_for_function(CLICKED, arg=old_title, timeout=MAX_MILLISECONDS)
    return time.monotonic() - start


def measure_clicks(base: str) -> Iterator[tuple[str, Sequence[float]]]:
    """Yield the seconds of each click on each page of the menu, without the first."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
        open_seconds(page, base)
        rounds = [{name: click_seconds(page, name) for name in (*MENU[1:], MENU[0])} for _ in range(TIMES + 1)]
        for name in MENU:
            yield name, [seconds[name] for seconds in rounds[1:]]
        browser.close()


def _print_table(head: str, rows: Iterable[tuple[str, Sequence[float]]]) -> None:
    sys.stdout.write(f"| {head} | Median | Longest |\n|---|---|---|\n")
    for name, seconds in rows:
        sys.stdout.write(f"| {name} | {statistics.median(seconds):.2f} s | {max(seconds):.2f} s |\n")
        sys.stdout.flush()


def main(folder: Path) -> None:
    """Print the opening times of every page by its address."""
    if not (folder / "log.duckdb").exists():
        build(folder)
    with console(folder) as base:
        _print_table("Page, by its address", measure_addresses(base, addresses(folder)))


def main_clicks(folder: Path) -> None:
    """Print the opening times of every page by a click, in a new console."""
    application = build_application(load_settings(data=folder, sandbox=True, sandbox_articles=FEW)).start()
    try:
        _preview_all(application)
    finally:
        application.close()
    with console(folder, FEW) as base:
        _print_table("Page, by a click", measure_clicks(base))


if __name__ == "__main__":
    if sys.argv[1:] == ["--clicks"]:
        with tempfile.TemporaryDirectory() as temporary_folder:
            main_clicks(Path(temporary_folder))
    elif len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        main(folder)
    else:
        with tempfile.TemporaryDirectory() as temporary_folder:
            main(Path(temporary_folder))
