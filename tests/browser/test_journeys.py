"""Events around a commit in a real browser: an edit meanwhile, a closed tab, a colleague who watches."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, Position, expect

from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox, running
from tests.browser.conftest import DONE, at_rest, connecting, new_plan, picture, serving, tab
from tests.browser.conftest import commit as press_commit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

TICK: Position = {"x": 16, "y": 51}  # of the first line of a table
COMMIT = re.compile(r"Commit [\d,]+ changes? to MplusKASSA")


@pytest.fixture(scope="module")
def systems() -> Iterator[Sandbox]:
    """Both systems on addresses of their own, within reach of the tests."""
    with running(articles=400) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def journey_console(systems: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a console with both systems connected."""
    with serving(tmp_path_factory.mktemp("console"), **connecting(systems)) as address:
        yield address


@pytest.fixture
def colleague(browser: Browser) -> Iterator[Page]:
    """The browser of another person."""
    with tab(browser) as page:
        yield page


def dearer(systems: Sandbox, codes: Sequence[str], by: str) -> None:
    """Raise some prices in the books, by too little to trip a brake."""
    rows = {str(row["ART_CODE"]): row for row in systems.state("ARTICLE")}
    for code in codes:
        systems.accountview.edit("ARTICLE", code, {"PX_SELL": Decimal(str(rows[code]["PX_SELL"])) + Decimal(by)})


def till_article_codes(systems: Sandbox) -> list[str]:
    """Return the articles that are products of their own at the till and for sale, by their codes."""
    products = systems.state("products", "mplus")
    alone = {
        str(product["articleList"][0]["articleNumber"]) for product in products if len(product["articleList"]) == 1
    }
    return [code for row in systems.state("ARTICLE") if (code := str(row["ART_CODE"])) in alone and row["PX_SELL"]]


def preview_products(page: Page, console: str) -> str:
    """Make a preview of products, wait for it, and return the address of the plan."""
    new_plan(page, console, "products")
    expect(at_rest(page).get_by_text("Nothing has been written yet.").last).to_be_visible()
    return page.url


def commit(page: Page) -> None:
    """Commit the plan on screen and wait for its run."""
    press_commit(page, COMMIT)
    expect(page).to_have_url(re.compile(r"/runs\?run="))


def written_count(page: Page) -> int:
    """Return how many changes the progress on screen says are written."""
    progress = page.get_by_text(re.compile(r"[\d,]+ of [\d,]+ changes written")).first
    expect(progress).to_be_visible()
    match = re.search(r"([\d,]+) of", progress.inner_text())
    return int(match[1].replace(",", "")) if match else 0


@pytest.mark.long
def test_a_commit_goes_on_when_its_tab_is_closed(journey_console: str, browser: Browser, systems: Sandbox) -> None:
    with systems.switches.armed(Fault.DELAY, system="mplus", operation="createProduct*", times=None, seconds=0.3):
        with tab(browser) as page:
            preview_products(page, journey_console)
            commit(page)
            run = page.url
            before = written_count(page)
            picture(page, "journey-closing-the-tab")
        writes = systems.ledger.counts()["writes"]

    with tab(browser) as later:
        later.goto(run, wait_until="commit")

        expect(at_rest(later).get_by_role("heading", level=1)).to_contain_text(DONE)
        expect(at_rest(later).get_by_text("Nothing lost: difference 0.")).to_be_visible()
        assert systems.ledger.counts()["writes"] > max(before, writes)  # it had not been over when the tab was closed
        picture(later, "journey-done-without-a-tab")


@pytest.mark.long
def test_a_price_edited_at_the_till_meanwhile_is_refused_and_the_others_are_proven(
    journey_console: str, page: Page, systems: Sandbox
) -> None:
    codes = till_article_codes(systems)[5:9]
    dearer(systems, codes, "0.10")
    preview_products(page, journey_console)
    expect(at_rest(page).get_by_role("button", name=COMMIT)).to_contain_text("Commit 4 changes")
    systems.till.edit("articles", codes[1], {"priceIncl": 4321})

    commit(page)

    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(DONE)
    page.goto(f"{page.url}&show=parked&cause=target_changed_since_plan", wait_until="commit")
    expect(at_rest(page).get_by_text(re.compile("was changed in MplusKASSA after the plan")).first).to_be_visible()
    expect(at_rest(page).get_by_role("radio", name=re.compile(r"Proven\s*3"))).to_be_visible()
    picture(page, "journey-edited-meanwhile")
    prices = {str(row["articleNumber"]): int(row["priceIncl"]) for row in systems.state("articles", "mplus")}
    assert prices[codes[1]] == 4321


@pytest.mark.long
def test_a_colleague_sees_the_same_plan_its_progress_and_its_result(
    journey_console: str, colleague: Page, page: Page, systems: Sandbox
) -> None:
    dearer(systems, till_article_codes(systems)[10:], "0.20")
    plan = preview_products(page, journey_console)
    colleague.goto(plan, wait_until="commit")
    expect(at_rest(colleague).get_by_role("button", name=COMMIT)).to_be_visible()
    count_pattern = re.compile(r"\d+ of \d+ changes chosen")
    chosen = [at_rest(window).get_by_text(count_pattern).inner_text() for window in (page, colleague)]
    assert chosen[0] == chosen[1]

    with systems.switches.armed(Fault.DELAY, system="mplus", operation="updateProduct", times=None, seconds=0.5):
        commit(page)
        first = written_count(colleague)
        expect(colleague.get_by_role("button", name=COMMIT)).to_have_count(0)
        expect(colleague.get_by_role("button", name="Open the run").first).to_be_visible()
        grown = colleague.get_by_text(re.compile(rf"(?!{first:,} )[\d,]+ of [\d,]+ changes written"))
        expect(grown.first).to_be_visible()
        picture(colleague, "journey-colleague-progress")

    expect(at_rest(colleague).get_by_role("heading", level=1)).to_contain_text(DONE)
    proven = re.compile("read back from MplusKASSA and equal to the plan")
    expect(at_rest(colleague).get_by_text(proven).first).to_be_visible()
    picture(colleague, "journey-colleague-result")


@pytest.mark.long
def test_what_one_leaves_out_stays_so_for_both_wherever_they_look(
    journey_console: str, colleague: Page, page: Page, systems: Sandbox
) -> None:
    codes = till_article_codes(systems)[20:24]
    dearer(systems, codes, "0.15")
    plan = preview_products(page, journey_console)
    expect(at_rest(page).get_by_role("button", name=COMMIT)).to_contain_text("Commit 4 changes")
    colleague.goto(f"{plan}&show=all", wait_until="commit")
    expect(at_rest(colleague).get_by_role("button", name=COMMIT)).to_contain_text("Commit 4 changes")

    page.get_by_test_id("stDataFrame").first.click(position=TICK)

    three = re.compile("Commit 3 changes")
    for window in (page, colleague):
        expect(window.get_by_role("button", name=COMMIT)).to_contain_text(three)
    for show in ("Skip", "Update"):
        at_rest(page).get_by_role("radio", name=re.compile(show)).first.click()
        expect(at_rest(page).get_by_role("button", name=COMMIT)).to_contain_text(three)
    page.goto(f"{plan}&show=update", wait_until="commit")
    expect(at_rest(page).get_by_role("button", name=COMMIT)).to_contain_text(three)
    page.get_by_test_id("stDataFrame").first.click(position={**TICK, "y": TICK["y"] + 34})
    expect(at_rest(colleague).get_by_role("button", name=COMMIT)).to_contain_text("Commit 2 changes")
    picture(colleague, "journey-left-out-by-a-colleague")

    commit(page)

    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(DONE)
    expect(at_rest(page).get_by_role("radio", name=re.compile(r"Proven\s*2"))).to_be_visible()
