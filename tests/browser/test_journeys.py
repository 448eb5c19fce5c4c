"""Events around a commit in a real browser: an edit meanwhile, a closed tab, a colleague who watches."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect

from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox, running
from tests.browser.conftest import DONE, at_rest, connecting, new_plan, picture, serving, tab
from tests.browser.conftest import commit as press_commit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]
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
    """Return the number of written changes in the progress on screen."""
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
