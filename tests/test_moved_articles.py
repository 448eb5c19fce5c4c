"""Articles whose number or whose product becomes another one in the books, while the till has them already.

Each story has a shop of its own, whose articles have been brought to the till once.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from integration.core.plan_lines import PlanRow
from integration.core.records import Kind
from integration.core.run import Mode, Run
from tests.builders import a_create, a_part, a_product
from tests.consoles import WHO, Console, open_application
from tests.fakes import Links as NoLinks
from tests.people import make_actor
from tests.stores import stores_in

STYLES = 3  # the fewest whole styles these stories need


@pytest.fixture(scope="module")
def data_with_articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a console whose sandbox has its articles at the till."""
    folder = tmp_path_factory.mktemp("brought")
    with open_application(folder, sandbox=True) as application:
        Console(application).run("products")
    return folder


@pytest.fixture
def console(data_with_articles: Path, tmp_path: Path) -> Iterator[Console]:
    """The operator of a console with articles, on a separate copy of its data."""
    copy = shutil.copytree(data_with_articles, tmp_path / "copy")
    with open_application(copy, sandbox=True) as application:
        yield Console(application)


@pytest.fixture
def new_console(tmp_path: Path) -> Iterator[Console]:
    """The operator of a console before anything was sent."""
    with open_application(tmp_path / "new", sandbox=True) as application:
        yield Console(application)


def set_products(console: Console, **values: Any) -> None:
    console.application.flows.change("products", values, make_actor(WHO))


def products_by_article(console: Console) -> dict[str, str]:
    """Return the product number at the till by article code; no code may occur twice."""
    rows = [
        (str(article["extArticleId"]), str(product["productNumber"]))
        for product in console.sandbox.state("products", "mplus")
        for article in product["articleList"]
        if article.get("extArticleId")
    ]
    assert [code for code, times in Counter(code for code, _ in rows).items() if times > 1] == []
    return dict(rows)


def names(console: Console) -> dict[str, str]:
    """Return the descriptions of the products at the till, by product number."""
    return {str(row["productNumber"]): row["description"] for row in console.sandbox.state("products", "mplus")}


def parked_rows(console: Console, run: Run, cause: str) -> dict[str, PlanRow]:
    return {key: row for key, row in console.lines(run).items() if row.cause == cause}


def newly_parked(console: Console, run: Run, before: set[str]) -> list[str]:
    """Return the articles that a plan parks in another product, without those that were parked `before`."""
    return [key for key in parked_rows(console, run, "article_in_other_product") if key not in before]


def changed_rows(console: Console, run: Run) -> dict[str, PlanRow]:
    return {key: row for key, row in console.lines(run).items() if row.change}


def styles(console: Console) -> dict[str, list[str]]:
    """Return the codes of each style whose articles are all at the till, in one product."""
    codes_by_parent: dict[str, list[str]] = {}
    for row in console.sandbox.state("ARTICLE"):
        if row.get("K9_PARENT"):
            codes_by_parent.setdefault(row["K9_PARENT"], []).append(row["ART_CODE"])
    till_products = products_by_article(console)
    places = {
        parent: {till_products.get(code) for code in codes}
        for parent, codes in codes_by_parent.items()
        if len(codes) > 1
    }
    whole = {
        parent: codes_by_parent[parent]
        for parent, products in places.items()
        if len(products) == 1 and None not in products
    }
    assert len(whole) >= STYLES
    return whole


def simple(console: Console) -> list[str]:
    till_products = products_by_article(console)
    return [
        row["ART_CODE"]
        for row in console.sandbox.state("ARTICLE")
        if not row.get("K9_PARENT") and row["ART_CODE"] in till_products
    ]


def regroup(console: Console, parent: str, *codes: str) -> None:
    for code in codes:
        console.sandbox.accountview.edit("ARTICLE", code, {"K9_PARENT": parent})


def reprice(console: Console, *codes: str) -> None:
    for code in codes:
        console.sandbox.accountview.edit("ARTICLE", code, {"PX_SELL": 41})


# ---- another number


def test_an_article_keeps_its_number_whatever_the_sku_rule_says_now_and_the_rule_is_for_new_ones(
    console: Console,
) -> None:
    before = products_by_article(console)
    links = stores_in(console.application).links.get("products", Kind.ARTICLE, list(before))
    row = next(row for row in console.sandbox.state("ARTICLE") if row["ART_CODE"] in simple(console))
    new: dict[str, Any] = {name: row[name] for name in ("ART_DESC1", "VAT_CODE", "PX_SELL", "ART_GRP") if name in row}
    console.sandbox.accountview.add("ARTICLE", {**new, "ART_CODE": "NIEUW-1"})
    reprice(console, simple(console)[0])
    set_products(console, sku_rule="allotted")
    plan = console.preview("products")

    assert not parked_rows(console, plan, "article_number_changed")
    assert plan.position.watched["older_number"] == sum(code in links for code in before)
    assert {row.key for row in changed_rows(console, plan).values()} >= {"NIEUW-1", simple(console)[0]}

    console.commit(plan)
    after = products_by_article(console)

    assert {code: after[code] for code in before} == before
    now = stores_in(console.application).links.get("products", Kind.ARTICLE, [*before, "NIEUW-1"])
    assert {code: now[code].reference for code in links} == {code: link.reference for code, link in links.items()}
    assert int(now["NIEUW-1"].reference) >= 100_000
    second_plan = console.preview("products")
    assert not changed_rows(console, second_plan)
    assert second_plan.position.watched["older_number"] == len(links)


@pytest.mark.long
def test_the_level_of_an_article_goes_to_its_remaining_number(console: Console) -> None:
    branches = {"branches": {"1": "stock"}}
    console.application.flows.change("stock", branches, make_actor(WHO))
    plan = console.preview("stock")
    numbers = {
        key: row.change.desired.values.get("number") for key, row in changed_rows(console, plan).items() if row.change
    }
    set_products(console, sku_rule="allotted")
    later = console.preview("stock")
    assert numbers
    assert {
        key: row.change.desired.values.get("number") for key, row in changed_rows(console, later).items() if row.change
    } == numbers


# ---- another product


@pytest.mark.long
def test_a_parent_field_set_later_parks_what_sits_apart_and_plans_it_once(new_console: Console) -> None:
    set_products(new_console, parent_field="")
    new_console.run("products")
    before = products_by_article(new_console)
    set_products(new_console, parent_field="parent")
    plan = new_console.preview("products")
    waiting = parked_rows(new_console, plan, "article_in_other_product")
    run = new_console.commit(plan)

    assert len(waiting) >= STYLES
    assert {row.facts["product"].partition(" ")[0] for row in waiting.values()} == {before[code] for code in waiting}
    assert run.counts.proven == plan.counts.planned
    assert not parked_rows(new_console, run, "article_number_taken")
    assert products_by_article(new_console) == before

    second_plan = new_console.preview("products")

    assert not changed_rows(new_console, second_plan)
    assert parked_rows(new_console, second_plan, "article_in_other_product").keys() == waiting.keys()


@pytest.mark.parametrize("mode", [Mode.CHANGES, pytest.param(Mode.COMPLETE, marks=pytest.mark.long)])
def test_an_article_with_another_parent_waits_alone(console: Console, mode: Mode) -> None:
    (old, (moved, *siblings)), (new, others) = list(styles(console).items())[:2]
    till_products, before = products_by_article(console), console.waits("products", "article_in_other_product")
    names_before = names(console)
    regroup(console, new, moved)
    reprice(console, siblings[0], others[0])
    plan = console.preview("products", mode=mode)
    waiting = parked_rows(console, plan, "article_in_other_product")
    row = waiting[moved]

    assert waiting.keys() - before == {moved}
    assert row.weight == 1
    assert row.facts["product"].partition(" ")[0] == till_products[moved]
    assert {old, new} <= changed_rows(console, plan).keys()

    console.commit(plan)

    assert (products_by_article(console), names(console)) == (till_products, names_before)
    second_plan = console.preview("products")
    assert not changed_rows(console, second_plan)
    assert parked_rows(console, second_plan, "article_in_other_product").keys() == before | {moved}


def test_an_article_that_leaves_for_a_new_parent_does_not_take_its_product_along(console: Console) -> None:
    (moved, *_) = next(iter(styles(console).values()))
    till_products, before = products_by_article(console), console.waits("products", "article_in_other_product")
    names_before = names(console)
    regroup(console, "NIEUW", moved)
    plan = console.preview("products", mode=Mode.CHANGES)

    assert newly_parked(console, plan, before) == [moved]
    assert not changed_rows(console, plan)

    regroup(console, "", moved)
    alone = console.preview("products", mode=Mode.CHANGES)

    assert newly_parked(console, alone, before) == [moved]
    assert not changed_rows(console, alone)
    assert products_by_article(console) == till_products
    assert names(console) == names_before


@pytest.mark.long
def test_of_two_articles_that_get_a_new_parent_one_waits(console: Console) -> None:
    pair = sorted(simple(console)[:2], key=lambda code: int(products_by_article(console)[code]))
    before = console.waits("products", "article_in_other_product")
    for code, colour in zip(pair, ("rood", "blauw"), strict=True):
        console.sandbox.accountview.edit("ARTICLE", code, {"K9_PARENT": "NIEUW", "K9_COLOUR": colour})
    plan = console.preview("products", mode=Mode.CHANGES)

    assert newly_parked(console, plan, before) == pair[1:]
    assert list(changed_rows(console, plan)) == ["NIEUW"]

    console.commit(plan)

    assert not changed_rows(console, console.preview("products"))


def test_a_parent_with_another_code_keeps_its_product(console: Console) -> None:
    codes = next(iter(styles(console).values()))
    till_products, before = products_by_article(console), console.waits("products", "article_in_other_product")
    regroup(console, "ANDERS", *codes)
    reprice(console, codes[0])
    plan = console.preview("products", mode=Mode.CHANGES)

    assert not newly_parked(console, plan, before)
    assert list(changed_rows(console, plan)) == ["ANDERS"]

    console.commit(plan)

    assert products_by_article(console) == till_products
    assert not changed_rows(console, console.preview("products"))


# ---- blocked in the books


@pytest.mark.parametrize(
    ("setting", "for_sale"), [("off_sale", False), pytest.param("skip", True, marks=pytest.mark.long)]
)
def test_what_is_blocked_in_the_books_is_not_for_sale_at_the_till_until_it_is_unblocked(
    console: Console, setting: str, for_sale: bool
) -> None:
    code = simple(console)[0]
    set_products(console, blocked=setting)
    assert is_for_sale(console, code)
    console.sandbox.accountview.edit("ARTICLE", code, {"REC_BLK": True})
    console.run("products", mode=Mode.CHANGES)
    assert is_for_sale(console, code) is for_sale
    assert not changed_rows(console, console.preview("products"))

    console.sandbox.accountview.edit("ARTICLE", code, {"REC_BLK": False})
    console.run("products", mode=Mode.CHANGES)
    assert is_for_sale(console, code)


@pytest.mark.long
def test_what_is_blocked_and_cannot_be_mapped_goes_off_sale_and_is_not_parked(console: Console) -> None:
    code = simple(console)[1]
    name = next(row["ART_DESC1"] for row in console.sandbox.state("ARTICLE") if row["ART_CODE"] == code)
    console.sandbox.accountview.edit("ARTICLE", code, {"REC_BLK": True, "ART_DESC1": ""})
    run = console.run("products", mode=Mode.CHANGES)
    assert not parked_rows(console, run, "required_field_empty")
    assert not is_for_sale(console, code)

    console.sandbox.accountview.edit("ARTICLE", code, {"REC_BLK": False, "ART_DESC1": name})
    console.run("products", mode=Mode.CHANGES)
    assert is_for_sale(console, code)


@pytest.mark.long
def test_what_is_blocked_and_was_never_at_the_till_stays_out_of_it(console: Console) -> None:
    console.sandbox.accountview.add("ARTICLE", {"ART_CODE": "900900", "ART_DESC1": "Nieuw", "REC_BLK": True})
    console.run("products", mode=Mode.CHANGES)
    assert "900900" not in products_by_article(console)


@pytest.mark.long
def test_what_is_blocked_and_was_entered_at_the_till_by_hand_goes_off_sale(console: Console) -> None:
    by_hand = a_create(a_product("Bel", (a_part("900901"),)))
    console.application.access.connector("mplus").write(by_hand, None, NoLinks(), "by hand")
    console.sandbox.accountview.add("ARTICLE", {"ART_CODE": "900901", "ART_DESC1": "Bel", "REC_BLK": True})
    plan = console.preview("products", mode=Mode.CHANGES)
    row = next(row for row in changed_rows(console, plan).values() if row.key == "900901")
    assert row.change is not None
    assert row.change.desired.flat() == {"900901/active": False}
    console.commit(plan)
    rows = console.sandbox.state("articles", "mplus")
    assert [row["active"] for row in rows if str(row["articleNumber"]) == "900901"] == [False]


def is_for_sale(console: Console, code: str) -> bool:
    rows = console.sandbox.state("articles", "mplus")
    return next(bool(row["active"]) for row in rows if row.get("extArticleId") == code)


# ---- what the logic is made of


@pytest.mark.long
def raise_rate(console: Console) -> None:
    """Change the percentage of a VAT code in the books, and reconnect."""
    row = next(row for row in console.sandbox.state("VAT") if row["VAT_CODE"] == "3")
    console.sandbox.accountview.edit("VAT", str(row.get("REC_ID") or row["VAT_CODE"]), {"VAT_PCT": 1})
    console.application.access.reconnect("accountview")


@pytest.mark.long
def test_what_changes_what_should_be_makes_the_next_run_of_changes_read_everything(console: Console) -> None:
    application = console.application
    console.run("products", mode=Mode.CHANGES)
    assert console.run("products", mode=Mode.CHANGES).mode is Mode.CHANGES
    set_products(console, schedule_minutes=7)
    assert console.run("products", mode=Mode.CHANGES).mode is Mode.CHANGES
    rules = stores_in(application).rules
    changes = {
        "settings": partial(set_products, console, zero_price="park"),
        "tables": partial(rules.add_row, "vat_codes", "9", "1", WHO),
        "names": partial(application.names.put, {"debtor.phone": ""}, make_actor(WHO)),
        "rates": partial(raise_rate, console),
    }
    for name, change in changes.items():
        change()
        run = console.run("products", mode=Mode.CHANGES)
        assert (run.mode, run.notes.get("all_for")) == (Mode.COMPLETE, name)
        assert console.run("products", mode=Mode.CHANGES).mode is Mode.CHANGES
