"""What the till offers to choose from."""

from contextlib import closing

from integration.connectors.mplus.connector import Mplus
from integration.sandbox.server import running
from tests.connectors.mplus.tills import a_till


def test_choices_come_with_captions(connector: Mplus) -> None:
    assert connector.choices("vat_codes").keys() == connector.choices("vat_rates").keys()
    assert "21.00" in connector.choices("vat_rates").values()
    assert "21 %" in connector.choices("vat_codes").values()
    for name in ("branches", "turnover_groups", "payment_methods", "employees", "price_groups", "custom_fields"):
        assert connector.choices(name)
    assert connector.choices("nothing of the kind") == {}


def test_own_articles_are_those_that_come_from_nowhere_else() -> None:
    with running(articles=50) as sandbox, closing(a_till(sandbox)) as till:
        before = till.choices("own_articles")
        sandbox.till.edit("articles", "9900003", {"extArticleId": "ACCU"})
        after = till.choices("own_articles")

    assert before["9900002"] == "Reparatie per uur"
    assert before.keys() - after.keys() == {"9900003"}
