"""Measures the start of the console until its first page is drawn: `make bench PART=start`."""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from playwright.sync_api import Page, sync_playwright

from benchmarks.pages import FEW, FLAGS, ROOT, free_port, open_seconds

TIMES = 5
POLL_SECONDS, MAX_SECONDS = 0.01, 60


@dataclass(frozen=True)
class Start:
    """Seconds from the command to the first answer, of processor until then, and from the command to the drawn page."""

    answer: float
    processor: float
    drawn: float


def start() -> Iterator[str]:
    """Yield a line about starts in a new folder, and one about starts in a folder that has been used."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as used:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
        yield _line("start in a new folder", [_start_in_new_folder(page) for _ in range(TIMES)])
        _start(Path(used), page)
        yield _line("start in a folder that has been used", [_start(Path(used), page) for _ in range(TIMES)])
        browser.close()


def _start_in_new_folder(page: Page) -> Start:
    with tempfile.TemporaryDirectory() as folder:
        return _start(Path(folder), page)


def _start(folder: Path, page: Page) -> Start:
    """Start the console with its sandbox, open the first page, and stop the console."""
    port = free_port()
    variables = {"CONSOLE_DATA": str(folder), "CONSOLE_SANDBOX": "true", "CONSOLE_SANDBOX_ARTICLES": str(FEW)}
    others = {name: value for name, value in os.environ.items() if not name.startswith("CONSOLE_")}
    begun = time.monotonic()
    server = subprocess.Popen(
        [sys.executable, "-m", "integration", "console", "--port", str(port)],
        cwd=ROOT, env={**others, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        while not _answers(address):
            if time.monotonic() - begun > MAX_SECONDS:
                raise TimeoutError(address)
            time.sleep(POLL_SECONDS)
        answered, processor = time.monotonic() - begun, _processor_seconds(server.pid)
        open_seconds(page, address)
        return Start(answered, processor, time.monotonic() - begun)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=MAX_SECONDS)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _processor_seconds(number: int) -> float:
    """Return the processor seconds of a process and its children."""
    parent = psutil.Process(number)
    times = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
    return sum(float(spent.user) + float(spent.system) for spent in times)


def _line(title: str, starts: list[Start]) -> str:
    def median(name: str) -> float:
        return float(statistics.median(getattr(each, name) for each in starts))

    return (
        f"{title}: first answer after {median('answer'):.2f} s (processor {median('processor'):.2f} s), first page "
        f"drawn after {median('drawn'):.2f} s; medians of {len(starts)} (aim: at most 2 s)"
    )
