"""Articles whose number or whose product becomes another one in the books, while the till has them already.

Each story has a shop of its own, whose articles have been brought to the till once.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.core.records import Kind
from integration.core.run import Mode, PlanRow, Run
from tests.consoles import WHO, Console, opened
from tests.stores import stores_in

STYLES = 3  # the fewest whole styles these stories need


@pytest.fixture(scope="module")
def brought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a console on a fresh sandbox keeps once its articles are at the till."""
    folder = tmp_path_factory.mktemp("brought")
    with opened(folder, sandbox=True) as application:
        Console(application).run("products")
    return folder


@pytest.fixture
def console(brought: Path, tmp_path: Path) -> Iterator[Console]:
    """The operator of such a console, on a copy of one's own."""
    copy = shutil.copytree(brought, tmp_path / "copy")
    with opened(copy, sandbox=True) as application:
        yield Console(application)


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Console]:
    """The operator of a console before anything was sent."""
    with opened(tmp_path / "new", sandbox=True) as application:
        yield Console(application)


def set_products(console: Console, **values: Any) -> None:
    console.application.flows.change("products", values, WHO)


def at_the_till(console: Console) -> dict[str, str]:
    """Return where the till has each code: the number of the product; no code is there twice."""
    rows = [
        (str(article["extArticleId"]), str(product["productNumber"]))
        for product in console.sandbox.state("products", "mplus")
        for article in product["articleList"]
        if article.get("extArticleId")
    ]
    assert [code for code, times in Counter(code for code, _ in rows).items() if times > 1] == []
    return dict(rows)


def names(console: Console) -> dict[str, str]:
    """Return what the products of the till are called."""
    return {str(row["productNumber"]): row["description"] for row in console.sandbox.state("products", "mplus")}


def parked(console: Console, run: Run, cause: str) -> dict[str, PlanRow]:
    return {key: row for key, row in console.lines(run).items() if row.cause == cause}


def changed(console: Console, run: Run) -> dict[str, PlanRow]:
    return {key: row for key, row in console.lines(run).items() if row.change}


def styles(console: Console) -> dict[str, list[str]]:
    """Return the codes of each style whose articles are all at the till, in one product."""
    found: dict[str, list[str]] = {}
    for row in console.sandbox.state("ARTICLE"):
        if row.get("K9_PARENT"):
            found.setdefault(row["K9_PARENT"], []).append(row["ART_CODE"])
    there = at_the_till(console)
    places = {parent: {there.get(code) for code in codes} for parent, codes in found.items() if len(codes) > 1}
    whole = {
        parent: found[parent] for parent, products in places.items() if len(products) == 1 and None not in products
    }
    assert len(whole) >= STYLES
    return whole


def simple(console: Console) -> list[str]:
    there = at_the_till(console)
    return [
        row["ART_CODE"]
        for row in console.sandbox.state("ARTICLE")
        if not row.get("K9_PARENT") and row["ART_CODE"] in there
    ]


def regroup(console: Console, parent: str, *codes: str) -> None:
    for code in codes:
        console.sandbox.accountview.edit("ARTICLE", code, {"K9_PARENT": parent})


def reprice(console: Console, *codes: str) -> None:
    for code in codes:
        console.sandbox.accountview.edit("ARTICLE", code, {"PX_SELL": 41})


# ---- another number


def test_another_sku_rule_doubles_no_article_and_lets_the_others_go_on(console: Console) -> None:
    before = at_the_till(console)
    numbers = {
        row.reference
        for row in stores_in(console.application).links.get("products", Kind.ARTICLE, list(before)).values()
    }
    set_products(console, sku_rule="allotted")
    plan = console.preview("products")
    waiting = parked(console, plan, "article_number_changed")

    assert len(waiting) > 20
    assert waiting.keys() <= before.keys()
    assert {row.facts["held"] for row in waiting.values()} <= numbers
    assert not {source for row in changed(console, plan).values() if row.change for source in row.change.sources} & set(
        before
    )

    console.commit(plan)
    after = at_the_till(console)

    assert {code: after[code] for code in before} == before
    assert not changed(console, console.preview("products"))


def test_the_sku_rule_set_back_leaves_nothing_to_do(console: Console) -> None:
    set_products(console, sku_rule="allotted")
    console.preview("products")
    assert console.waits("products", "article_number_changed")
    set_products(console, sku_rule="code")
    again = console.preview("products")

    assert not changed(console, again)
    assert not console.waits("products", "article_number_changed")


# ---- another product


def test_a_parent_field_set_later_parks_what_sits_apart_and_plans_it_once(new: Console) -> None:
    set_products(new, parent_field="")
    new.run("products")
    before = at_the_till(new)
    set_products(new, parent_field="parent")
    plan = new.preview("products")
    waiting = parked(new, plan, "article_in_other_product")
    done = new.commit(plan)

    assert len(waiting) >= STYLES
    assert {row.facts["product"].partition(" ")[0] for row in waiting.values()} == {before[code] for code in waiting}
    assert done.counts.proven == plan.counts.planned
    assert not parked(new, done, "article_number_taken")
    assert at_the_till(new) == before

    again = new.preview("products")

    assert not changed(new, again)
    assert parked(new, again, "article_in_other_product").keys() == waiting.keys()


@pytest.mark.parametrize("mode", [Mode.COMPLETE, Mode.CHANGES])
def test_an_article_with_another_parent_waits_alone(console: Console, mode: Mode) -> None:
    (old, (moved, *left)), (new, others) = list(styles(console).items())[:2]
    there, before = at_the_till(console), console.waits("products", "article_in_other_product")
    called = names(console)
    regroup(console, new, moved)
    reprice(console, left[0], others[0])
    plan = console.preview("products", mode=mode)
    waiting = parked(console, plan, "article_in_other_product")
    row = waiting[moved]

    assert waiting.keys() - before == {moved}
    assert row.weight == 1
    assert row.facts["product"].partition(" ")[0] == there[moved]
    assert {old, new} <= changed(console, plan).keys()

    console.commit(plan)

    assert (at_the_till(console), names(console)) == (there, called)
    again = console.preview("products")
    assert not changed(console, again)
    assert parked(console, again, "article_in_other_product").keys() == before | {moved}


def test_an_article_that_leaves_for_a_new_parent_does_not_take_its_product_along(console: Console) -> None:
    (moved, *_) = next(iter(styles(console).values()))
    there = at_the_till(console)
    called = names(console)
    regroup(console, "NIEUW", moved)
    plan = console.preview("products", mode=Mode.CHANGES)

    assert list(parked(console, plan, "article_in_other_product")) == [moved]
    assert not changed(console, plan)

    regroup(console, "", moved)
    alone = console.preview("products", mode=Mode.CHANGES)

    assert list(parked(console, alone, "article_in_other_product")) == [moved]
    assert not changed(console, alone)
    assert at_the_till(console) == there
    assert names(console) == called


def test_of_two_articles_that_get_a_new_parent_one_waits(console: Console) -> None:
    pair = sorted(simple(console)[:2], key=lambda code: int(at_the_till(console)[code]))
    for code, colour in zip(pair, ("rood", "blauw"), strict=True):
        console.sandbox.accountview.edit("ARTICLE", code, {"K9_PARENT": "NIEUW", "K9_COLOUR": colour})
    plan = console.preview("products", mode=Mode.CHANGES)

    assert list(parked(console, plan, "article_in_other_product")) == pair[1:]
    assert list(changed(console, plan)) == ["NIEUW"]

    console.commit(plan)

    assert not changed(console, console.preview("products"))


def test_a_parent_with_another_code_keeps_its_product(console: Console) -> None:
    codes = next(iter(styles(console).values()))
    there = at_the_till(console)
    regroup(console, "ANDERS", *codes)
    reprice(console, codes[0])
    plan = console.preview("products", mode=Mode.CHANGES)

    assert not parked(console, plan, "article_in_other_product")
    assert list(changed(console, plan)) == ["ANDERS"]

    console.commit(plan)

    assert at_the_till(console) == there
    assert not changed(console, console.preview("products"))
