"""Lines of an order come to what was sold, with prices as people agreed on them."""

from decimal import Decimal

from tests.flows.orders.tills import HAGGLED, a_line, an_order, booking, line_of, lines_of, with_rules


def test_a_discount_is_sent_with_its_line() -> None:
    line = a_line("1", "9.08", "7.50", price_incl=Decimal("12.10"), discount_percent=Decimal(25))
    one = line_of(an_order(lines=(line,)))
    assert (one["price"], one["discount_percent"]) == (Decimal("12.10"), Decimal(25))


def test_books_without_a_field_for_discounts_get_the_price_net_of_it() -> None:
    line = a_line("1", "9.08", "7.50", price_incl=Decimal("12.10"), discount_percent=Decimal(25))
    one = line_of(an_order(lines=(line,)), body=with_rules(without=["line.discount_percent"]))
    assert one["price"] == Decimal("9.08")
    assert "discount_percent" not in one


def test_the_basis_of_prices_is_that_of_the_till_or_as_set() -> None:
    order = an_order(vat_method="exclusive")
    assert line_of(order)["price"] == Decimal("10.00")
    assert line_of(order, price_basis="incl")["price"] == Decimal("12.10")
    assert booking(an_order(), price_basis="excl").values["gross"] is False


def test_a_difference_within_the_limit_is_a_line_on_the_rounding_article() -> None:
    one = booking(an_order(lines=(HAGGLED,)), rounding_article="9099")
    assert [(part.key, part.values["article"], part.values["price"]) for part in lines_of(one)] == [
        ("1", "1001", Decimal("10.08")),
        ("2", "9099", Decimal("0.01")),
    ]
    assert (one.values["rounding"], one.values["rounding_rule"]) == (Decimal("0.01"), "price_decimals")
    assert one.values["booked_incl"] == one.values["sold_incl"] == Decimal("30.25")


def test_prices_with_more_decimals_need_no_rounding() -> None:
    assert "rounding" not in booking(an_order(lines=(HAGGLED,)), price_places=4).values


def test_a_gift_card_on_an_order_is_an_article_like_any_other() -> None:
    card = a_line("1", "25.00", "25.00", vat_code="4", price_type="gift-card")
    assert line_of(an_order(lines=(card,)))["vat_code"] == "4"
