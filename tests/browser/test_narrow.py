"""The console on a phone: every page at 390 px, and the page on which what waits is looked at and written."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import ADDRESSES, DONE, at_rest, button, commit, new_plan, picture, shown, tab

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

PHONE = {"width": 390, "height": 844}
# What does not fit: a page that is to be pushed aside, words that are broken into a few letters, and narrow columns.
BROKEN = """() => {
  const found = [], seen = { checkOpacity: true, checkVisibilityCSS: true }, wide = document.documentElement.clientWidth
  for (const one of document.querySelectorAll('html, [data-testid=stMain], [data-testid=stBottomBlockContainer]'))
    if (one.scrollWidth > one.clientWidth + 1) found.push(`wider than the screen: ${one.dataset.testid ?? 'page'}`)
  const texts = document.createTreeWalker(document.querySelector('[data-testid=stMain]'), NodeFilter.SHOW_TEXT)
  const at = document.createRange()
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const of = text.parentElement, box = of.getBoundingClientRect()
    if (!text.data.trim() || !of.checkVisibility(seen) || of.closest('canvas, style, script, svg, .katex')) continue
    if (box.width < 2 || box.height < 2 || of.dataset.testid === 'stIconMaterial') continue
    at.selectNodeContents(text)
    const all = new Set([...at.getClientRects()].filter((one) => one.width).map((one) => Math.round(one.top))).size
    if (all > 2 && text.data.trim().length / all < 8) found.push(`narrow column: ${text.data.trim().slice(0, 60)}`)
    for (const word of text.data.matchAll(/[^\\s\\-]+/g)) {
      at.setStart(text, word.index)
      at.setEnd(text, word.index + word[0].length)
      const lines = new Set([...at.getClientRects()].filter((one) => one.width).map((one) => Math.round(one.top))).size
      if (lines > 1 && word[0].length / lines < 6) found.push(`broken word: ${word[0].slice(0, 40)}`)
    }
    let scrolls = of
    while (scrolls && !['auto', 'scroll'].includes(getComputedStyle(scrolls).overflowX)) scrolls = scrolls.parentElement
    if ((!scrolls || scrolls.dataset.testid === 'stMain') && box.right > wide + 1)
      found.push(`beyond the edge: ${text.data.trim().slice(0, 60)}`)
  }
  return [...new Set(found)]
}"""


@pytest.mark.parametrize("language", ["en-GB", "nl-NL", "de-DE"])
def test_no_page_is_broken_on_a_phone(shop: str, browser: Browser, language: str) -> None:
    found: dict[str, list[str]] = {}
    with tab(browser, locale=language, viewport=PHONE) as page:
        for name, place in ADDRESSES.items():
            shown(page, f"{shop}/{place}")
            found[name] = page.evaluate(BROKEN)
            picture(page, f"narrow-{language}-{name.replace(' ', '-')}")

    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_what_waits_is_left_waiting_discarded_or_written_on_a_phone(shop: str, browser: Browser) -> None:
    with tab(browser, viewport=PHONE, color_scheme="dark") as page:
        shown(page, f"{shop}/phone")
        card = at_rest(page).locator("[class*=st-key-look-] button", has_text="Products")
        expect(page.get_by_text(re.compile(r"\d+ changes"))).to_be_visible()
        expect(page.get_by_text("Prices that change by more than")).to_be_visible()
        card.click()
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Products")
        asked = page.url
        button(page, "Leave it waiting")
        card.click()
        page.wait_for_url(asked)
        picture(page, "phone-plan")
        button(page, "Discard")
        at_rest(page).locator(".st-key-discard_now button").click()  # why may be left open
        expect(at_rest(page).get_by_text("This plan no longer waits.")).to_be_visible()
        button(page, "What waits")
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("On your phone")
        new_plan(page, shop, "products")
        shown(page, f"{shop}/phone?{urlsplit(page.url).query}")
        commit(page, re.compile(r"Commit [\d,.]+ change"))
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(DONE)
        assert page.evaluate(BROKEN) == []
        picture(page, "phone-done")
