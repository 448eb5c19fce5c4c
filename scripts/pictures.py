"""Takes the pictures of README and docs from a new console that is used as an operator uses it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from integration.cli.terminal import command_application, terminal_user
from integration.core.issues import IssueGroupKey
from integration.services.runs.exceptions import group_address
from integration.settings import load_settings

SIZE = {"width": 1440, "height": 900}
LARGEST = 250_000  # bytes
PATIENCE = 60_000
SETTLE = 1500  # milliseconds until fonts and canvas tables are drawn
START_SECONDS = 60
DAYS = 4
ARTICLES = 1200
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@contextmanager
def console(data: str) -> Iterator[str]:
    """Run a new console with the built-in sandbox on a folder during the block; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "integration", "console", "--port", str(port)],
        env=environment(data), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def environment(data: str) -> dict[str, str]:
    """Return an environment with only the folder and the sandbox set for the console."""
    variables = {"CONSOLE_DATA": data, "CONSOLE_SANDBOX": "true", "CONSOLE_SANDBOX_ARTICLES": str(ARTICLES)}
    return {**{name: value for name, value in os.environ.items() if not name.startswith("CONSOLE_")}, **variables}


def run(data: str, flow: str) -> None:
    """Preview and commit a flow from a terminal, with every brake confirmed."""
    plan = terminal(data, "preview", flow, "--complete")
    if plan["state"] == "ready":
        confirmed = [part for brake in plan["brakes"] for part in ("--confirm", f"{brake['code']}={brake['count']}")]
        terminal(data, "commit", plan["run"], "--fingerprint", plan["fingerprint"], *confirmed)


def wait_for(address: str) -> None:
    """Wait until the console answers."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.3)
    raise TimeoutError(address)


def tab(browser: Browser, scheme: str) -> Page:
    """Open a browser window of an office in the Netherlands that reads English."""
    context = browser.new_context(
        viewport={"width": SIZE["width"], "height": SIZE["height"]}, locale="en-GB", timezone_id="Europe/Amsterdam",
        color_scheme="dark" if scheme == "dark" else "light",
    )  # fmt: skip
    return context.new_page()


def save_picture(page: Page, address: str, file: Path, button: str = "") -> None:
    """Save a picture of a page, small enough for a README; `button` is pressed before."""
    page.goto(address, wait_until="commit")
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=PATIENCE)
    if button:
        page.get_by_role("button", name=button).first.click(timeout=PATIENCE)
        page.wait_for_timeout(SETTLE)
        expect(page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')).to_be_visible(
            timeout=PATIENCE
        )
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=PATIENCE)
    page.wait_for_timeout(SETTLE)
    page.screenshot(path=file)
    with Image.open(file) as image:
        image.convert("RGB").save(file, optimize=True)
    if file.stat().st_size > LARGEST:
        raise ValueError(f"{file} has more than {LARGEST} bytes")


def commit_plan(page: Page) -> None:
    """Commit the plan on the screen and type the numbers of its brakes."""
    page.get_by_role("button", name=re.compile(r"Commit \d")).first.click(timeout=PATIENCE)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("textbox").first).to_be_visible(timeout=PATIENCE)
    for field in dialog.get_by_role("textbox").all():
        field.fill(field.get_attribute("placeholder") or "")
        page.wait_for_timeout(SETTLE)  # the dialog reads the value after a moment
    confirm = dialog.get_by_role("button", name=re.compile("Commit"))
    expect(confirm).to_be_enabled(timeout=PATIENCE)
    confirm.click()
    expect(page.get_by_text("Nothing lost: difference 0.")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("Done|Partly parked"), timeout=PATIENCE)


def main(folder: Path) -> None:
    """Take every picture of the tour."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not installed: apt-get install chromium")
    with (
        tempfile.TemporaryDirectory() as data,
        with_settings(data),
        console(data) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        light, dark = tab(browser, "light"), tab(browser, "dark")
        light.goto(address, wait_until="commit")
        light.get_by_role("button", name="Preview products").first.click(timeout=PATIENCE)
        expect(light.get_by_role("button", name=re.compile(r"Commit \d"))).to_be_visible(timeout=PATIENCE)
        save_picture(light, f"{address}/preview?show=update", folder / "preview-light.png")
        commit_plan(light)
        order, month = work(data, address, light), last_month()
        day = booked_day(data, month)
        pages = {
            "overview-light": (light, ""),
            "exceptions-dark": (dark, f"exceptions?cause={cause_address(data)}"),
            "record-light": (light, f"logs?record=orders:{order}"),
            "mappings-light": (light, "mappings?flow=products&part=article"),
            "stock-dark": (dark, f"stock?period=7&article={most_moved_article(data)}"),
            "days-light": (light, f"days?month={month:%Y-%m}"),
            "day-light": (light, f"days?day={day}&branch=1"),
            "period-light": (light, f"days?view=period&period={month:%Y-%m}"),
        }
        for name, (page, place) in pages.items():
            save_picture(page, f"{address}/{place}", folder / f"{name}.png")
        clearing = f"{address}/days?view=clearing&period={month:%Y-%m}"
        save_picture(light, clearing, folder / "clearing-light.png", button="Read the books")
        browser.close()


@contextmanager
def with_settings(data: str) -> Iterator[None]:
    """Set the daybook and the accounts of closed days before the console starts."""
    with command_application(load_settings(data=Path(data), sandbox=True, sandbox_articles=ARTICLES)) as application:
        settings = {"daybook": "600", "till_accounts": True, "payout_accounts": ("1010",)}
        settings |= {"clearing_from": last_month() - timedelta(days=31)}  # before the first taking
        application.flows.change("days", settings, terminal_user())
    yield


def last_month() -> date:
    """Return the first day of the month before this one."""
    return (datetime.now(ZoneInfo("Europe/Amsterdam")).date().replace(day=1) - timedelta(days=1)).replace(day=1)


def booked_day(data: str, month: date) -> str:
    """Book all closed days, check them from this month on, and return the newest of the first branch that is equal."""
    run(data, "days")
    days = terminal(data, "days", "--check", "--from", month.isoformat())
    return str(next(day["date"] for day in reversed(days) if day["state"] == "equal" and str(day["branch"]) == "1"))


def work(data: str, address: str, page: Page) -> str:
    """Let the shop sell for some days and sync every flow after each; return an order that was booked."""
    for _ in range(DAYS):
        for flow in ("orders", "customers", "stock"):
            run(data, flow)
        page.goto(address, wait_until="commit")
        page.get_by_role("button", name="Simulate a day").click(timeout=PATIENCE)
        page.wait_for_timeout(SETTLE)
    page.wait_for_timeout(4 * SETTLE)  # until the log has the events of the runs
    return query_log(data, "SELECT key FROM events WHERE kind = 'sales_order' AND event = 'proven' ORDER BY id LIMIT 1")


def most_moved_article(data: str) -> str:
    """Return the article whose level moved most often."""
    moved = "SELECT key FROM events WHERE kind = 'stock' AND event = 'proven'"
    return query_log(data, f"{moved} GROUP BY key ORDER BY count(*) DESC, key LIMIT 1")


def cause_address(data: str) -> str:
    """Return the address of the exception about articles without an article code."""
    group = next(group for group in terminal(data, "issues") if group["cause"] == "article_not_linked")
    return group_address(IssueGroupKey(group["flow"], group["cause"], group["field"], group["detail"]))


def query_log(data: str, sql: str) -> str:
    """Return the first value of a query of the log."""
    return str(next(iter(terminal(data, "log", sql)["rows"][0])))


def terminal(data: str, *arguments: str) -> Any:
    """Run a command of the terminal and return its JSON."""
    command = [sys.executable, "-m", "integration", *arguments, "--json"]
    process = subprocess.run(command, env=environment(data), capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    return json.loads(process.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
