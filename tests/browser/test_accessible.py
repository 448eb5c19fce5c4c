"""Accessibility of every page and dialog without sight or mouse: axe, names of controls, and cut texts.

axe-core looks at what a page is made of. Tables are drawn on canvases, with a table behind them that is read aloud:
what of their captions is cut is told by what is drawn, and into which box.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ADDRESSES, PATIENCE, SETTLE, at_rest, button, picture, show_page, tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

Theme = Literal["light", "dark"]

STREAMLIT = {("list", "stSidebarNavItems"), ("listitem", "<li ")}
"""Violations of Streamlit's own menu, by rule: its list holds the groups as elements of another kind."""
CONTROLS = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "spinbutton", "switch", "tab",
    "menuitem", "option", "slider",
}  # fmt: skip
# Texts that hold more than is to be seen of them, and hints in fields that do not fit: what scrolls is not cut.
MAX_TABS = 80  # from the top of a page to its last control
CUT = """() => {
  const found = [], paper = document.createElement('canvas').getContext('2d')
  const isSeen = (one) => one.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && one.clientWidth > 1
  for (const one of document.querySelectorAll('[data-testid=stApp] *')) {
    if (!isSeen(one)) continue
    const look = getComputedStyle(one)
    if (one.tagName === 'INPUT' && one.placeholder && !one.value) {
      paper.font = look.font
      const room = one.clientWidth - parseFloat(look.paddingLeft) - parseFloat(look.paddingRight)
      if (paper.measureText(one.placeholder).width > room + 1) found.push('hint: ' + one.placeholder)
    }
    const says = [...one.childNodes].some((child) => child.nodeType === 3 && child.data.trim())
    let held = one
    while (held && !['hidden', 'clip'].includes(getComputedStyle(held).overflowX)) {
      if (['auto', 'scroll'].includes(getComputedStyle(held).overflowX) || held.dataset?.testid === 'stApp') held = null
      else held = held.parentElement
    }
    if (!says || !held) continue
    const text = document.createRange()
    text.selectNodeContents(one)
    const [of, within] = [text.getBoundingClientRect(), held.getBoundingClientRect()]
    if (held.clientWidth > 1 && (of.right > within.right + 1 || held.scrollWidth > held.clientWidth + 1) && of.right > within.right + 1)
      found.push(one.innerText.slice(0, 80))
  }
  return found
}"""  # noqa: E501 - a script


# Keeps which texts a page draws on its canvases beyond the box, a column, that is open to them.
DRAWN = """(() => {
  const cut = window.cutTexts = new Set(), of = CanvasRenderingContext2D.prototype, known = new WeakMap()
  const at = (one) => known.get(one) ?? known.set(one, { open: [null], box: null }).get(one)
  const before = (name, does) => {
    const is = of[name]
    of[name] = function (...told) { does(this, at(this), ...told); return is.apply(this, told) }
  }
  const seen = (one, x) => one.getTransform().a * x + one.getTransform().e
  before('save', (one, now) => now.open.push(now.open.at(-1)))
  before('restore', (one, now) => { if (now.open.length > 1) now.open.pop() })
  before('rect', (one, now, x, y, wide) => { now.box = seen(one, x + wide) })
  before('clip', (one, now) => { now.open[now.open.length - 1] = now.box })
  before('fillText', (one, now, text, x) => {
    const ends = { right: 0, end: 0, center: 0.5 }[one.textAlign] ?? 1
    if (now.open.at(-1) !== null && seen(one, x + ends * one.measureText(text).width) > now.open.at(-1)) cut.add(text)
  })
})()"""
CUT_CAPTIONS = """() => [...document.querySelectorAll('[data-testid=data-grid-canvas] th')]
  .map((one) => one.textContent).filter((caption) => window.cutTexts.has(caption)).map((one) => `caption: ${one}`)"""


def violations(page: Page) -> list[str]:
    """Return the violations that axe finds, without those of Streamlit."""
    axe_violations: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in axe_violations
        for node in violation["nodes"]
        if not any(violation["id"] == rule and sign in node["html"] for rule, sign in STREAMLIT)
    ]


def unnamed_controls(page: Page) -> list[str]:
    """Return the controls without an accessible name, as the browser reports them."""
    client = page.context.new_cdp_session(page)
    nodes = client.send("Accessibility.getFullAXTree")["nodes"]
    client.detach()
    return [
        f"{node['role']['value']} {node['nodeId']}"
        for node in nodes
        if not node["ignored"]
        and node["role"]["value"] in CONTROLS
        and not node.get("name", {}).get("value", "").strip()
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_wrong_on_any_page(shop: str, browser: Browser, theme: Theme) -> None:
    problems: dict[str, list[str]] = {}
    with tab(browser, color_scheme=theme) as page:
        for name, place in ADDRESSES.items():
            show_page(page, f"{shop}/{place}")
            problems[name] = violations(page)
            picture(page, f"accessible-{theme}-{name}")

    assert {name: wrong for name, wrong in problems.items() if wrong} == {}


def _open_keys(page: Page) -> None:
    page.keyboard.press("?")


def _open_words(page: Page) -> None:
    at_rest(page).locator(".st-key-words button").click()
    expect(
        page.get_by_role("dialog").get_by_text("Read back after it was written, and equal to the plan.")
    ).to_be_visible()


def _open_explanation(page: Page) -> None:
    at_rest(page).locator(".st-key-why button").click()


def _open_approval(page: Page) -> None:
    button(page, re.compile(r"Commit [\d,.]+ change"))


def _open_menu_entry(entry: str) -> Callable[[Page], None]:
    def open_entry(page: Page) -> None:
        at_rest(page).locator("[class*=st-key-more-] button").first.click()
        page.get_by_role("menuitem", name=entry).or_(page.get_by_role("option", name=entry)).first.click()

    return open_entry


DIALOGS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "keys": ("runs", _open_keys),
    "words": ("runs", _open_words),
    "why": ("preview?flow=products&show=create", _open_explanation),
    "brake": ("preview?flow=products", _open_approval),
    "dismiss": ("exceptions", _open_menu_entry("Dismiss")),
    "assign": ("exceptions", _open_menu_entry("Assign")),
    "note": ("exceptions", _open_menu_entry("Note")),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_wrong_in_any_dialog(shop: str, browser: Browser, theme: Theme) -> None:
    problems: dict[str, list[str]] = {}
    with tab(browser, color_scheme=theme) as page:
        for name, (place, opens) in DIALOGS.items():
            show_page(page, f"{shop}/{place}")
            opens(page)
            expect(at_rest(page).get_by_role("dialog")).to_be_visible()
            picture(page, f"accessible-{theme}-dialog-{name}")
            problems[name] = violations(page) + unnamed_controls(page)

    assert {name: wrong for name, wrong in problems.items() if wrong} == {}


@pytest.mark.parametrize("language", ["en-GB", "nl-NL", "de-DE"])
@pytest.mark.parametrize("width", [1024, 1440])
def test_every_control_has_a_name_and_no_text_is_cut(shop: str, browser: Browser, width: int, language: str) -> None:
    problems: dict[str, list[str]] = {}
    with tab(browser, locale=language, viewport={"width": width, "height": 900}) as page:
        page.add_init_script(DRAWN)
        for name, place in ADDRESSES.items():
            show_page(page, f"{shop}/{place}")
            page.wait_for_timeout(SETTLE)  # until tables are drawn
            problems[name] = [*unnamed_controls(page), *page.evaluate(CUT), *page.evaluate(CUT_CAPTIONS)]

    assert {name: wrong for name, wrong in problems.items() if wrong} == {}


def test_what_is_chosen_in_a_list_follows_the_address_back(shop: str, browser: Browser) -> None:
    with tab(browser) as page:
        page.goto(f"{shop}/logs", wait_until="commit")
        chosen = at_rest(page).locator(".st-key-_flow input")
        expect(chosen).to_have_value("All flows")
        page.goto(f"{shop}/logs?flow=orders", wait_until="commit")
        expect(chosen).to_have_value("Orders")
        chosen.click()
        page.get_by_role("option", name="Products").click()
        page.wait_for_url("**/logs?flow=products*", timeout=PATIENCE)
        page.go_back()
        expect(chosen).to_have_value("Orders")


def test_rows_are_ticked_by_key_or_all_that_is_found_by_button_and_the_keys_are_shown(
    shop: str, browser: Browser
) -> None:
    with tab(browser) as page:
        show_page(page, f"{shop}/preview?flow=products&show=update")
        bar = page.get_by_test_id("stBottom")
        expect(bar).to_contain_text("changes chosen")
        move_focus(page, "[data-testid=data-grid-canvas]")  # and no mouse from here on
        page.keyboard.press("ArrowDown")
        page.wait_for_url("**record=*")
        first = page.url
        page.keyboard.press("ArrowDown")
        page.wait_for_url(lambda url: "record=" in url and url != first)
        expect(bar.get_by_role("button", name="Choose all")).to_have_count(0)
        page.keyboard.press("Shift+Space")
        choose = bar.get_by_role("button", name=re.compile("^Choose all$"))
        expect(choose).to_be_visible()
        at_rest(page).get_by_role("button", name=re.compile("Choose all .* shown")).press("Enter")
        expect(choose).to_have_count(0)
        at_rest(page).get_by_role("button", name=re.compile("Leave out")).press("Enter")
        expect(choose).to_be_visible()
        page.keyboard.press("?")
        expect(at_rest(page).get_by_role("dialog")).to_contain_text("Tick or untick")


def move_focus(page: Page, selector: str) -> None:
    """Press Tab until an element that matches the selector has the focus."""
    for _ in range(MAX_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement?.closest(wanted) !== null", selector):
            return
    raise AssertionError(f"{selector} is reached by no key")


def test_what_is_said_briefly_covers_no_button(shop: str, browser: Browser) -> None:
    for width in (1024, 1440):
        with tab(browser, viewport={"width": width, "height": 900}) as page:
            show_page(page, f"{shop}/exceptions")
            _open_menu_entry("Dismiss")(page)
            dialog = page.get_by_role("dialog")
            dialog.get_by_role("textbox").fill("it is a trial")
            dialog.get_by_role("textbox").press("Enter")
            at_rest(page).locator(".st-key-dismiss_now button").click()
            toast = page.get_by_test_id("stToast")
            expect(toast).to_be_visible()
            page.wait_for_timeout(SETTLE)
            box: dict[str, float] = toast.evaluate("(one) => one.getBoundingClientRect().toJSON()")
            assert [rectangle for rectangle in boxes(page) if overlap(box, rectangle)] == []


def boxes(page: Page) -> list[dict[str, float]]:
    """Return the rectangles of the buttons of a page, except those in short messages."""
    rectangles: list[dict[str, float]] = (
        page.evaluate("""() => [...document.querySelectorAll('button, a, [role=radio]')]
        .filter((one) => !one.closest('[data-testid=stToastContainer]') && one.checkVisibility() && one.clientWidth > 1)
        .map((one) => one.getBoundingClientRect().toJSON())""")
    )
    return rectangles


def overlap(box: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Return True if two rectangles overlap."""
    along = (("x", "width"), ("y", "height"))
    return all(box[at] < other[at] + other[by] and other[at] < box[at] + box[by] for at, by in along)
