"""Both systems full of hostile names, in a real browser: text stays text, and no other host is called."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, Request, expect

from integration.application.application import Application
from integration.connectors.accountview.settings import AccountViewAccess
from integration.connectors.mplus.settings import MplusAccess
from integration.core.untrusted_text import unescape_formulas, visible
from integration.sandbox.server import Sandbox
from tests.browser.conftest import ask, at_rest, connecting, serving, tab
from tests.consoles import open_application
from tests.hostile import EVERY, FOREIGN, KEYS, systems
from tests.people import make_actor
from tests.programs import Terminal, access, confirmations

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

LOCALES = ("en-GB", "nl-NL", "de-DE")
DRAWN = 400  # milliseconds until tables and charts are drawn
CAUSES = 4
CHARTED = quote("SELECT title, count(*) AS n FROM events WHERE title <> '' GROUP BY title LIMIT 60")
ADDRESSES = {
    "overview": "", "preview": "preview?flow=products&show=all", "customers": "preview?flow=customers&show=all",
    "parked": "preview?flow=products&show=park", "orders": "preview?flow=orders&show=all", "runs": "runs",
    "exceptions": "exceptions", "corrected": "exceptions?status=corrected", "days": "days",
    "stock": "stock", "phone": "phone", "logs": "logs", "monitoring": "monitoring", "administration": "administration",
    "settings as a file": "administration?tab=file",
    "volume": "logs?tab=volume", "answer": f"logs?tab=queries&query={CHARTED}",
    "chart": f"logs?tab=queries&query={CHARTED}&show=chart&x=title&y=n&kind=bar", "setup": "setup",
    "till": "setup?step=mplus", "questions": "setup?step=questions", "ready": "setup?step=ready", "flows": "flows",
    "flow of orders": "flows?flow=orders", "filters": "flows?tab=filters", "fields": "flows?tab=fields",
    "tables": "flows?tab=tables", "tables of orders": "flows?flow=orders&tab=tables", "mappings": "mappings",
    "mapping tables": "mappings?part=tables", "history": "mappings?part=history",
    **{f"history of {key}": f"logs?record={quote(f'products:{key}', safe='')}" for key in KEYS[:3]},
    **{f"record {at}": f"preview?flow=products&show=all&record={at}" for at in (12, 31)},
    "a strange run": f"runs?run={quote(EVERY[0], safe='')}", "a strange flow": f"flows?flow={quote(EVERY[1], safe='')}",
    "a strange article": f"stock?article={quote(EVERY[1], safe='')}",
    "a strange history": f"logs?record={quote(EVERY[3], safe='')}",
    "strange filters": f"logs?find={quote(EVERY[1], safe='')}&run={quote('x](http://evil.example) [y', safe='')}",
    "strange search": f"preview?flow=products&find={quote('![x](http://evil.example/i.png)', safe='')}",
}  # fmt: skip
# What must not be in a page: elements and words that only a name could have brought, and signs that turn or hide text.
FOUND = """() => {
  const ours = location.origin, found = [];
  const PAGES = /^\\/(|overview|preview|exceptions|runs|days|stock|logs|setup|flows|mappings|phone|monitoring|administration|api\\/log\\/log.(csv|parquet))$/;
  for (const one of document.querySelectorAll('a[href], img[src], script[src], link[href], iframe, object, embed, base, form[action]')) {
    const to = one.href?.baseVal ?? one.href ?? one.src ?? one.data ?? one.action ?? '';
    if (!(to.startsWith(ours + '/') || to === ours || to.startsWith('data:') || to.startsWith('blob:'))) found.push(one.outerHTML);
    if (one.tagName === 'A' && !one.getAttribute('href').startsWith('#') && !PAGES.test(new URL(to).pathname))
      found.push(one.outerHTML);
  }
  for (const one of document.querySelectorAll('[onerror], [onload], [onclick], .katex, del:has(> a)')) found.push(one.outerHTML);
  for (const one of document.querySelectorAll('b, strong, em, del, code, h4, h5, h6, tspan[style], blockquote, li p'))
    if (['bold', 'it', 'gone', 'inline', 'head', 'quote', 'x', 'y'].includes(one.textContent.trim())) found.push(one.outerHTML);
  for (const one of document.querySelectorAll('[aria-label]'))  // a screen reader would say the escapes
    if (/&#(?:42|58|64|91|93|95|96|126);|:color\\[/.test(one.ariaLabel)) found.push(one.ariaLabel);
  const said = document.body.innerText.match(/[\\u202a-\\u202e\\u2066-\\u2069\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u2028\\u2029]/g);
  return found.concat(said ?? []).map(one => one.slice(0, 300));
}"""  # noqa: E501 - a script


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A console whose systems, settings and people all have hostile names."""
    data = tmp_path_factory.mktemp("console")
    with systems() as running_sandbox:
        terminal = Terminal({"DATA": str(data), **access(running_sandbox)})
        plan = terminal("preview", "products", "--json").json
        terminal("commit", plan["run"], "--fingerprint", plan["fingerprint"], *confirmations(plan))
        for flow in ("products", "customers", "stock", "orders"):
            terminal("preview", flow, "--json")
        plant(data, running_sandbox)
        with serving(data, **connecting(running_sandbox)) as address:
            yield address


def plant(data: Path, sandbox: Sandbox) -> None:
    """Enter hostile names in every field of the console that takes a name."""
    environment = access(sandbox)
    office, branches = (
        {name.removeprefix(prefix).lower(): value for name, value in environment.items() if name.startswith(prefix)}
        for prefix in ("ACCOUNTVIEW__", "MPLUS__")
    )
    connected: dict[str, Any] = {"accountview": AccountViewAccess(**office), "mplus": MplusAccess(**branches)}
    with open_application(data, start=False, **connected) as application:
        for name in EVERY[:4]:
            application.saved_queries.save(name, "SELECT 1 AS x", make_actor(name))
        for group, name in zip(application.exceptions.groups(), EVERY, strict=False):
            application.issues.assign(group.group_key, name, name)
            application.issues.annotate(group.group_key, name, name)
        application.rules.set_table(EVERY[0], dict(zip(EVERY, reversed(EVERY), strict=True)), EVERY[1])
        for flow in ("products", "orders"):
            _publish_mapping(application, flow)


def _publish_mapping(application: Application, flow: str) -> None:
    published = application.mappings.published(flow)
    application.mappings.publish(flow, published.mapping, published.version, make_actor(EVERY[1]), EVERY[0])


@contextmanager
def watch_browser(browser: Browser, address: str, language: str) -> Iterator[Page]:
    """Open a browser in a language; it may ask the console alone, and no name may ask the person anything."""
    outside: list[str] = []
    dialogs: list[str] = []

    def note(request: Request) -> None:
        to = urlsplit(request.url)
        if to.scheme not in ("data", "blob") and to.netloc != urlsplit(address).netloc:
            outside.append(request.url)

    with tab(browser, locale=language, timezone_id="Europe/Amsterdam") as page:
        page.context.on("request", note)
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        yield page
    assert (outside, dialogs) == ([], [])


def harm(page: Page, address: str, place: str) -> list[str]:
    """Open a page and return the harm that a name has done."""
    page.goto(f"{address}/{place}", wait_until="commit")
    expect(at_rest(page).locator("h1, [class*=st-key-page-failed]").first).to_be_visible()
    if "query=" in place:
        ask(page)
        expect(
            at_rest(page).get_by_test_id("stMain").locator(".js-plotly-plot, [data-testid=stDataFrame]").first
        ).to_be_visible()
    page.wait_for_timeout(DRAWN)
    problems: list[str] = page.evaluate(FOUND)
    return problems + ([] if re.fullmatch(r"[A-ZÜ][\w -]+( \(\d+\))? · Sluis", page.title()) else [page.title()])


def causes_harm(page: Page, address: str) -> list[str]:
    """Open some causes with their records and repairs, and return the harm that a name has done."""
    problems = harm(page, address, "exceptions")
    for at in range(CAUSES):
        at_rest(page).locator("[class*=st-key-open-] button").nth(at).click()
        expect(at_rest(page).locator("[class*=st-key-close-] button").first).to_be_visible()
        page.wait_for_timeout(DRAWN)
        problems += page.evaluate(FOUND)
    return problems


@pytest.mark.parametrize("language", LOCALES)
def test_no_page_is_changed_by_a_name_in_any_language(console: str, browser: Browser, language: str) -> None:
    with watch_browser(browser, console, language) as page:
        assert {name: problems for name, place in ADDRESSES.items() if (problems := harm(page, console, place))} == {}
        assert causes_harm(page, console) == []


def test_a_table_writes_no_file_and_the_life_of_a_record_has_an_address(console: str, browser: Browser) -> None:
    with watch_browser(browser, console, "en-GB") as page:
        page.goto(f"{console}/logs", wait_until="commit")
        expect(at_rest(page).get_by_test_id("stDataFrame")).to_be_visible()
        page.get_by_test_id("stDataFrame").hover()
        expect(page.get_by_role("button", name="Search: Logs")).to_be_visible()
        assert page.get_by_role("button", name="Download as CSV").count() == 0

        at_rest(page).get_by_role("button", name="Download", exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV for programs").locator("visible=true").click()
        assert download.value.suggested_filename == "log-data.csv"
        table = pd.read_csv(download.value.path(), keep_default_na=False)
        assert {"=cmd|' /C calc'!A0", "＝1＋1"} & set(table["title"].map(unescape_formulas))
        assert not [
            cell for name in table.columns for cell in table[name].astype(str) if re.match("[=+@＝＋＠-]", cell)
        ]

        address = f"logs?record={quote(f'products:{KEYS[2]}', safe='')}"
        page.goto(f"{console}/{address}", wait_until="commit")
        at_rest(page).get_by_role("button", name="Copy link").click()
        record_url = page.get_by_test_id("stCode").first.text_content() or ""
        page.goto(record_url, wait_until="commit")
        expect(at_rest(page).get_by_role("heading", level=1)).to_be_visible()
        assert parse_qs(urlsplit(record_url).query) == {"record": [f"products:{KEYS[2]}"]}


def test_a_name_is_shown_as_it_is(console: str, browser: Browser) -> None:
    with watch_browser(browser, console, "en-GB") as page:
        page.goto(f"{console}/exceptions", wait_until="commit")
        expect(at_rest(page).get_by_text(f"[x](http://{FOREIGN}/l)").first).to_be_visible()
        page.goto(f"{console}/logs?record={quote(f'products:{KEYS[4]}', safe='')}", wait_until="commit")
        expect(at_rest(page).get_by_text(visible(KEYS[4])).first).to_be_visible()
        page.goto(f"{console}/logs?tab=queries&query={CHARTED}&show=chart&x=title&y=n&kind=bar", wait_until="commit")
        ask(page)
        expect(at_rest(page).locator(".js-plotly-plot .xtick text").first).to_be_visible()
        labels = page.locator(".js-plotly-plot .xtick text").all_text_contents()
        assert any(visible(name) in labels for name in EVERY if "<" in name or "\u202e" in name or "&" in name), labels
