"""Value tables as people edit them: invalid rows are refused on saving."""

from collections.abc import Callable, Iterator

import pytest

from integration import words
from integration.application.application import Application
from integration.core.errors import ConfigurationError
from tests.consoles import WHO, Console, open_application
from tests.people import make_actor

VAT = "vat_codes_sales"


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    with open_application(tmp_path_factory.mktemp("tables"), sandbox=True, start=True) as console:
        yield console


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("USA:3", "3"), "no country has the code USA"),
        (("BE:9", "3"), "MplusKASSA has no code 9"),
        (("BE:3", "77"), "AccountView has no code 77"),
        (("BE:3:perhaps", "3"), "BE:3:perhaps is not a row of this table"),
    ],
)
def test_an_impossible_row_is_refused_with_a_sentence_and_nothing_is_stored(
    application: Application, row: tuple[str, str], expected: str
) -> None:
    before = application.tables.rows(VAT)
    rows = {**before, row[0]: row[1]}
    saves: tuple[Callable[[], object], ...] = (
        lambda: application.tables.add(VAT, *row, make_actor(WHO)),
        lambda: application.tables.save(VAT, rows, make_actor(WHO)),
        lambda: application.setup.answer("orders", "vat", rows, make_actor(WHO)),
    )
    for save in saves:
        with pytest.raises(ConfigurationError) as refused:
            save()
        assert refused.value.code == "row_impossible"
        assert expected in words.say(refused.value.code, refused.value.facts).problem
    assert application.tables.rows(VAT) == before


def test_a_second_row_for_the_same_is_refused(application: Application) -> None:
    with pytest.raises(ConfigurationError) as refused:
        application.tables.save(VAT, [("2", "1"), ("2", "2")], make_actor(WHO))
    assert refused.value.facts["message"] == "reason_row_twice"


def test_a_row_of_before_that_cannot_hold_does_not_stand_in_the_way_of_others(application: Application) -> None:
    before = application.tables.rows(VAT)
    application.rules.set_table(VAT, {**before, "USA:3": "3"}, "somebody")
    try:
        application.tables.save(VAT, {**before, "USA:3": "3", "BE:3": "3"}, make_actor(WHO))
        assert application.tables.rows(VAT)["BE:3"] == "3"
        assert application.tables.faults(VAT, application.tables.rows(VAT).items()).keys() == {"USA:3"}
    finally:
        application.rules.set_table(VAT, before, WHO)


def test_rows_whose_percentages_differ_are_named(application: Application) -> None:
    assert application.tables.differing(VAT, {"2": "2", "1": "2", "BE:2:shifted": "3"}) == ["2"]


def test_an_order_that_an_impossible_row_was_meant_for_is_parked_and_not_booked_with_a_row_for_more(
    application: Application,
) -> None:
    console = Console(application)
    console.run("products")
    article = next(
        str(row["articleNumber"]) for row in console.sandbox.state("articles", "mplus")
        if row.get("extArticleId") and row["vatCode"] == 2 and row["priceIncl"] > 1000
    )  # fmt: skip
    customer = console.till_client.customer("Bikes of Boston", "bikes@boston.example", country="United States")
    order = console.till_client.order(article, relation=customer)
    before = application.tables.rows(VAT)
    application.rules.set_table(VAT, {**before, "USA:2": "3"}, "somebody")
    try:
        assert console.lines(console.preview("orders", order))[order].cause == "vat_row_impossible"
        application.rules.set_table(VAT, before, WHO)
        assert console.lines(console.preview("orders", order))[order].change is not None
    finally:
        application.rules.set_table(VAT, before, WHO)
