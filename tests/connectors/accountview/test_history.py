"""Orders that were invoiced."""

from integration.core.plan import differences
from integration.core.records import Kind
from integration.sandbox.server import Sandbox
from tests.connectors.accountview.samples import an_order, connected, created, held
from tests.fakes import Links


def test_an_invoiced_order_is_found_in_the_history(sandbox: Sandbox, links: Links) -> None:
    with connected(sandbox) as accountview:
        links.known[Kind.DEBTOR, "501"] = "20001"
        wanted = an_order("634", debtor="501", debtor_number="")
        number = created(accountview, wanted, Links(dict(links.known))).reference
        sandbox.accountview.invoice(number)
        found = held(accountview, wanted, links)
        assert found.evidence == "history"
        assert found.record.values["reference"] == "MPLUS-634"
        assert found.record.values["debtor"] == "501"
        assert found.record.values["remark"] == "Graag aan de achterdeur"
        assert [part.values["quantity"] for part in found.record.parts] == [2, 1]
        assert not {"1/article", "1/price"} & set(differences(wanted, found.record))
        assert found.reference.isdecimal()
        links.known[Kind.SALES_ORDER, "634"] = number
        assert held(accountview, wanted, links).reference == number
