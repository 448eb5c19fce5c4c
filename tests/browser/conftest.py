"""A real browser before a real console: the server as `make run` starts it, on a port of its own."""

import os
import re
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, WebError, expect
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from integration.application.application import Application
from integration.sandbox.server import Sandbox, running
from tests.consoles import open_application
from tests.programs import Terminal, access
from tests.servers import Server, serve_console
from tests.timeouts import SECONDS

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "test-output"
TAKES_PICTURES = "TESTS_PICTURES" in os.environ
PATIENCE = SECONDS * 1000  # in milliseconds, as a browser counts
AT_REST = "body:has([data-testid=stApp][data-test-script-state=notRunning]):not(:has([data-stale=true]))"
DONE = re.compile("Done|Partly parked")  # what stands beside a commit that has ended, as its records did
SETTLE = 900  # milliseconds until fonts and canvas tables are drawn
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
    "--force-prefers-reduced-motion",  # what turns and fades is drawn by this processor
    "--js-flags=--no-opt --no-maglev",  # a page lives for seconds, in which optimised scripts earn nothing back
]  # fmt: skip
SOUGHT = re.compile(r"/\w+/_stcore/(health|host-config)$|/favicon\.ico$")
"""Missing files that are no error: Streamlit looks for its base below a page first, and a system has no picture."""
MENDED = re.compile("delta path|when disconnected from server")  # Streamlit's own; the frame opens such a page again
reopened: list[str] = []  # what of it happened in this test: whatever was pressed on such a page is gone with it
TELL = """
addEventListener('securitypolicyviolation', (one) =>
  console.error(`policy: ${one.effectiveDirective} ${one.blockedURI} ${one.sample}`), true)
"""

# Every page, with the views of it that look otherwise.
ADDRESSES = {
    "overview": "", "preview": "preview?flow=products", "created": "preview?flow=products&show=create",
    "parked": "preview?flow=orders&show=park", "exceptions": "exceptions", "dismissed": "exceptions?status=dismissed",
    "runs": "runs", "days": "days", "stock": "stock", "logs": "logs", "volume": "logs?tab=volume",
    "links": "logs?tab=links", "audit": "administration?tab=audit", "linked": "flows?flow=orders&field=shipping",
    "questions": "logs?tab=queries", "monitoring": "monitoring", "channels": "monitoring?view=channels",
    "phone": "phone", "setup": "setup", "till": "setup?step=mplus", "flows to run": "setup?step=flows",
    "set-up questions": "setup?step=questions", "ready": "setup?step=ready", "flows": "flows",
    "flow of orders": "flows?flow=orders", "filters": "flows?tab=filters", "fields": "flows?tab=fields",
    "schedule": "flows?tab=schedule", "brakes": "flows?tab=brakes", "tables": "flows?flow=orders&tab=tables",
    "mappings": "mappings", "history": "mappings?part=history", "administration": "administration",
}  # fmt: skip

expect.set_options(timeout=PATIENCE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Add to a failure the text of its page and the errors of its browser."""
    page: Page | None = getattr(item, "funcargs", {}).get("page")
    if call.when == "call" and call.excinfo is not None and page is not None:
        call.excinfo.value.add_note(_page_state(page))
    return (yield)


def _page_state(page: Page) -> str:
    console_errors = [
        f"{message.type}: {message.text}" for message in page.console_messages() if message.type == "error"
    ]
    errors = [str(error) for error in page.page_errors()]
    try:
        body = page.locator("body")
        stale, script = page.locator("[data-stale=true]").count(), page.locator("[data-test-script-state]").first
        state = script.get_attribute("data-test-script-state", timeout=SETTLE)
        page_state = f"{stale} stale, script {state}\n{body.inner_text(timeout=SETTLE)}"
    except PlaywrightError as error:
        page_state = f"{error.message}\n{page.content()[:2000]}"
    return "\n".join([page.url, *console_errors, *errors, *reopened, re.sub(r"\n\s*", " / ", page_state)])


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the browser of the operating system."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    return {**browser_type_launch_args, "executable_path": chromium, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Look as an office in the Netherlands does that reads English; tests of languages ask for another."""
    return {
        **browser_context_args,
        "viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "timezone_id": "Europe/Amsterdam",
    }  # fmt: skip


@pytest.fixture
def context(context: BrowserContext) -> Iterator[BrowserContext]:
    """Use one time limit for controls and for texts, and fail on violations of the policy."""
    context.set_default_timeout(PATIENCE)
    with obeying(context):
        yield context


@contextmanager
def obeying(context: BrowserContext) -> Iterator[list[str]]:
    """Fail if the pages of a browser violate their policy or report an error."""
    problems: list[str] = []
    reopened.clear()

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not SOUGHT.search(message.location["url"]):
            (reopened if MENDED.search(message.text) else problems).append(f"{message.text} {message.location['url']}")

    def fail(failure: WebError) -> None:
        (reopened if MENDED.search(str(failure.error)) else problems).append(str(failure.error))

    context.add_init_script(TELL)
    context.on("console", note)
    context.on("weberror", fail)
    yield problems
    assert problems == []


@contextmanager
def tab(browser: Browser, **look: Any) -> Iterator[Page]:
    """Open a browser of its own beside that of the test, which may look otherwise."""
    with browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", **look}) as context:
        context.set_default_timeout(PATIENCE)
        with obeying(context):
            yield context.new_page()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a new installation, nothing connected."""
    with serving(tmp_path_factory.mktemp("console")) as address:
        yield address


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A console on the sandbox, shared by all files whose tests only read."""
    settings = {"CONSOLE_SANDBOX": "true", "CONSOLE_SANDBOX_ARTICLES": "60"}
    with serve_console(tmp_path_factory.mktemp("console"), settings=settings) as server:
        yield server
        assert server.outside == []


@pytest.fixture(scope="session")
def filled_console(sandbox_server: Server, browser: Browser) -> str:
    """The address of that console once its products are written and its orders wait."""
    with tab(browser) as page:
        for flow in ("products", "orders"):
            new_plan(page, sandbox_server.address, flow)
            expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(re.compile(f"Waiting|{DONE.pattern}"))
            if flow == "products":
                commit(page, re.compile(r"Commit [\d,.]+ change"))
                expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(DONE)
    return sandbox_server.address


@pytest.fixture(scope="module")
def systems() -> Iterator[Sandbox]:
    """Both systems of a small shop without orders."""
    with running(articles=60, orders=0) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a console that is connected."""
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def connected_console(systems: Sandbox, data: Path) -> Iterator[str]:
    """The address of a console with both systems connected."""
    with serving(data, **connecting(systems)) as address:
        yield address


@pytest.fixture(scope="module")
def second_application(connected_console: str, data: Path) -> Iterator[Application]:
    """The same installation without an engine, to prepare and inspect data that the page under test does not show."""
    assert connected_console
    with open_application(data, start=False) as application:
        yield application


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A console on which work waits: a plan that a brake holds, orders that are parked."""
    data: Path = tmp_path_factory.mktemp("console")
    with running(articles=400, orders=20) as running_sandbox:
        terminal = Terminal({"DATA": str(data), **access(running_sandbox)})
        for flow in ("orders", "products"):
            terminal("preview", flow, "--json")
        with serving(data, **connecting(running_sandbox)) as address:
            yield address


@contextmanager
def serving(data: Path, **settings: str) -> Iterator[str]:
    """Run a console on a folder, with settings as the environment names them, and give its address."""
    with serve_console(data, settings=settings) as server:
        yield server.address
        assert server.outside == []


def at_rest(page: Page) -> Locator:
    """Return a page while it is at rest: what is looked for in it is found only then.

    While a page is drawn anew, what it said stands beside what it says, and some of it twice. That something is gone is
    to be asked of the page itself, since nothing is found meanwhile; and so is what a page says of a run at work, since
    it is drawn anew every second.
    """
    return page.locator(AT_REST)


def show_page(page: Page, address: str) -> None:
    """Open a page and wait until it is drawn completely."""
    page.goto(address, wait_until="commit")
    expect(at_rest(page).get_by_role("heading", level=1).first).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)


def picture(page: Page, name: str) -> None:
    """Wait until the page is drawn, and save a picture of it if the environment has TESTS_PICTURES."""
    page.wait_for_timeout(SETTLE)
    if TAKES_PICTURES:
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")


def button(page: Page, name: str | re.Pattern[str]) -> None:
    """Wait for a button, and click it."""
    at_rest(page).get_by_role("button", name=name).first.click()


def choose(page: Page, label: str | re.Pattern[str], option: str | re.Pattern[str]) -> None:
    """Open a select box and click an option. An option of a long list is searched for, since far ones are not drawn.

    The page is scrolled to the box first: a list closes when the page scrolls, or when the page is drawn again.
    """
    field = at_rest(page).get_by_role("combobox", name=label).last
    field.scroll_into_view_if_needed()
    page.wait_for_timeout(SETTLE)
    choice = page.get_by_role("option", name=option).first
    field.click()
    if isinstance(option, str):
        field.fill(option)
    try:
        choice.click(timeout=10 * SETTLE)
    except PlaywrightTimeoutError:
        field.click()
        choice.click()


def ask(page: Page) -> None:
    """Run query that an address put into the editor."""
    at_rest(page).locator(".st-key-run_query button").click()


def commit(page: Page, label: re.Pattern[str]) -> None:
    """Press the button that writes, and type the numbers that its brakes ask for."""
    button(page, label)
    dialog = page.get_by_role("dialog")
    textbox = at_rest(page).get_by_role("dialog").get_by_role("textbox")
    at_work = page.get_by_role("heading", level=1).get_by_text(re.compile(f"Running|{DONE.pattern}"))
    expect(textbox.first.or_(at_work).first).to_be_visible()
    if dialog.is_visible():
        for field in dialog.get_by_role("textbox").all():
            field.fill(field.get_attribute("placeholder") or "")
        confirm = at_rest(page).get_by_role("dialog").get_by_role("button", name=label)
        expect(confirm).to_be_enabled()
        confirm.click()


def connecting(sandbox: Sandbox) -> dict[str, str]:
    """Return the environment by which a console reaches both systems of a sandbox."""
    return {f"CONSOLE_{name}": value for name, value in access(sandbox).items()}


def new_plan(
    page: Page,
    console: str,
    flow: str,
    label: str | re.Pattern[str] = re.compile("Make the first preview|Preview again"),
) -> None:
    """Make a preview of a flow, and wait until its plan is drawn: the one before it outlives its own address."""
    page.goto(f"{console}/preview?flow={flow}", wait_until="commit")
    expect(at_rest(page).get_by_role("button", name=label).first).to_be_visible()
    earlier_plan = _plan_of(page.url)
    button(page, label)
    page.wait_for_url(lambda url: _plan_of(url) not in ("", earlier_plan), wait_until="commit")
    expect(page.locator(f".st-key-plan-{_plan_of(page.url)}")).to_be_visible()


def _plan_of(url: str) -> str:
    """Return which plan an address shows; nothing where it shows none."""
    return "".join(parse_qs(urlsplit(url).query).get("plan", ()))
