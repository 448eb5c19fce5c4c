"""The console in Dutch and German in a real browser: it fits, names every control, and calls no other host.

`make test-long` walks all pages in every size; `make test` in one, beside the policy of the pages.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from integration.words import of_streamlit
from tests.browser.conftest import PICTURES, at_rest, tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

View = tuple[int, int, Literal["light", "dark"]]
VIEWS: dict[str, tuple[View, View]] = {
    "nl": ((1440, 900, "light"), (1024, 768, "dark")),
    "de": ((1440, 900, "dark"), (1024, 768, "light")),
}
ADDRESSES = {
    "overview": "", "preview": "preview", "exceptions": "exceptions", "runs": "runs", "days": "days",
    "stock": "stock", "logs": "logs", "phone": "phone",
    "volume": "logs?tab=volume", "questions": "logs?tab=queries", "setup": "setup", "till": "setup?step=mplus",
    "flows": "flows", "orders": "flows?flow=orders", "filters": "flows?tab=filters", "fields": "flows?tab=fields",
    "tables": "flows?tab=tables", "schedule": "flows?tab=schedule", "brakes": "flows?tab=brakes",
    "mappings": "mappings", "monitoring": "monitoring", "channels": "monitoring?view=channels",
    "administration": "administration", "file": "administration?tab=file",
}  # fmt: skip
CONTROLS = {
    "button", "checkbox", "combobox", "link", "listbox", "menuitem", "option", "radio", "searchbox", "slider",
    "spinbutton", "switch", "tab", "textbox",
}  # fmt: skip
ICON = re.compile(r"\w+ icon( Shortcut \w+)?$")  # what a picture is called, which does not say what its button does
PADDING = "getComputedStyle(document.querySelector('.stMainBlockContainer')).paddingLeft"
DRAWN = 350  # milliseconds until a page is drawn anew after its size or its colours changed
ENGLISH = """(english) => {
  const found = [...document.querySelectorAll('[aria-label], [title], [placeholder]')].flatMap((one) =>
    ['aria-label', 'title', 'placeholder'].map((name) => one.getAttribute(name)))
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) if (!texts.currentNode.parentElement.closest('td')) found.push(texts.currentNode.nodeValue)
  return english.filter((text) => found.includes(text))
}"""
LOCALES = {"nl": "nl-NL", "de": "de-DE"}


@contextmanager
def open_browser(browser: Browser, language: str) -> Iterator[Page]:
    """Open a separate browser in a language; none of its requests may leave this machine."""
    outside: list[str] = []

    def note(request: Request) -> None:
        if not re.match(r"(https?|wss?)://127\.0\.0\.1[:/]|data:|blob:", request.url):
            outside.append(request.url)

    with tab(browser, locale=language, timezone_id="Europe/Amsterdam", color_scheme="light") as page:
        page.context.on("request", note)
        yield page
    assert outside == []


@pytest.mark.parametrize("language", ["nl", "de"])
def test_every_page_fits_in_every_language_size_and_mode_and_names_its_controls(
    filled_console: str, browser: Browser, language: str
) -> None:
    wide, nameless = [], []
    with open_browser(browser, LOCALES[language]) as page:
        apply_view(page, VIEWS[language][0])
        for place, (name, address) in enumerate(ADDRESSES.items()):
            page.goto(f"{filled_console}/{address}", wait_until="commit")
            wait_until_drawn(page)
            assert page.evaluate("document.documentElement.lang") == language
            assert page.locator("[data-testid=stException], .st-key-page-failed").count() == 0, name
            assert float(page.evaluate(PADDING).removesuffix("px")) < 40  # the console's own style sheet is at work
            nameless += [(name, role) for role in unnamed_controls(page)]
            first, other = VIEWS[language][:: -1 if place % 2 else 1]  # each page begins as the one before was left
            for view in (first, other):
                if view is other:
                    apply_view(page, view)
                    page.wait_for_timeout(DRAWN)
                width, _, scheme = view
                PICTURES.mkdir(exist_ok=True)
                page.screenshot(path=PICTURES / f"{language}-{name}-{width}-{scheme}.png")
                if overflowing(page):
                    wide.append((name, width, scheme))

    assert wide == []
    assert nameless == []


def test_a_language_is_chosen_without_leaving_the_page_and_remembered(filled_console: str, browser: Browser) -> None:
    with open_browser(browser, "nl-NL") as page:
        page.goto(f"{filled_console}/preview?flow=products&show=park", wait_until="commit")
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Voorvertoning")

        at_rest(page).get_by_role("button", name="Nederlands").click()
        at_rest(page).locator("[role=menuitem], [role=option]").filter(has_text="Deutsch").first.click()

        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Vorschau")
        expect(page).to_have_url(re.compile("show=park"))
        expect(at_rest(page).get_by_role("radio", name=re.compile("Zurückgestellt"))).to_be_checked()
        expect(page.locator("html")).to_have_attribute("lang", "de")

        page.goto(f"{filled_console}/runs?lang=en", wait_until="commit")
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Runs")
        page.goto(f"{filled_console}/runs", wait_until="commit")
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Läufe")


def test_streamlit_says_nothing_in_english(filled_console: str, browser: Browser) -> None:
    """In its menu, a list, a table, a period, a file, a field; and in English again once English is chosen."""
    with open_browser(browser, "de-DE") as page:
        for address in ("logs", "flows?flow=orders", "administration?tab=file", "mappings"):
            page.goto(f"{filled_console}/{address}", wait_until="commit")
            wait_until_drawn(page)
            assert english_in(page) == []
        page.goto(f"{filled_console}/logs", wait_until="commit")
        wait_until_drawn(page)
        at_rest(page).get_by_test_id("stMainMenuButton").click()
        expect(page.get_by_test_id("stMainMenuPopover").get_by_text("Dunkel")).to_be_visible()
        assert english_in(page) == []
        page.keyboard.press("Escape")
        at_rest(page).get_by_role("combobox").first.fill("Keins davon")
        expect(page.get_by_text("Nichts gefunden")).to_be_visible()
        page.keyboard.press("Escape")
        page.goto(f"{filled_console}/logs?tab=queries", wait_until="commit")
        wait_until_drawn(page)
        at_rest(page).get_by_label("SQL-Abfrage").fill("SELECT 1")
        expect(page.get_by_test_id("InputInstructions").get_by_text("Strg+Enter sendet ab")).to_be_visible()
        assert english_in(page) == []

        at_rest(page).get_by_role("button", name="Deutsch").click()
        at_rest(page).locator("[role=menuitem], [role=option]").filter(has_text="English").first.click()
        expect(at_rest(page).get_by_test_id("stMainMenuButton")).to_have_attribute("aria-label", "Main menu")


def english_in(page: Page) -> list[str]:
    """Return the English texts of Streamlit on a page, visible or for screen readers."""
    english = [own for own, translation in of_streamlit("de").items() if own != translation]
    return list(page.evaluate(ENGLISH, english))


def apply_view(page: Page, view: View) -> None:
    """Show a page in this size and these colours."""
    width, height, scheme = view
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)


def wait_until_drawn(page: Page) -> None:
    """Wait until a page is drawn."""
    expect(at_rest(page).get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_timeout(DRAWN)


def overflowing(page: Page) -> bool:
    """Return True if any part of a page is outside the window."""
    main = "document.querySelector('[data-testid=stMain]')"
    return bool(
        page.evaluate(f"document.documentElement.scrollWidth > innerWidth || {main}.scrollWidth > {main}.clientWidth")
    )


def unnamed_controls(page: Page) -> list[str]:
    """Return the roles of the controls that assistive technology has no name for, as the browser computes it."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [
        role
        for node in nodes
        if not node.get("ignored") and (role := node.get("role", {}).get("value")) in CONTROLS
        and not ICON.sub("", node.get("name", {}).get("value", "")).strip()
    ]  # fmt: skip
