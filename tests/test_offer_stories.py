"""Temporary prices from the books to the till: planned, written, charged on their days alone, and undone."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random

import pytest

from integration.core.people import DEMO
from integration.core.prices import PriceQuery
from integration.services.connections.sandbox_host import PRICES
from integration.services.prices import OFFER_CAUSE
from tests.consoles import Console, open_application
from tests.stores import stores_in

D = Decimal
CENT = D("0.01")
QUESTIONS = 500
ARTICLES = 40


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop that is the same for all tests."""
    with open_shop(tmp_path_factory.mktemp("data")) as opened_console:
        yield opened_console


@contextmanager
def open_shop(folder: Path) -> Iterator[Console]:
    """Open a shop that sends temporary prices, whose articles are at the till."""
    with open_application(folder, sandbox=True) as application:
        console = Console(application)
        application.names.put({f"prices.{name}": value for name, value in PRICES.items()}, DEMO)
        application.tables.save("sales_prices", {"WEEK": "1"}, DEMO)
        application.flows.change("products", {"temporary_prices": True}, DEMO)
        console.run("products")
        yield console


Row = Mapping[str, object]


def offers(console: Console, today: date, seed: int) -> dict[str, list[Row]]:
    """Add two consecutive offers to each of some articles, and return their rows by article code."""
    random, rows_by_code = Random(seed), dict[str, list[Row]]()  # noqa: S311 - a test
    keys = [article.key for article in console.application.prices.articles() if article.agreed.values.get("price_incl")]
    for place, code in enumerate(keys[:ARTICLES]):
        first = today + timedelta(days=random.randint(0, 20))
        for turn in range(2):
            last = first + timedelta(days=random.randint(0, 9))
            value = {"K9_PX": "0.5000"} if (place + turn) % 2 else {"K9_PCT": str(random.randint(5, 60))}
            minimum = random.choice((0, 3))
            row = {
                "REC_ID": f"W{place:03}{turn}",
                "ART_CODE": code,
                "K9_OFFER": "WEEK",
                "K9_MINQ": str(minimum),
                **value,
            }
            dates = {"K9_FIRST": f"{first}T00:00:00.000Z", "K9_LAST": f"{last}T00:00:00.000Z"}
            console.sandbox.accountview.add("K9_PRICE", {**row, **dates})
            rows_by_code.setdefault(code, []).append({**row, "first": first, "last": last, "minimum": minimum})
            first = last + timedelta(days=random.randint(1, 4))
    return rows_by_code


def oracle(rows: list[Row], normal: Decimal, rate: Decimal, quantity: int, day: date) -> Decimal:
    """Return the amount of a sale by the rows of the books alone."""
    price, percent = normal, D(0)
    for row in rows:
        if str(row["first"]) <= str(day) <= str(row["last"]) and quantity >= int(str(row["minimum"])):
            percent = D(str(row.get("K9_PCT", 0)))
            if "K9_PX" in row:
                price = (D(str(row["K9_PX"])) * (1 + rate / 100)).quantize(CENT, ROUND_HALF_UP)
    return (price * quantity * (100 - percent) / 100).quantize(CENT, ROUND_HALF_UP)


@pytest.mark.long
@pytest.mark.seeds(89)
def test_the_till_charges_offers_on_their_days_alone(tmp_path: Path, seed: int) -> None:
    with open_shop(tmp_path) as console:
        check_offers(console, seed)


def check_offers(console: Console, seed: int) -> None:
    """Compare what the till charges with the rows of the books, at random moments and quantities."""
    application, random = console.application, Random(seed)  # noqa: S311 - a test
    today = application.access.connector("accountview").client.today()  # type: ignore[attr-defined]
    rows = offers(console, today, seed)
    run = console.run("products")
    assert run.counts.proven > ARTICLES / 2  # articles of one product are one change
    articles = {article.key: article for article in application.prices.articles()}
    vat = {article.code: article.vat_pct for article in console.sandbox.shop.articles}
    samples: list[tuple[str, int, date]] = []
    for _ in range(QUESTIONS):
        code = random.choice(list(rows))
        samples.append((code, random.choice((1, 2, 3, 7)), today + timedelta(days=random.randint(-2, 45))))
    till = application.access.connector("mplus")
    queries = [PriceQuery(articles[code].number, "", D(quantity), "1", day) for code, quantity, day in samples]
    answers = till.till_prices(queries)  # type: ignore[attr-defined]
    different, inside = [], 0
    for (code, quantity, day), answer in zip(samples, answers, strict=True):
        normal = articles[code].agreed.values["price_incl"]
        assert isinstance(normal, Decimal)
        expected = oracle(rows[code], normal, vat[code], quantity, day)
        inside += expected != normal * quantity
        different += [] if answer.incl == expected else [(code, quantity, day, expected, answer)]
    assert different == []
    assert QUESTIONS / 10 < inside < QUESTIONS * 9 / 10
    proofs = application.prices.prove_offers(application.prices.articles())
    assert len(proofs) > ARTICLES * 4
    assert [proof for proof in proofs if not proof.proven] == []

    number, code = articles[samples[0][0]].number, samples[0][0]  # a person removes the offers at the till
    console.sandbox.till.edit("articles", number, {"salesPriceList": []})
    position = application.prices.page("")
    while position:
        position = application.prices.page(position)
    issues = stores_in(application).issues.list("products", OFFER_CAUSE, limit=100)
    assert {open_issue.issue.facts["article"] for open_issue in issues} == {code}
    console.run("products")

    undo_plan = console.undo(run)  # everything that was written is removed by an undo
    console.commit(undo_plan)
    assert not [row for row in console.sandbox.state("articles", "mplus") if row.get("salesPriceList")]


def test_a_price_is_explained_on_the_chosen_day(console: Console) -> None:
    prices = console.application.prices
    today = prices.offer_day()
    assert today is not None
    article = next(candidate for candidate in prices.articles() if candidate.agreed.values.get("price_incl"))
    first, last = (f"{today + timedelta(days=days)}T00:00:00.000Z" for days in (50, 51))
    row = {"REC_ID": "DAY00", "ART_CODE": article.key, "K9_OFFER": "WEEK", "K9_MINQ": "0", "K9_PCT": "10"}
    console.sandbox.accountview.add("K9_PRICE", {**row, "K9_FIRST": first, "K9_LAST": last})
    console.run("products")
    days = (None, *(today + timedelta(days=days) for days in (49, 50, 51, 52)))
    proofs = [prices.explain_price(None, article, D(1), "1", day) for day in days]
    assert all(proof and proof.proven for proof in proofs)
    charged = [proof.charged for proof in proofs if proof]
    assert charged[0] == charged[1] == charged[4]
    assert charged[2] == charged[3] != charged[0]


def test_an_offer_that_was_typed_at_the_till_holds_a_plan_with_an_overlapping_one(console: Console) -> None:
    application = console.application
    today = application.prices.offer_day()
    assert today is not None
    article = [candidate for candidate in application.prices.articles() if candidate.agreed.values.get("price_incl")][1]

    def add_offer(day: date) -> None:
        moment = f"{day}T00:00:00.000Z"
        row = {"REC_ID": f"T{day:%y%m%d}", "ART_CODE": article.key, "K9_OFFER": "WEEK", "K9_MINQ": "0", "K9_PCT": "10"}
        console.sandbox.accountview.add("K9_PRICE", {**row, "K9_FIRST": moment, "K9_LAST": moment})

    ours, typed_day, free_day = (today + timedelta(days=days) for days in (70, 80, 90))
    add_offer(ours)
    console.run("products")
    rows = console.sandbox.state("articles", "mplus")
    offers_now = next(row["salesPriceList"] for row in rows if str(row["articleNumber"]) == article.number)
    day = {"day": typed_day.day, "mon": typed_day.month, "year": typed_day.year}
    typed_offer = {"salesPriceNumber": 2, "startDate": day, "endDate": day, "discountPercentage": 25}
    edited = {"salesPrice": [*offers_now["salesPrice"], typed_offer]}
    console.sandbox.till.edit("articles", article.number, {"salesPriceList": edited})
    counts = []
    for new_day in (free_day, typed_day):
        add_offer(new_day)
        plan = console.preview("products")
        counts.append([(brake.code, brake.count) for brake in plan.brakes if "offers" in brake.code])
    assert counts == [[], [("brake_offers_overlap", 1)]]
