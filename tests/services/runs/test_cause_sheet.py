"""A cause that one repair serves is one, and names what differs from record to record."""

from pathlib import Path

from integration.core.issues import Issue, IssueOccurrence
from integration.core.records import Kind
from tests.consoles import opened
from tests.stores import stores_in


def test_articles_in_several_currencies_are_one_cause_that_names_them(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        met = [
            IssueOccurrence(
                Issue("currency_without_rate", key, "article.price", {"key": key, "currency": code}), Kind.PRODUCT, key
            )
            for key, code in (("1", "USD"), ("2", "CHF"), ("3", "USD"))
        ]
        stores_in(application).issues.store_check_result("products", ["1", "2", "3"], (), met)
        (group,) = application.exceptions.groups("products")
        assert (group.count, group.facts["currency"]) == (3, "CHF, USD")
        assert application.exceptions.group(group.group_key) == group


def test_customers_with_price_groups_of_the_till_are_one_cause_that_names_the_groups(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        met = [
            IssueOccurrence(
                Issue("price_group_of_till", key, "relation.price_group", {"key": key, "number": number}),
                Kind.RELATION,
                key,
            )
            for key, number in (("1", "7"), ("2", "3"), ("3", "7"))
        ]
        stores_in(application).issues.store_check_result("customers", ["1", "2", "3"], (), met)
        (group,) = application.exceptions.groups("customers")
        assert (group.count, group.facts["number"]) == (3, "3, 7")
