"""Errors corrected in one of both systems: shown by cause, retried there, proven and closed."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from integration.cli.prices_demo import have_prices
from integration.sandbox.server import Sandbox
from integration.services.prices import BRANCH_CAUSE, CAUSE
from integration.services.runs.exceptions import group_address
from integration.settings import PictureSources
from tests.browser.conftest import DONE, at_rest, button, commit, connecting, new_plan, picture, serving, tab
from tests.browser.test_operators import wide
from tests.browser.test_repairs import AGAIN, Planted, Shop, commit_repair, repairing
from tests.consoles import open_application
from tests.people import make_actor
from tests.programs import books_access, till_access

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:Session-scoped fixtures defined as instance methods"),  # of a plugin
]

PNG, JPG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
MEGABYTES = 3
WHOLESALE = 3  # the price group of the till
PRODUCT = "BRO-0001"  # of the article that has a price in a branch
SECOND_LIST = "HOREC"  # of the books, in the same price group of the till
BRANCH = "2"
OFF_SALE = 11  # articles, one more than the brake lets through


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the pictures of the shop."""
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def planted_shop(systems: Sandbox, data: Path, folder: Path) -> Iterator[Planted]:
    """A shop that has run before, and then something of it goes wrong in both systems."""
    shop = Planted(systems)
    with ThreadPoolExecutor(1) as apart:  # in this one the browser has a loop of its own, under which no engine runs
        apart.submit(_run_and_plant, systems, data, folder, shop.told).result()
    pictures = {"CONSOLE_PICTURES__FOLDER": str(folder), "CONSOLE_PICTURES__MEGABYTES": str(MEGABYTES)}
    with serving(data, **connecting(systems), **pictures) as address:
        shop.address = address
        yield shop


def _run_and_plant(systems: Sandbox, data: Path, folder: Path, facts: dict[str, str]) -> None:
    places = PictureSources(folder=folder, megabytes=MEGABYTES)
    with open_application(
        data, accountview=books_access(systems), mplus=till_access(systems), pictures=places
    ) as application:
        shop = Shop(application, systems)
        for flow in ("products", "customers"):
            application.flows.change(flow, {"brakes": wide(flow)}, make_actor("test"))
        for flow in ("products", "customers"):
            shop.run(flow)
        _add_prices(shop, facts)
        have_prices(application)
        application.tables.save(
            "price_groups", {"GROOT": str(WHOLESALE), SECOND_LIST: str(WHOLESALE)}, make_actor("test")
        )
        for flow in ("products", "customers"):
            shop.run(flow)
        application.flows.change("products", {"picture_field": "K9_IMAGE"}, make_actor("test"))
        _spoil_pictures(shop, folder, facts)
        _spoil_prices(shop, facts)
        _spoil_customers(shop, facts)
        for flow in ("products", "customers"):
            shop.run(flow)
        _change_charged_price(shop, facts)


def _spoil_pictures(shop: Shop, folder: Path, facts: dict[str, str]) -> None:
    facts["large"], facts["broken"] = _single_article_products(shop)[-2:]
    for name, file, content in (
        ("large", "groot.jpg", JPG + bytes(MEGABYTES * 1_000_000)), ("broken", "kapot.png", b"no picture"),
    ):  # fmt: skip
        (folder / file).write_bytes(content)
        shop.sandbox.accountview.edit("ARTICLE", facts[name], {"K9_IMAGE": file})


def _single_article_products(shop: Shop) -> list[str]:
    """Return the articles of the books that are products by themselves at the till."""
    products = shop.sandbox.state("products", "mplus")
    codes = [product["articleList"][0].get("extArticleId") for product in products if len(product["articleList"]) == 1]
    return [str(code) for code in codes if code]


def _add_prices(shop: Shop, facts: dict[str, str]) -> None:
    """Give an article a price in a branch, and choose one that is to get prices on two lists."""
    facts["in branch"], facts["listed"] = _single_article_products(shop)[-4:-2]
    price_row = {"REC_ID": "P9000002", "ART_CODE": facts["in branch"], "K9_BRANCH": BRANCH, "K9_PX": "50.0000"}
    shop.sandbox.accountview.add("K9_PRICE", price_row)


def _article_number(shop: Shop, code: str) -> str:
    articles = shop.sandbox.state("articles", "mplus")
    return next(str(row["articleNumber"]) for row in articles if row.get("extArticleId") == code)


def _spoil_prices(shop: Shop, facts: dict[str, str]) -> None:
    rows, books = shop.sandbox.state("K9_PRICE"), shop.sandbox.accountview
    of_branch = next(row for row in rows if row.get("K9_BRANCH"))
    facts["range"] = str(of_branch["ART_CODE"])
    facts["number"] = _article_number(shop, facts["range"])
    shop.sandbox.till.edit("articles", facts["number"], {"priceDeviationMin": "1.00", "priceDeviationMax": "2.00"})
    books.edit("K9_PRICE", str(of_branch["REC_ID"]), {"K9_PX": "3000.0000"})
    facts["agreed"], facts["row"] = shop.debtor(6), "P9000001"
    price_row = {"REC_ID": facts["row"], "SUB_NR": facts["agreed"], "ART_CODE": "NIEUW", "K9_PX": "10.0000"}
    books.add("K9_PRICE", price_row)
    facts |= {"second": "P9000004", "below": shop.debtor(7), "negative": "P9000005"}
    of_article = {"ART_CODE": facts["listed"]}
    for row, values in (
        ("P9000003", {"K9_LIST": "GROOT", "K9_PX": "8.0000"}),
        (facts["second"], {"K9_LIST": SECOND_LIST, "K9_PX": "7.0000"}),
        (facts["negative"], {"SUB_NR": facts["below"], "K9_PX": "-5.0000"}),
    ):
        books.add("K9_PRICE", of_article | values | {"REC_ID": row})


def _spoil_customers(shop: Shop, facts: dict[str, str]) -> None:
    facts |= {"shared": "39101", "other": "39102", "taken": "39103"}
    debtor = {"ACCT_NR": "1300", "CNT_CODE": "NL", "CITY": "Ede"}
    shared, taken_email = "inkoop@gedeeld.example", "inkoop@bezet.example"
    for name, company, mail in (
        ("shared", "Gedeeld Noord B.V.", shared),
        ("other", "Gedeeld Zuid B.V.", shared),
        ("taken", "Bezet B.V.", taken_email),
    ):
        values = debtor | {"SUB_NR": facts[name], "ACCT_NAME": company, "MAIL_BUS": mail}
        shop.sandbox.accountview.add("CONTACT", values)
    facts["shared there"] = shop.till_client.customer("Gedeeld", shared)
    facts["taken there"] = shop.till_client.customer("Bezet", taken_email, extRelationId="ELDERS-1")


def _change_charged_price(shop: Shop, facts: dict[str, str]) -> None:
    """Let the till charge a cent for an article that the wholesalers have a price of, and let that be found."""
    article, (price,) = next(
        (str(row["articleNumber"]), row["priceGroupList"]["priceGroup"])
        for row in reversed(shop.sandbox.state("articles", "mplus"))  # far from the product that is put right elsewhere
        if len(row.get("priceGroupList", {}).get("priceGroup", ())) == 1
    )  # fmt: skip
    facts |= {"charged": article, "was": str(price["priceIncl"])}
    charge(shop.sandbox, article, 1)
    facts["there"] = _article_number(shop, facts["in branch"])
    (own,) = [
        deviation
        for deviation in shop.sandbox.state("deviations", "mplus")
        if str(deviation["articleNumber"]) == facts["there"]
    ]
    facts["was there"] = str(own["salesPriceIncl"])
    charge_there(shop.sandbox, facts["there"], "1.00")
    prices = shop.application.prices
    position = prices.page("")
    while position:
        position = prices.page(position)
    for name, flow, cause, field in (
        ("asked", "customers", CAUSE, article),
        ("asked there", "products", BRANCH_CAUSE, f"{facts['there']}:{BRANCH}"),
    ):
        groups = shop.application.exceptions.groups(flow)
        (group,) = [candidate for candidate in groups if (candidate.cause, candidate.field) == (cause, field)]
        facts[name] = group_address(group.group_key)


def charge(systems: Sandbox, number: str, cents: int) -> None:
    systems.till.edit("articles", number, {"priceGroupList": [{"priceGroupNumber": WHOLESALE, "priceIncl": cents}]})


def charge_there(systems: Sandbox, number: str, price: str) -> None:
    systems.till.edit(
        "deviations", number, {"articleNumber": number, "branchNumber": int(BRANCH), "salesPriceIncl": price}
    )


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with tab(browser) as opened_page:
        yield opened_page


def repair_cause(page: Page, planted: Planted, flow: str, find: str, says: str, repair: Callable[[], object]) -> None:
    """Read a cause, put it right where it comes from, and see it proven and gone from there."""
    repairing(page, planted, flow, find)
    expect(at_rest(page).get_by_text(re.compile(says)).first).to_be_visible()
    picture(page, f"repair-in-both-{find}")
    repair()
    button(page, AGAIN)
    commit_repair(page, planted, flow, find)


@pytest.mark.parametrize(
    ("name", "file", "says"),
    [("large", "groot.jpg", "is too large"), ("broken", "kapot.png", "is not a supported picture")],
)
def test_a_picture_is_put_right_and_sent(
    planted_shop: Planted, folder: Path, page: Page, name: str, file: str, says: str
) -> None:
    content = (JPG if file.endswith("jpg") else PNG) + name.encode()
    code = planted_shop.told[name]
    repair_cause(page, planted_shop, "products", code, says, lambda: (folder / file).write_bytes(content))


def test_a_price_outside_the_range_of_the_till_goes_once_the_range_is_wider(planted_shop: Planted, page: Page) -> None:
    wider = {"priceDeviationMin": "1.00", "priceDeviationMax": "5000.00"}
    repair_cause(
        page, planted_shop, "products", PRODUCT, "it allows 1.00 to 2.00",
        lambda: planted_shop.systems.till.edit("articles", planted_shop.told["number"], wider),
    )  # fmt: skip


def test_an_agreement_about_an_article_that_is_not_at_the_till_goes_once_it_is_about_another(
    planted_shop: Planted, page: Page
) -> None:
    article = {"ART_CODE": planted_shop.told["large"]}
    repair_cause(
        page, planted_shop, "customers", planted_shop.told["agreed"], "is about article NIEUW",
        lambda: planted_shop.systems.accountview.edit("K9_PRICE", planted_shop.told["row"], article),
    )  # fmt: skip


def test_a_price_that_the_till_charges_otherwise_is_asked_again_once_it_is_right(
    planted_shop: Planted, page: Page
) -> None:
    page.goto(f"{planted_shop.address}/exceptions?cause={planted_shop.told['asked']}", wait_until="commit")
    expect(at_rest(page).get_by_text(re.compile("pays .*0[.]01 for")).first).to_be_visible()
    button(page, "Check MplusKASSA again")
    expect(page.get_by_text("MplusKASSA still charges another price.")).to_be_visible()
    picture(page, "repair-in-both-charged")
    charge(planted_shop.systems, planted_shop.told["charged"], int(planted_shop.told["was"]))
    button(page, "Check MplusKASSA again")
    expect(page.get_by_text("The cause is closed.")).to_be_visible()


def test_what_a_branch_charges_otherwise_is_asked_again_once_it_is_right(planted_shop: Planted, page: Page) -> None:
    page.goto(f"{planted_shop.address}/exceptions?cause={planted_shop.told['asked there']}", wait_until="commit")
    expect(at_rest(page).get_by_text(re.compile("Branch 2.* of MplusKASSA charges .*1[.]00")).first).to_be_visible()
    button(page, "Check MplusKASSA again")
    expect(page.get_by_text("MplusKASSA still charges another price.")).to_be_visible()
    picture(page, "repair-in-both-in-branch")
    charge_there(planted_shop.systems, planted_shop.told["there"], planted_shop.told["was there"])
    button(page, "Check MplusKASSA again")
    expect(page.get_by_text("The cause is closed.")).to_be_visible()


def test_two_prices_that_are_one_at_the_till_go_once_they_are_the_same(planted_shop: Planted, page: Page) -> None:
    same = {"K9_PX": "8.0000"}
    repair_cause(
        page, planted_shop, "products", planted_shop.told["listed"], "two different prices in AccountView",
        lambda: planted_shop.systems.accountview.edit("K9_PRICE", planted_shop.told["second"], same),
    )  # fmt: skip


def test_a_price_below_nothing_goes_once_it_is_one_that_can_be_charged(planted_shop: Planted, page: Page) -> None:
    row, payable = planted_shop.told["negative"], {"K9_PX": "5.0000"}
    repair_cause(
        page, planted_shop, "customers", planted_shop.told["below"], "is not possible: -5[.]00",
        lambda: planted_shop.systems.accountview.edit("K9_PRICE", row, payable),
    )  # fmt: skip


@pytest.mark.parametrize(("name", "says"), [("shared", "other customers have the same"), ("taken", "ELDERS-1")])
def test_who_a_customer_is_at_the_till_is_chosen(planted_shop: Planted, page: Page, name: str, says: str) -> None:
    debtor = planted_shop.told[name]
    repairing(page, planted_shop, "customers", debtor)
    expect(at_rest(page).get_by_text(re.compile(says)).first).to_be_visible()
    picture(page, f"repair-in-both-{name}")
    relation_number = planted_shop.told[f"{name} there"]
    at_rest(page).get_by_role("radiogroup").get_by_text(re.compile(f"^{relation_number} · ")).click()
    button(page, "Link and preview 1 customer")
    commit_repair(page, planted_shop, "customers", debtor)


def test_many_articles_go_off_sale_only_where_a_person_says_how_many(planted_shop: Planted, page: Page) -> None:
    rows = planted_shop.systems.state("articles", "mplus")
    articles = [str(row["extArticleId"]) for row in rows if row.get("extArticleId") and row.get("active")][:OFF_SALE]
    for code in articles:
        planted_shop.systems.accountview.edit("ARTICLE", code, {"REC_BLK": True})
    new_plan(page, planted_shop.address, "products", "Full comparison")
    expect(at_rest(page).get_by_text(re.compile("would take many articles off sale")).first).to_be_visible()
    picture(page, "repair-in-both-off-sale")
    commit(page, re.compile(r"Commit [\d,.]+ change"))
    expect(at_rest(page).get_by_role("heading", level=1)).to_contain_text(DONE)
    rows = planted_shop.systems.state("articles", "mplus")
    assert not [row for row in rows if row.get("extArticleId") in articles and row.get("active")]
