"""What the till offers to choose from."""

from contextlib import closing

from integration.connectors.mplus.choices import TillChoices
from integration.connectors.mplus.client import NAMESPACE, interface_contract
from integration.connectors.mplus.connector import Mplus
from integration.connectors.mplus.fields import TillFields
from integration.sandbox.server import running
from tests.connectors.mplus.tills import NOWHERE, a_till, answering


def test_choices_come_with_captions(connector: Mplus) -> None:
    assert connector.choices("vat_codes").keys() == connector.choices("vat_rates").keys()
    assert "21.00" in connector.choices("vat_rates").values()
    assert "21 %" in connector.choices("vat_codes").values()
    for name in ("branches", "turnover_groups", "payment_methods", "employees", "price_groups", "custom_fields"):
        assert connector.choices(name)
    assert connector.choices("nothing of the kind") == {}


def test_a_code_with_a_percentage_that_cannot_be_read_has_no_rate() -> None:
    told = [("1", "900"), ("2", "21,00"), ("3", ""), ("4", " 0 "), ("1", "x")]
    rows = "".join(
        f"<vatGroup><vatCode>{code}</vatCode><vatPercentage>{rate}</vatPercentage></vatGroup>" for code, rate in told
    )
    name = interface_contract().answer_name("getVatGroupList").partition("}")[2]
    body = f'<{name} xmlns="{NAMESPACE}"><vatGroupList>{rows}</vatGroupList></{name}>'
    client = answering(lambda _: body)
    till = TillChoices(client, TillFields(NOWHERE, client))
    assert till.of("vat_rates") == {"4": "0.00"}
    assert till.of("vat_codes") == {"1": "9 % / ? %", "2": "? %", "3": "? %", "4": "0 %"}


def test_own_articles_are_those_that_come_from_nowhere_else() -> None:
    with running(articles=50) as sandbox, closing(a_till(sandbox)) as till:
        before = till.choices("own_articles")
        sandbox.till.edit("articles", "9900003", {"extArticleId": "ACCU"})
        after = till.choices("own_articles")

    assert before["9900002"] == "Reparatie per uur"
    assert before.keys() - after.keys() == {"9900003"}
