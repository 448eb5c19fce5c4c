"""Access to the till sandbox, valid calls, and faults on demand."""

import http.client

import pytest

from integration.sandbox.faults import Fault
from integration.sandbox.server import Sandbox, running
from tests.sandbox.mplus.calls import TEA, create, order, read, update
from tests.sandbox.soap_client import QUERY, RawClient, prefix_tags, tags, wrap_in_envelope
from tests.timeouts import LATE, wait_until


class TestTheDoor:
    def test_a_bare_get_is_not_allowed(self, till: RawClient) -> None:
        assert till.request("GET", "/").status == 405

    def test_the_description_is_for_everybody(self, till: RawClient) -> None:
        reply = till.request("GET", "/?wsdl")
        assert reply.status == 200
        assert b"MplusQapiPortType" in reply.raw

    @pytest.mark.parametrize(
        "query", ["", "?ident=sandbox", "?ident=sandbox&secret=wrong", "?ident=x&secret=sandbox-secret"]
    )
    def test_without_the_secret_nothing_is_answered(self, sandbox: Sandbox, query: str) -> None:
        reply = RawClient(sandbox.mplus_url, query).call("<ns:getBranches/>")
        assert reply.status == 500
        assert reply.fault == ("SOAP-ENV:Client.Authentication", "Invalid credentials")

    def test_a_client_may_say_of_what_type_a_value_is(self, till: RawClient) -> None:
        kinds = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        body = '<ns:getOrder><ns:orderId xsi:type="xsd:string">x</ns:orderId></ns:getOrder>'
        reply = till.post(wrap_in_envelope(body).replace("<SOAP-ENV:Envelope", f"<SOAP-ENV:Envelope {kinds}"))
        assert reply.text("result") == "GET-ORDER-RESULT-NOT-FOUND"

    def test_prefixes_and_root_are_those_of_the_real_one(self, till: RawClient) -> None:
        reply = till.call("<ns:getBranches/>")
        assert b'xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"' in reply.raw
        assert b'xmlns:ns="urn:mplusqapi"' in reply.raw
        assert b"<SOAP-ENV:Body><ns:getBranchesResponse>" in reply.raw

    def test_any_prefix_will_do_in_a_request(self, till: RawClient) -> None:
        reply = till.call(
            '<q:getProducts xmlns:q="urn:mplusqapi"><q:request><q:pluNumbers/></q:request></q:getProducts>'
        )
        assert reply.name == "GetProductsResponse"

    @pytest.mark.parametrize(
        ("content", "element"),
        [
            ("<ns:getProducts/>", "request"),
            (
                "<ns:setStock><ns:request><ns:articleNumber>1</ns:articleNumber><ns:branchNumber>1</ns:branchNumber></ns:request></ns:setStock>",
                "articleNumber",
            ),
            ("<ns:getRelation><ns:relationNumber>x</ns:relationNumber></ns:getRelation>", "relationNumber"),
            (
                "<ns:createRelation><ns:relation><ns:defaultVatMethod>VAT</ns:defaultVatMethod></ns:relation></ns:createRelation>",
                "defaultVatMethod",
            ),
            ("<ns:getRelation><ns:relationNumber/></ns:getRelation>", "relationNumber"),
            ("<ns:sendWebhook/>", "sendWebhook"),
            ("<getBranches/>", "getBranches"),
        ],
    )
    def test_an_invalid_request_is_a_fault_that_names_the_element(
        self, till: RawClient, content: str, element: str
    ) -> None:
        reply = till.call(content)
        assert reply.status == 500
        assert reply.fault[0] == "SOAP-ENV:Client"
        assert element in reply.fault[1]

    @pytest.mark.parametrize("message", ["", "no xml", "<a/>", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'])
    def test_what_is_no_envelope_is_a_fault(self, till: RawClient, message: str) -> None:
        reply = till.request("POST", f"/{QUERY}", message)
        assert reply.fault[0] == "SOAP-ENV:Client"

    def test_fields_that_nobody_knows_are_allowed(self, till: RawClient) -> None:
        assert till.ask("getProducts", "<pluNumbers/><newerFilter><deep>1</deep></newerFilter>").status == 200

    def test_a_lenient_till_takes_fields_in_any_order_and_misses_no_empty_wrapper(self, till: RawClient) -> None:
        turned = tags(vatCode=2, priceIncl=1210, turnoverGroup=40, description="Fietsbel", articleNumber=500001)
        assert create(till, turned).fault[0] == "SOAP-ENV:Client"
        with running(articles=60, trades=False, lenient=True) as running_sandbox:
            lenient = RawClient(running_sandbox.mplus_url)
            assert create(lenient, turned).text("result").endswith("-OK")
            reply = lenient.ask("getProducts", tags(articleNumbers=500001))
        assert reply.text("product/articleList/article/description") == "Fietsbel"


class TestTrouble:
    def test_a_call_that_is_cut_before_accepting_changes_nothing(self, sandbox: Sandbox, till: RawClient) -> None:
        with (
            sandbox.switches.armed(Fault.CUT_BEFORE, operation="createProduct"),
            pytest.raises((http.client.HTTPException, OSError)),
        ):
            create(till)
        assert not read(till, 500001).texts("product")
        assert sandbox.ledger.writes()[-1].status == 0

    @pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.HALF])
    def test_a_call_whose_answer_is_lost_was_carried_out(self, sandbox: Sandbox, till: RawClient, fault: Fault) -> None:
        with (
            sandbox.switches.armed(fault, operation="createProduct"),
            pytest.raises((http.client.HTTPException, OSError)),
        ):
            create(till)
        assert read(till, 500001).texts("product/productNumber")
        assert sandbox.ledger.writes()[-1].accepted

    def test_what_is_late_is_hidden_but_taken(self, sandbox: Sandbox, till: RawClient) -> None:
        with sandbox.switches.armed(Fault.LATE, operation="createProduct", seconds=LATE):
            assert create(till).text("result").endswith("-OK")
        assert not read(till, 500001).texts("product")
        assert create(till).text("result").endswith("ALREADY-TAKEN")
        wait_until(lambda: bool(read(till, 500001).texts("product/productNumber")), "the late product")

    def test_a_late_change_shows_the_old_value_until_then(self, sandbox: Sandbox, till: RawClient) -> None:
        create(till)
        changed = tags(articleList=tags(article=tags(articleNumber=500001, priceIncl=2420)))
        with sandbox.switches.armed(Fault.LATE, operation="updateProduct", seconds=LATE):
            update(till, changed)
        assert read(till, 500001).text("priceIncl") == "1210"
        wait_until(lambda: read(till, 500001).text("priceIncl") == "2420", "the late price")

    def test_late_stock_shows_the_old_amount_until_then(self, sandbox: Sandbox, till: RawClient) -> None:
        where = tags(branchNumber=1, articleNumber=9900005)
        ask = tags(branchNumber=1, articleNumbers=tags(articleNumbers=9900005))
        with sandbox.switches.armed(Fault.LATE, operation="setStock", seconds=LATE):
            till.ask("setStock", f"{where}<amount>7</amount>")
        assert till.ask("getStock", ask).text("amountFree") == "40"
        wait_until(lambda: till.ask("getStock", ask).text("amountFree") == "7", "the late stock")

    def test_a_late_group_is_not_in_the_tree_yet(self, sandbox: Sandbox, till: RawClient) -> None:
        with sandbox.switches.armed(Fault.LATE, operation="newArticleGroup", seconds=LATE):
            till.ask("newArticleGroup", tags(parentGroupNumber=0, name="Bellen", text=""))
        assert till.ask("getArticleGroups").texts("name") == []
        wait_until(lambda: till.ask("getArticleGroups").texts("name") == ["Bellen"], "the late group")

    @pytest.mark.parametrize(
        ("operation", "content", "table", "key"),
        [
            (
                "createProduct",
                f"<product><articleList><article>{TEA}<priceIncl>1210</priceIncl></article></articleList></product>",
                "articles",
                "priceIncl",
            ),
            ("createRelation", "<relation><name>Jan</name></relation>", "relations", "name"),
            (
                "setStock",
                "<request><branchNumber>1</branchNumber><articleNumber>9900005</articleNumber><amount>7</amount></request>",
                "stock",
                "amountFree",
            ),
            (
                "newArticleGroup",
                "<request><parentGroupNumber>0</parentGroupNumber><name>Jan</name><text/></request>",
                "groups",
                "name",
            ),
            ("createOrder", order(more="<reference>PO</reference>"), "orders", "reference"),
        ],
    )
    def test_a_till_that_gets_it_wrong_says_it_went_well(
        self, sandbox: Sandbox, till: RawClient, operation: str, content: str, table: str, key: str
    ) -> None:
        with sandbox.switches.armed(Fault.WRONG, operation=operation):
            assert till.call(prefix_tags(f"<{operation}>{content}</{operation}>")).text("result").endswith("-OK")
        stored_values = [str(row.get(key)) for row in sandbox.state(table, "mplus")]
        sent_value = {"priceIncl": "1210", "name": "Jan", "amountFree": "7", "reference": "PO"}[key]
        assert sent_value not in stored_values

    @pytest.mark.parametrize(
        ("fault", "status"),
        [(Fault.TOO_MANY, 429), (Fault.UNAVAILABLE, 503), (Fault.HTML, 200), (Fault.FAULT, 500), (Fault.EXPIRED, 500)],
    )
    def test_a_refused_call_changes_nothing(self, sandbox: Sandbox, till: RawClient, fault: Fault, status: int) -> None:
        with sandbox.switches.armed(fault, operation="createProduct"):
            assert create(till).status == status
        assert not read(till, 500001).texts("product")

    def test_a_switch_can_be_meant_for_one_article(self, sandbox: Sandbox, till: RawClient) -> None:
        with sandbox.switches.armed(Fault.FAULT, operation="createProduct", key="500002"):
            assert create(till).status == 200
            assert create(till, "<articleNumber>500002</articleNumber>").status == 500

    def test_every_call_is_counted_with_its_keys(self, sandbox: Sandbox, till: RawClient) -> None:
        create(till)
        read(till, 500001)
        write, look = sandbox.ledger.calls("mplus")[-2:]
        assert (write.operation, write.write, write.keys) == ("createProduct", True, ("500001",))
        assert (look.operation, look.write, look.keys) == ("getProducts", False, ("500001",))
