"""The page of stock: charts, articles that sell out, differences between the systems, and unproven levels."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from integration.application.application import Application
from integration.core.issues import Issue, IssueOccurrence
from integration.core.run import Mode, PreviewRequest, Run
from integration.services.stock import StockListing, StockScope
from tests.pages.conftest import Open, commit_run, press, texts, wait_for_run
from tests.people import make_actor
from tests.stores import sandbox_of, stores_in

ARTICLES = 60  # all are brought to the till


FILES = ("levels", "movements", "articles", "differences")  # what each chart and list is offered as


@pytest.fixture(scope="module")
def shop(connected_application: Application) -> Application:
    """A shop whose levels were sent, and whose tills have sold something since and been sent to again."""
    commit_run(
        connected_application,
        wait_for_run(
            connected_application, connected_application.runs.preview(PreviewRequest("products", make_actor("test")))
        ),
    )
    commit_run(connected_application, preview_stock(connected_application))
    fill_log(connected_application)
    for article in stocked_articles(connected_application)[:3]:
        sandbox_of(connected_application).till.edit("stock", f"1/{article}", {"amount": 1})
    commit_run(connected_application, preview_stock(connected_application))
    fill_log(connected_application)
    return connected_application


def preview_stock(app: Application) -> Run:
    return wait_for_run(app, app.runs.preview(PreviewRequest("stock", make_actor("test"), Mode.COMPLETE)))


def fill_log(app: Application) -> None:
    app.log.catch_up()


def stocked_articles(app: Application) -> list[str]:
    """Return articles of which the first branch was sent more than a few."""
    forecast = app.stock.forecast(StockScope(branch="1"), datetime.now(UTC), StockListing(sort="article"), limit=1_000)
    return [str(code) for code in forecast[forecast["amount"].astype(float) > 3]["article"]]


@pytest.fixture(scope="module")
def article(shop: Application) -> str:
    """An article of which the first branch has sold."""
    return stocked_articles(shop)[0]


@pytest.fixture
def plan_after_sale(shop: Application, article: str) -> Iterator[Run]:
    """A plan that waits because a till sold since."""
    assert shop.sandbox
    sandbox_of(shop).till.edit("stock", f"1/{article}", {"amount": 0})
    run = preview_stock(shop)
    fill_log(shop)
    yield run
    shop.runs.discard(run.id, "test")


def charts(test: AppTest) -> list[dict[str, Any]]:
    """Return the figures of a page as Plotly is given them."""
    return [json.loads(chart.proto.spec) for chart in test.get("plotly_chart")]


def values(of: Any) -> list[float]:
    """Return the values of a trace, which Plotly may be given as the bytes of an array."""
    return list(np.frombuffer(base64.b64decode(of["bdata"]), of["dtype"])) if isinstance(of, dict) else list(of)


def open_stock(open_page: Open, **address: str) -> AppTest:
    test = open_page("stock", **address)
    assert not test.exception
    return test


def final_level(test: AppTest) -> float:
    """Return the sum of the final values of all lines in the chart of levels."""
    lines = [trace for trace in charts(test)[0]["data"] if trace.get("name")]
    return sum(values(line["y"])[-1] for line in lines)


def metric(test: AppTest, label: str) -> float:
    """Return the number of a figure of the page, without its unit."""
    return float(
        next(element.value for element in test.metric if element.label == label).partition(" ")[0].replace(",", "")
    )


# ---- empty


@pytest.mark.long
def test_before_levels_were_sent_the_page_leads_to_the_first_preview(fresh: Application, open_page: Open) -> None:
    fresh.connections.use_sandbox(make_actor("test"))
    test = open_page("stock")
    assert "Stock has not been sent yet" in texts(test)

    test = press(test, "first")

    assert not test.exception
    assert wait_for_run(fresh, fresh.runs.latest("stock", limit=1)[0].id).counts.read_count


def test_a_level_that_a_plan_found_is_in_charts_sums_and_differences_and_every_list_can_be_downloaded(
    shop: Application, plan_after_sale: Run, article: str, open_page: Open
) -> None:
    writes = sandbox_of(shop).ledger.counts()["writes"]
    for address in ({"show": "all"}, {"article": article}):
        test = open_stock(open_page, **address)
        assert metric(test, "In stock") == pytest.approx(final_level(test)), address
        assert "1 level found later by a plan" in texts(test)
    test = open_stock(open_page, show="all")
    table = test.dataframe[1].value
    assert (list(table["article"]), list(table["target"])) == ([article], [0.0])
    assert table["why"].iloc[0].startswith(f"MplusKASSA -{table['source'].iloc[0]:g} since")
    keys = {button.key for button in test.get("download_button")}
    assert keys == {f"{sort}-{name}" for sort in ("xlsx", "csv", "data") for name in FILES}
    assert sandbox_of(shop).ledger.counts()["writes"] == writes

    scope, now = StockScope(article=article, branch="1"), datetime.now(UTC)

    (line,) = shop.stock.forecast(scope, now).to_dict("records")
    sums = shop.stock.sums(scope, now)

    assert (line["amount"], float(sums.totals[0].amount), sums.unwritten_count) == (0, 0, 1)
    assert line["written_at"] < line["found_at"]
    assert sums.found_at
    assert sums.found_at >= plan_after_sale.started_at


@pytest.mark.usefixtures("shop")
def test_an_article_without_a_known_level_says_so_and_leads_back(open_page: Open) -> None:
    test = open_stock(open_page, article="nobody-sells-this")
    assert "No level of article nobody-sells-this is known" in texts(test)
    assert test.get("plotly_chart") == []

    test = press(test, "unknown_article")

    assert not test.exception
    assert "article" not in test.query_params


# ---- full


@pytest.mark.usefixtures("shop")
def test_levels_and_movements_are_charted_by_branch_and_by_group(open_page: Open) -> None:
    by_branch = charts(open_stock(open_page))
    by_group = charts(open_stock(open_page, by="group"))

    assert [len(chart["data"]) for chart in by_branch] == [3, 4]
    assert {line["name"] for line in by_branch[0]["data"]} == {
        "De Ketting Utrecht", "De Ketting Amersfoort", "De Ketting Zeist",
    }  # fmt: skip
    assert all(line["line"]["shape"] == "hv" for line in by_branch[0]["data"])
    assert {line["name"] for line in by_branch[0]["data"]} != {line["name"] for line in by_group[0]["data"]}
    assert {bar["name"] for bar in by_branch[1]["data"]} == {"MplusKASSA", "AccountView"}
    first, last = (datetime.fromisoformat(bound) for bound in by_branch[0]["layout"]["xaxis"]["range"])
    assert last - first == timedelta(hours=1)  # levels of the last minutes have a time axis with labels


def test_a_period_opens_for_a_branch_and_a_group(shop: Application, open_page: Open) -> None:
    group = next(iter(shop.stock.groups()))

    test = open_stock(open_page, period="365", branch="2", group=group)

    assert [line["name"] for line in charts(test)[0]["data"]] == ["De Ketting Amersfoort"]


def test_an_article_has_its_own_charts_numbers_and_branches(shop: Application, article: str, open_page: Open) -> None:
    test = open_stock(open_page, article=article)

    page_text = texts(test)
    assert article in page_text
    assert {metric.label for metric in test.metric} >= {"In stock", "Sold per week", "Lasts for"}
    assert set(test.dataframe[0].value["branch"]) >= {"De Ketting Utrecht"}
    name = shop.exceptions.article(article)
    assert name is not None
    assert str(name.values["name"]) in test.title[0].value
    assert not press(test, "all_articles").exception


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("show", ["soon", "steady"])
def test_the_list_of_what_runs_out_has_days_left_and_can_be_sorted(open_page: Open, show: str) -> None:
    test = open_stock(open_page, show=show, sort="level")

    table = test.dataframe[0].value
    days_left = table["days"].dropna()
    assert len(days_left) == (0 if show == "steady" else len(days_left))
    assert show != "soon" or (days_left <= 14).all()
    assert list(table["level"]) == sorted(table["level"])


@pytest.mark.long
@pytest.mark.usefixtures("shop")
def test_a_search_that_finds_nothing_can_be_cleared(open_page: Open) -> None:
    test = open_stock(open_page)
    test = test.text_input(key="_find").set_value("nothing is called so").run()
    assert "No article meets these filters" in texts(test)

    assert not press(test, "clear").exception


# ---- the reorder line


def test_the_level_at_which_to_order_again_is_a_line_where_the_books_have_one(
    shop: Application, article: str, open_page: Open
) -> None:
    assert "shapes" not in charts(open_stock(open_page, article=article))[0]["layout"]
    shop.flows.change("stock", {"reorder": "K9_MINQ"}, make_actor("test"))

    layout = charts(open_stock(open_page, article=article))[0]["layout"]

    assert [shape["y0"] for shape in layout["shapes"]] == [5.0]
    assert layout["annotations"][0]["text"] == "Reorder at 5 STUK"
    assert "shapes" not in charts(open_stock(open_page))[0]["layout"]
    shop.flows.change("stock", {"reorder": ""}, make_actor("test"))


# ---- purchases


def test_what_is_on_order_is_reported_for_an_article_and_is_not_for_sale(
    shop: Application, article: str, open_page: Open
) -> None:
    assert "on order" not in texts(open_stock(open_page, article=article))
    sandbox_of(shop).accountview.edit("ARTICLE", article, {"QTY_BESTEL": 12, "K9_EXPD": "2026-12-03T00:00:00"})
    assert "12 STUK on order in the books, not for sale" in texts(open_stock(open_page, article=article))

    shop.names.put({"article.stock_expected": "K9_EXPD"}, make_actor("test"))

    assert "12 STUK on order in the books, expected on 03/12/2026, not" in texts(open_stock(open_page, article=article))
    shop.names.put({"article.stock_expected": None}, make_actor("test"))
    sandbox_of(shop).accountview.edit("ARTICLE", article, {"QTY_BESTEL": 0})


# ---- differences


@pytest.mark.usefixtures("shop")
def test_levels_say_that_they_are_without_reservations_until_somebody_answers(
    shop: Application, open_page: Open
) -> None:
    before = shop.flows.settings("stock").model_dump()["branches"]
    shop.flows.change("stock", {"branches": {"1": "formula"}}, make_actor("test"))
    test = open_stock(open_page)
    assert "Reservations are not subtracted" in texts(test)
    assert [button.key for button in test.button if button.key == "reservations"]

    shop.flows.change("stock", {"reservations": "none"}, make_actor("test"))

    assert "Reservations are not subtracted" not in texts(open_stock(open_page))
    shop.flows.change("stock", {"branches": before, "reservations": "ask"}, make_actor("test"))


def test_both_systems_are_compared_from_the_page_and_nothing_is_written(shop: Application, open_page: Open) -> None:
    assert shop.sandbox
    writes = sandbox_of(shop).ledger.counts()["writes"]

    test = press(open_stock(open_page), "compare")

    assert not test.exception
    wait_for_run(shop, shop.runs.latest("stock", limit=1)[0].id)
    assert sandbox_of(shop).ledger.counts()["writes"] == writes


# ---- not proven


def test_what_is_not_proven_lately_is_dotted_with_a_sentence(shop: Application, article: str, open_page: Open) -> None:
    stores_in(shop).issues.open(
        "stock", "by-hand", [IssueOccurrence(Issue("no_stock_article", article, facts={"article": article}))]
    )

    test = open_stock(open_page, article=article)

    assert "Not proven since" in texts(test)
    lines = charts(test)[0]["data"]
    assert {line["line"]["dash"] for line in lines} == {"solid", "dot"}
    assert len({line["name"] for line in lines if line["showlegend"]}) == 3
    (issue,) = stores_in(shop).issues.of_key("stock", article)
    stores_in(shop).issues.close(issue.id, "test")
    assert "Not proven since" not in texts(open_stock(open_page, article=article))


# ---- download
