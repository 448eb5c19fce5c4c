"""The console on a phone, a small screen and a desktop: every page in its languages, and input on a phone."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from tests.browser.conftest import (
    ADDRESSES,
    DONE,
    PICTURES,
    SETTLE,
    at_rest,
    button,
    commit,
    new_plan,
    picture,
    show_page,
    tab,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

PHONE: ViewportSize = {"width": 390, "height": 844}
SCREENS: list[ViewportSize] = [PHONE, {"width": 1024, "height": 768}, {"width": 1440, "height": 900}]
RESIZE = 350  # milliseconds that the menu takes to give way
EMPTY = 60  # pixels of a column that nothing in it needs
# What a table draws of its cells, by column: how wide that is and how wide its text; tables are pictures, not text.
NOTE_CELLS = """(() => {
  const pen = CanvasRenderingContext2D.prototype, states = new WeakMap(), drawing = new Set()
  const before = (name, note) => {
    const drawn = pen[name]
    pen[name] = function (...given) {
      if (!states.has(this)) states.set(this, { saved: [], rects: [], clip: null })
      note(states.get(this), given, this)
      return drawn.apply(this, given)
    }
  }
  before('save', (state) => state.saved.push(state.clip))
  before('restore', (state) => { state.clip = state.saved.pop() ?? null })
  before('beginPath', (state) => { state.rects = [] })
  before('rect', (state, given) => state.rects.push(given))
  before('clip', (state) => { if (state.rects.length === 1) state.clip = state.rects[0] })
  before('fillText', (state, [text, x], on) => {
    if (!state.clip) return
    const [left, , width] = state.clip.map(Math.round), long = on.measureText(text).width
    const needs = Math.round((on.textAlign === 'right' ? x - long : x) - left + long)
    if (!drawing.has(on.canvas)) {
      on.canvas.columns = {} // each time it is drawn
      drawing.add(on.canvas)
      queueMicrotask(() => drawing.delete(on.canvas))
    }
    const column = on.canvas.columns[`${left} ${width}`] ??= { width, needs: 0, text }
    if (needs > column.needs) Object.assign(column, { needs, text })
  })
})()"""
# Cells that are cut beside a column that is wider than what stands in it.
CUT = """(empty) => [...document.querySelectorAll('canvas')].flatMap((one) => {
  const columns = Object.values(one.columns ?? {}).filter((column) => column.width > 0)
  const wide = columns.find((column) => column.width - column.needs > empty)
  return columns.filter((column) => wide && column.needs > column.width)
    .map((column) => `cut: ${column.text.slice(0, 60)}, beside ${wide.text.slice(0, 30)}`)
})"""
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
    if ((!scrolls || ['stMain', 'stHorizontalBlock'].includes(scrolls.dataset.testid)) && box.right > wide + 1)
      found.push(`beyond the edge: ${text.data.trim().slice(0, 60)}`)
  }
  return [...new Set(found)]
}"""


@pytest.mark.parametrize("language", ["en-GB", "nl-NL", "de-DE"])
def test_every_page_has_room_for_what_it_says_on_each_screen(shop: str, browser: Browser, language: str) -> None:
    problems: dict[str, list[str]] = {}
    PICTURES.mkdir(exist_ok=True)
    with tab(browser, locale=language) as page:
        page.add_init_script(NOTE_CELLS)
        for name, place in ADDRESSES.items():
            show_page(page, f"{shop}/{place}")
            page.wait_for_timeout(SETTLE)
            for screen in SCREENS:
                page.set_viewport_size(screen)
                page.wait_for_timeout(RESIZE)
                page.screenshot(path=PICTURES / f"{screen['width']}-{language}-{name.replace(' ', '-')}.png")
                wrong = [*page.evaluate(BROKEN), *page.evaluate(CUT, EMPTY)]
                problems[f"{name} at {screen['width']}"] = wrong

    assert {name: wrong for name, wrong in problems.items() if wrong} == {}


def test_what_waits_is_left_waiting_discarded_or_written_on_a_phone(shop: str, browser: Browser) -> None:
    with tab(browser, viewport=PHONE, color_scheme="dark") as page:
        show_page(page, f"{shop}/phone")
        card = at_rest(page).locator("[class*=st-key-look-] button")
        expect(page.get_by_text(re.compile(r"Products · \d+ changes"))).to_be_visible()
        expect(page.get_by_text("Prices that change by more than")).to_be_visible()
        card.click()
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Products")
        address = page.url
        button(page, "Leave it waiting")
        card.click()
        page.wait_for_url(address)
        picture(page, "phone-plan")
        button(page, "Discard")
        at_rest(page).locator(".st-key-discard_now button").click()  # why may be left open
        expect(at_rest(page).get_by_text("This plan no longer waits.")).to_be_visible()
        button(page, "Waiting plans")
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text("Approvals")
        new_plan(page, shop, "products")
        show_page(page, f"{shop}/phone?{urlsplit(page.url).query}")
        commit(page, re.compile(r"Commit [\d,.]+ change"))
        expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(DONE)
        assert page.evaluate(BROKEN) == []
        picture(page, "phone-done")
