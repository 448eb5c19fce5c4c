"""The till in a box: what it answers, refuses, remembers and gets wrong on demand."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from zeep.exceptions import Fault as ZeepFault

from integration.sandbox.faults import Fault, Ledger, Switches
from integration.sandbox.mplus import Till, TillConventions
from integration.sandbox.mplus.contract import Contract
from integration.sandbox.server import Sandbox, running
from integration.sandbox.shop.shop import make_shop
from tests.patience import LATE, until
from tests.sandbox.soap_client import QUERY, REFERENCE, RawClient, Reply, enveloped, prefixed, tags, zeep_service

TEA = (
    "<articleNumber>500001</articleNumber><description>Fietsbel</description>"
    "<turnoverGroup>40</turnoverGroup><vatCode>2</vatCode>"
)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running(articles=60) as both:
        yield both


@pytest.fixture
def till(sandbox: Sandbox) -> RawClient:
    return RawClient(sandbox.mplus_url)


WITH_BARCODE = TEA.replace("<turnoverGroup>", "<barcode>8719990000016</barcode><turnoverGroup>")


def create(till: RawClient, article: str = f"{TEA}<priceIncl>1210</priceIncl>", rest: str = "") -> Reply:
    return till.call(
        prefixed(
            f"<createProduct><product><articleList><article>{article}</article></articleList>{rest}</product></createProduct>"
        )
    )


def update(till: RawClient, product: str) -> Reply:
    return till.call(prefixed(f"<updateProduct><product>{product}</product></updateProduct>"))


def read(till: RawClient, *numbers: int, more: str = "") -> Reply:
    asked = "".join(f"<articleNumbers>{number}</articleNumbers>" for number in numbers)
    return till.ask("getProducts", f"{asked}<pluNumbers/>{more}")


def page(till: RawClient, operation: str, marker: int, limit: int) -> Reply:
    wrappers = "" if operation == "getRelations" else "<articlePluNumbers/><articleBarcodes/>"
    return till.ask(operation, f"<syncMarker>{marker}</syncMarker><syncMarkerLimit>{limit}</syncMarkerLimit>{wrappers}")


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
        asked = '<ns:getOrder><ns:orderId xsi:type="xsd:string">x</ns:orderId></ns:getOrder>'
        reply = till.post(enveloped(asked).replace("<SOAP-ENV:Envelope", f"<SOAP-ENV:Envelope {kinds}"))
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
        ("content", "named"),
        [
            ("<ns:getProducts><ns:request/></ns:getProducts>", "pluNumbers"),
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
        self, till: RawClient, content: str, named: str
    ) -> None:
        reply = till.call(content)
        assert reply.status == 500
        assert reply.fault[0] == "SOAP-ENV:Client"
        assert named in reply.fault[1]

    @pytest.mark.parametrize("message", ["", "no xml", "<a/>", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'])
    def test_what_is_no_envelope_is_a_fault(self, till: RawClient, message: str) -> None:
        reply = till.request("POST", f"/{QUERY}", message)
        assert reply.fault[0] == "SOAP-ENV:Client"

    def test_fields_that_nobody_knows_are_allowed(self, till: RawClient) -> None:
        assert till.ask("getProducts", "<pluNumbers/><newerFilter><deep>1</deep></newerFilter>").status == 200


class TestProducts:
    def test_what_was_created_can_be_read(self, till: RawClient) -> None:
        made = create(till)
        found = read(till, 500001)
        assert made.text("result") == "CREATE-PRODUCT-RESULT-OK"
        assert made.texts("articleNumbers") == ["500001"]
        assert found.text("product/productNumber") == made.text("productNumber")
        assert found.text("article/description") == "Fietsbel"
        assert found.text("product/syncMarker") == made.text("syncMarker")

    @pytest.mark.parametrize(
        ("sent", "incl", "excl"),
        [
            ("<priceIncl>1210</priceIncl>", "1210", "1000"),
            ("<priceExcl>1000</priceExcl>", "1210", "1000"),
            ("<priceIncl>1210</priceIncl><priceExcl>999</priceExcl>", "1210", "999"),
        ],
    )
    def test_the_price_that_is_left_out_is_computed(self, till: RawClient, sent: str, incl: str, excl: str) -> None:
        create(till, TEA + sent)
        found = read(till, 500001)
        assert (found.text("priceIncl"), found.text("priceExcl")) == (incl, excl)

    def test_an_update_changes_what_it_mentions_and_nothing_else(self, till: RawClient) -> None:
        made = create(
            till,
            f"{TEA}<purchasePrice>5</purchasePrice><priceIncl>1210</priceIncl><futureField>kept</futureField>",
            "<futureRest>too</futureRest>",
        )
        number = made.text("productNumber")
        reply = update(
            till,
            f"<productNumber>{number}</productNumber><articleList><article><articleNumber>500001</articleNumber>"
            "<priceIncl>2420</priceIncl></article><article><articleNumber>500002</articleNumber><vatCode>2</vatCode></article></articleList>",
        )
        found = read(till, 500001)
        assert reply.text("result") == "UPDATE-PRODUCT-RESULT-OK"
        assert reply.texts("existingArticleNumbers") == ["500001"]
        assert reply.texts("newArticleNumbers") == ["500002"]
        assert int(reply.text("syncMarker")) > int(made.text("syncMarker"))
        told = [
            found.text(name)
            for name in ("priceIncl", "priceExcl", "purchasePrice", "futureField", "futureRest", "article/description")
        ]
        assert told == ["2420", "2000", "5", "kept", "too", "Fietsbel"]

    def test_an_article_that_was_read_can_be_written_back_as_it_is(self, till: RawClient) -> None:
        create(till, f"{WITH_BARCODE}<priceIncl>1210</priceIncl><futureField>1</futureField>")
        before = read(till, 500001).body.find(".//{urn:mplusqapi}product")
        text = etree.tostring(before).decode()
        reply = till.call(f"<ns:updateProduct>{text}</ns:updateProduct>")
        after = read(till, 500001).body.find(".//{urn:mplusqapi}product")
        moving = {"syncMarker", "changeTimestamp"}
        assert reply.text("result") == "UPDATE-PRODUCT-RESULT-OK"
        assert _plain(after, moving) == _plain(before, moving)

    def test_a_new_barcode_becomes_the_current_one(self, till: RawClient) -> None:
        create(till, WITH_BARCODE)
        update(
            till,
            "<articleList><article><articleNumber>500001</articleNumber><barcode>8719990000023</barcode></article></articleList>",
        )
        found = read(till, 500001)
        assert found.text("article/barcode") == "8719990000023"
        assert found.texts("barcodeList/barcode/isCurrent") == ["false", "true"]

    def test_taken_numbers_are_refused(self, till: RawClient) -> None:
        first = create(till)
        assert create(till).text("result") == "CREATE-PRODUCT-RESULT-FAILED-ARTICLE-NUMBER-ALREADY-TAKEN"
        again = till.call(
            prefixed(
                f"<createProduct><product><productNumber>{first.text('productNumber')}</productNumber></product></createProduct>"
            )
        )
        assert again.text("result") == "CREATE-PRODUCT-RESULT-FAILED-PRODUCT-NUMBER-ALREADY-TAKEN"

    @pytest.mark.parametrize(
        ("sent", "said"),
        [
            ("<vatCode>77</vatCode>", "VAT code 77"),
            ("<turnoverGroup>77</turnoverGroup>", "Turnover group 77"),
            (
                "<customFieldList><customField><fieldName>kleurtje</fieldName></customField></customFieldList>",
                "kleurtje",
            ),
        ],
    )
    def test_codes_that_do_not_exist_are_refused(self, till: RawClient, sent: str, said: str) -> None:
        reply = create(till, f"<articleNumber>500009</articleNumber>{sent}")
        assert reply.text("result") == "CREATE-PRODUCT-RESULT-FAILED"
        assert said in reply.text("errorMessage")
        assert not read(till, 500009).texts("product")

    def test_a_product_that_is_not_there_cannot_be_updated(self, till: RawClient) -> None:
        assert update(till, "<productNumber>98765</productNumber>").text("result") == "UPDATE-PRODUCT-RESULT-NOT-FOUND"

    def test_siblings_come_only_when_asked_for(self, till: RawClient) -> None:
        create(till, f"{TEA}</article><article><articleNumber>500002</articleNumber>")
        with_all = "<includeAllArticlesOfSelectedProducts>1</includeAllArticlesOfSelectedProducts>"
        assert read(till, 500001).texts("article/articleNumber") == ["500001"]
        assert read(till, 500001, more=with_all).texts("article/articleNumber") == ["500001", "500002"]

    def test_filters_restrict_together(self, till: RawClient) -> None:
        create(till, "<articleNumber>500001</articleNumber><pluNumber>A1</pluNumber><webshop>true</webshop>")
        create(till, "<articleNumber>500002</articleNumber><pluNumber>A2</pluNumber><active>false</active>")
        plus = "<pluNumbers><text><text>A1</text></text><text><text>A2</text></text></pluNumbers>"
        assert set(till.ask("getProducts", plus).texts("article/articleNumber")) == {"500001", "500002"}
        assert till.ask("getProducts", f"{plus}<onlyWebshop>true</onlyWebshop>").texts("article/articleNumber") == [
            "500001"
        ]
        assert till.ask("getProducts", f"{plus}<onlyActive>true</onlyActive>").texts("article/articleNumber") == [
            "500001"
        ]

    def test_the_limit_counts_articles_and_the_lowest_markers_come_first(self, till: RawClient) -> None:
        start = int(till.call("<ns:getCurrentSyncMarkers/>").text("articleSyncMarker")) + 1
        for number in range(1, 7):
            create(
                till,
                "</article><article>".join(tags(articleNumber=600000 + 2 * number + place) for place in (0, 1)),
            )
        first = till.ask(
            "getProducts", f"<pluNumbers/><syncMarker>{start}</syncMarker><syncMarkerLimit>5</syncMarkerLimit>"
        )
        one = till.ask(
            "getProducts", f"<pluNumbers/><syncMarker>{start}</syncMarker><syncMarkerLimit>1</syncMarkerLimit>"
        )
        assert sorted(map(int, first.texts("product/syncMarker"))) == [start, start + 1]
        assert len(one.texts("article/articleNumber")) == 2

    def test_paging_by_marker_meets_every_product_once(self, till: RawClient) -> None:
        for number in range(500001, 500021):
            create(till, f"<articleNumber>{number}</articleNumber>")
        seen: list[str] = []
        marker, answers = 0, 0
        while found := (
            reply := till.ask(
                "getProducts", f"<pluNumbers/><syncMarker>{marker}</syncMarker><syncMarkerLimit>4</syncMarkerLimit>"
            )
        ).texts("product/productNumber"):
            seen += found
            marker = max(map(int, reply.texts("product/syncMarker"))) + 1
            answers += 1
        assert len(seen) == len(set(seen)) == 29
        assert answers == 8


class TestGroups:
    def new(self, till: RawClient, name: str, parent: int = 0) -> int:
        reply = till.ask(
            "newArticleGroup", f"<parentGroupNumber>{parent}</parentGroupNumber><name>{name}</name><text/>"
        )
        assert reply.text("result") == "NEW-ARTICLE-GROUP-RESULT-OK"
        return int(reply.text("groupNumber"))

    def test_a_fresh_till_has_none(self, till: RawClient) -> None:
        assert till.ask("getArticleGroups").texts("groupNumber") == []

    def test_they_are_a_tree_and_also_a_list(self, till: RawClient) -> None:
        top = self.new(till, "Kleding")
        below = self.new(till, "Shirts", top)
        tree = till.ask("getArticleGroups").body
        nested = tree.find("{*}articleGroupList/{*}articleGroups/{*}subGroupList/{*}articleGroups/{*}name")
        flat = till.ask("getArticleGroupChanges")
        assert nested.text == "Shirts"
        assert flat.texts("parentGroupNumber") == ["0", str(top)]
        assert flat.texts("subGroupNumbers/number") == [str(below)]

    def test_a_missing_parent_is_refused(self, till: RawClient) -> None:
        reply = till.ask("newArticleGroup", "<parentGroupNumber>9</parentGroupNumber><name>x</name><text/>")
        assert reply.text("result") == "NEW-ARTICLE-GROUP-RESULT-PARENT-NOTFOUND"

    def test_it_cannot_be_put_below_itself(self, till: RawClient) -> None:
        top = self.new(till, "Kleding")
        below = self.new(till, "Shirts", top)
        reply = till.ask(
            "updateArticleGroup", f"<groupNumber>{top}</groupNumber><parentGroupNumber>{below}</parentGroupNumber>"
        )
        assert reply.text("result") == "SAVE-ARTICLE-GROUP-RESULT-FAILED"

    def test_deleting_takes_the_subgroups_along_and_a_marker_tells(self, till: RawClient) -> None:
        top = self.new(till, "Kleding")
        self.new(till, "Shirts", top)
        product = create(till, rest=f"<groupNumbers>{top}</groupNumbers>").text("productNumber")
        marker = int(till.call("<ns:getCurrentSyncMarkers/>").text("articleGroupSyncMarker"))
        assert till.ask("deleteArticleGroup", f"<groupNumber>{top}</groupNumber>").text("result").endswith("-OK")
        changes = till.ask("getArticleGroupChanges", f"<syncMarker>{marker + 1}</syncMarker>")
        found = till.ask("getProducts", f"<pluNumbers/><productNumbers>{product}</productNumbers>")
        assert till.ask("getArticleGroups").texts("groupNumber") == []
        assert changes.texts("isDeleted") == ["true", "true"]
        assert found.texts("groupNumbers") == []

    def test_products_are_added_replaced_and_taken_out_by_their_number(self, till: RawClient) -> None:
        group = self.new(till, "Bellen")
        first, second, third = (
            create(till, f"<articleNumber>{number}</articleNumber>").text("productNumber")
            for number in (500001, 500002, 500003)
        )

        def send(operation: str, *products: str, more: str = "") -> str:
            listed = "".join(f"<number>{product}</number>" for product in products)
            return till.ask(
                operation, f"<groupNumber>{group}</groupNumber>{more}<productNumbers>{listed}</productNumbers>"
            ).text("result")

        def members() -> list[str]:
            return till.ask("getArticleGroups").texts("productNumbers/number")

        assert send("addProductsToArticleGroup", first, second).endswith("-RESULT-OK")
        assert send("addProductsToArticleGroup", third, more="<position>1</position>").endswith("-RESULT-OK")
        assert members() == [third, first, second]
        assert read(till, 500003).texts("sortOrderGroup/sortOrder") == ["1"]
        assert send("deleteProductsFromArticleGroup", first).endswith("-RESULT-OK")
        assert members() == [third, second]
        assert send("replaceProductsOfArticleGroup", first).endswith("-RESULT-OK")
        assert members() == [first]
        assert send("addProductsToArticleGroup", "98765") == "ADD-PRODUCTS-TO-ARTICLE-GROUP-RESULT-NOT-FOUND"

    def test_a_product_names_its_groups_when_it_is_made(self, till: RawClient) -> None:
        group = self.new(till, "Bellen")
        place = f"<sortOrderGroup><groupNumber>{group}</groupNumber><sortOrder>7</sortOrder></sortOrderGroup>"
        create(till, rest=f"<sortOrderGroupList>{place}</sortOrderGroupList>")
        found = read(till, 500001)
        assert found.texts("product/groupNumbers") == [str(group)]
        assert found.texts("sortOrderGroup/sortOrder") == ["7"]
        assert till.ask("getProducts", f"<groupNumbers>{group}</groupNumbers><pluNumbers/>").texts(
            "article/articleNumber"
        ) == ["500001"]


class TestStock:
    def test_it_is_set_changed_and_read_as_a_scaled_number(self, till: RawClient) -> None:
        create(till)
        where = "<branchNumber>2</branchNumber><articleNumber>500001</articleNumber>"
        first = till.ask("setStock", f"{where}<amount>1250</amount><decimalPlaces>2</decimalPlaces>")
        second = till.ask("updateStock", f"{where}<amountChanged>-3</amountChanged>")
        found = till.ask(
            "getStock",
            "<branchNumber>2</branchNumber><articleNumbers><articleNumbers>500001</articleNumbers></articleNumbers>",
        )
        assert int(second.text("stockId")) == int(first.text("stockId")) + 1
        assert (found.text("amountFree"), found.text("decimalPlacesFree")) == ("95", "1")
        assert found.text("articleStocks/stockId") == second.text("stockId")

    @pytest.mark.parametrize(
        ("branch", "article", "result"),
        [(9, 500001, "BRANCH-NOT-FOUND"), (1, 123456, "ARTICLE-NOT-FOUND"), (1, 9900002, "NO-STOCK-ARTICLE")],
    )
    def test_what_has_no_stock_says_so(self, till: RawClient, branch: int, article: int, result: str) -> None:
        create(till)
        where = f"<branchNumber>{branch}</branchNumber><articleNumber>{article}</articleNumber>"
        assert till.ask("setStock", f"{where}<amount>1</amount>").text("result") == f"SET-STOCK-RESULT-{result}"
        assert (
            till.ask("updateStock", f"{where}<amountChanged>1</amountChanged>").text("result")
            == f"UPDATE-STOCK-RESULT-{result}"
        )

    def test_a_correction_is_booked_whole_or_not_at_all(self, till: RawClient) -> None:
        create(till)

        def correct(*rows: tuple[int, int]) -> Reply:
            listed = "".join(
                f"<correction><articleNumber>{article}</articleNumber><amount>{amount}</amount></correction>"
                for article, amount in rows
            )
            return till.ask(
                "saveStockCorrections",
                f"<branchNumber>1</branchNumber><employeeNumber>999999</employeeNumber><reference/><stockCorrectionList>{listed}</stockCorrectionList>",
            )

        refused = correct((500001, 4), (123456, 4))
        assert (refused.text("result"), refused.text("failedArticleNumber")) == (
            "SAVE-STOCK-CORRECTIONS-RESULT-ARTICLE-NOT-FOUND",
            "123456",
        )
        assert correct((500001, 4), (500001, 4)).text("result").endswith("DUPLICATE-ARTICLE")
        assert correct().text("result").endswith("NO-CORRECTIONS")
        assert correct((500001, 4)).text("result").endswith("-OK")
        history = till.ask(
            "getStockHistoryV2", "<articleNumbers><articleNumbers>500001</articleNumbers></articleNumbers>"
        )
        assert (history.texts("amountChanged"), history.texts("type")) == (["4"], ["STOCK-HISTORY-TYPE-CORRECTION"])

    def test_an_order_reserves_and_its_payment_releases(self, till: RawClient) -> None:
        create(till)
        where = "<branchNumber>1</branchNumber><articleNumber>500001</articleNumber>"
        till.ask("setStock", f"{where}<amount>10</amount>")
        till.call(prefixed(f"<createOrder>{order(quantity=4)}</createOrder>"))
        found = till.ask(
            "getStock",
            "<branchNumber>1</branchNumber><articleNumbers><articleNumbers>500001</articleNumbers></articleNumbers>",
        )
        assert (found.text("amountFree"), found.text("amountReserved")) == ("6", "4")


def order(ext: str = "W-1", quantity: int = 2, more: str = "", order_id: str = "") -> str:
    data = tags(quantity=quantity, decimalPlaces=0, price=1210, vatCode=2)
    line = tags(line=tags(articleNumber=500001, data=data))
    return (
        f"<order><orderId>{order_id}</orderId><extOrderId>{ext}</extOrderId>{more}<lineList>{line}</lineList></order>"
    )


class TestOrders:
    def test_the_till_adds_up_what_was_ordered(self, till: RawClient) -> None:
        made = till.call(prefixed(f"<createOrder>{order()}</createOrder>"))
        found = till.call(prefixed("<findOrder><extOrderId>W-1</extOrderId></findOrder>"))
        assert made.text("result") == "CREATE-ORDER-RESULT-OK"
        assert found.text("order/orderId") == made.text("info/orderId")
        assert (found.text("order/totalInclAmount"), found.text("order/totalExclAmount")) == ("2420", "2000")
        assert (found.text("vatGroup/exclAmount"), found.text("vatGroup/vatAmount")) == ("2000", "420")
        assert found.text("order/changeCounter") == "1"

    def test_an_external_id_is_used_once(self, till: RawClient) -> None:
        till.call(prefixed(f"<createOrder>{order()}</createOrder>"))
        again = till.call(prefixed(f"<createOrderV2><request>{order()}</request></createOrderV2>"))
        assert again.text("result") == "CREATE-ORDER-RESULT-EXT-ORDER-ID-ALREADY-EXISTS"

    def test_a_repeated_key_is_answered_again_and_not_carried_out_again(self, till: RawClient) -> None:
        payment = tags(paymentList=tags(payment=tags(method="IDEAL", amount=2420)))
        ask = f"{tags(idempotencyKey='k1')}{order('')}{tags(prepay='false')}{payment}"
        first, second = till.ask("createOrderV3", ask), till.ask("createOrderV3", ask)
        assert first.text("idempotencyResult") == "IDEMPOTENCY-RESULT-ORIGINAL-RESPONSE"
        assert second.text("idempotencyResult") == "IDEMPOTENCY-RESULT-REPLAY-RESPONSE"
        assert first.raw.replace(b"ORIGINAL", b"REPLAY") == second.raw
        assert first.text("payResult") == "PAY-ORDER-RESULT-OK"
        assert (
            till.call(prefixed(f"<getInvoice><invoiceId>{first.text('invoiceId')}</invoiceId></getInvoice>")).text(
                "invoice/totalInclAmount"
            )
            == "2420"
        )

    def test_an_update_with_old_counters_is_refused(self, till: RawClient) -> None:
        id_ = till.call(prefixed(f"<createOrder>{order()}</createOrder>")).text("info/orderId")

        def change(counter: int, reference: str) -> str:
            told = tags(order=tags(orderId=id_, reference=reference, changeCounter=counter))
            return till.call(prefixed(f"<updateOrder>{told}</updateOrder>")).text("result")

        assert change(1, "PO 1") == "UPDATE-ORDER-RESULT-OK"
        assert change(1, "PO 2") == "UPDATE-ORDER-RESULT-ORDER-HAS-CHANGED"
        assert change(2, "PO 1") == "UPDATE-ORDER-RESULT-NO-CHANGES"
        assert (
            till.call(prefixed("<updateOrder><order><orderId>x</orderId></order></updateOrder>")).text("result")
            == "UPDATE-ORDER-RESULT-NOT-FOUND"
        )

    def test_cancelling_twice_is_harmless(self, till: RawClient) -> None:
        id_ = till.call(prefixed(f"<createOrder>{order()}</createOrder>")).text("info/orderId")
        cancel = prefixed(f"<cancelOrder><orderId>{id_}</orderId></cancelOrder>")
        assert [till.call(cancel).text("result") for _ in range(2)] == [
            "CANCEL-ORDER-RESULT-OK",
            "CANCEL-ORDER-RESULT-ALREADY-CANCELLED",
        ]

    def test_a_deposit_is_kept_and_the_rest_makes_the_invoice(self, till: RawClient) -> None:
        id_ = till.call(prefixed(f"<createOrder>{order()}</createOrder>")).text("info/orderId")

        def pay(prepay: str, amount: int) -> Reply:
            payment = f"<paymentList><payment><method>PIN</method><amount>{amount}</amount></payment></paymentList>"
            return till.ask("payOrder", f"<orderId>{id_}</orderId><prepay>{prepay}</prepay>{payment}")

        assert pay("true", 1000).text("result") == "PAY-ORDER-RESULT-OK"
        assert pay("false", 1000).text("result") == "PAY-ORDER-RESULT-PAYMENT-INSUFFICIENT"
        done = pay("false", 1420)
        found = till.call(prefixed(f"<getOrder><orderId>{id_}</orderId></getOrder>"))
        assert done.text("result") == "PAY-ORDER-RESULT-OK"
        assert found.texts("invoiceIds/id") == [done.text("invoiceId")]
        assert found.text("fullyPaid") == "true"
        assert found.text("order/deliveryState") == "ORDER-DELIVERY-STATE-COMPLETE"
        assert pay("false", 1).text("result") == "PAY-ORDER-RESULT-ORDER-ALREADY-INVOICED"

    def test_another_branch_needs_a_workplace(self, till: RawClient) -> None:
        reply = till.call(
            prefixed(f"<createOrder>{order(more='<entryBranchNumber>2</entryBranchNumber>')}</createOrder>")
        )
        assert reply.text("result") == "CREATE-ORDER-RESULT-FAILED"
        assert "workplace" in reply.text("errorMessage")

    @pytest.mark.parametrize(
        ("operation", "kind", "count"),
        [("getOrders", "order", 60), ("getReceipts", "receipt", 300), ("getInvoices", "invoice", 20)],
    )
    def test_paging_by_marker_meets_every_document_once(
        self, till: RawClient, operation: str, kind: str, count: int
    ) -> None:
        seen: list[str] = []
        marker, unsorted = 0, False
        while True:
            reply = page(till, operation, marker, 17)
            markers = [int(text) for text in reply.texts(f"{kind}/syncMarker")]
            if not markers:
                break
            unsorted = unsorted or markers != sorted(markers)
            seen += reply.texts(f"{kind}/{kind}Id")
            marker = max(markers) + 1
        assert len(seen) == len(set(seen)) == count
        assert unsorted

    def test_a_line_that_moves_is_added_up_again(self, till: RawClient) -> None:
        id_ = till.call(prefixed(f"<createOrder>{order()}</createOrder>")).text("info/orderId")
        found = till.call(prefixed(f"<getOrder><orderId>{id_}</orderId></getOrder>")).body.find("{*}order")
        text = etree.tostring(found).decode().replace("<ns:quantity>2<", "<ns:quantity>3<")
        assert till.call(f"<ns:updateOrder>{text}</ns:updateOrder>").text("result") == "UPDATE-ORDER-RESULT-OK"
        after = till.call(prefixed(f"<getOrder><orderId>{id_}</orderId></getOrder>"))
        assert (after.text("order/totalInclAmount"), after.text("order/totalExclAmount")) == ("3630", "3000")

    def test_headers_come_without_lines(self, till: RawClient) -> None:
        ask = "<articlePluNumbers/><articleBarcodes/><includeLineList>false</includeLineList>"
        assert till.ask("getOrders", ask).texts("lineList") == []


class TestRelations:
    def make(self, till: RawClient, fields: str) -> str:
        reply = till.call(prefixed(f"<createRelation><relation>{fields}</relation></createRelation>"))
        assert reply.text("result") == "CREATE-RELATION-RESULT-OK"
        return reply.text("relationNumber")

    def test_an_update_keeps_what_it_does_not_mention(self, till: RawClient) -> None:
        number = self.make(till, "<name>John Doe</name><email>john@doe.example</email><nieuwVeld>x</nieuwVeld>")
        till.call(
            prefixed(
                f"<updateRelation><relation><relationNumber>{number}</relationNumber><city>Zeist</city></relation></updateRelation>"
            )
        )
        found = till.call(prefixed(f"<getRelation><relationNumber>{number}</relationNumber></getRelation>"))
        assert [found.text(name) for name in ("name", "city", "email", "nieuwVeld")] == [
            "John Doe",
            "Zeist",
            "john@doe.example",
            "x",
        ]

    def test_a_part_is_enough_for_finding_unless_it_must_be_exact(self, till: RawClient) -> None:
        number = self.make(till, "<name>John Doe</name><email>john@doe.example</email>")

        def find(term: str, *, exact: bool) -> str:
            ask = f"<relation>{term}</relation><exactMatch>{str(exact).lower()}</exactMatch>"
            return till.ask("findRelationV2", ask).text("relationNumber")

        partial = till.call(prefixed("<findRelation><relation><name>john d</name></relation></findRelation>"))
        assert partial.text("relationNumber") == number
        assert find("<email>doe.example</email>", exact=False) == number
        assert find("<email>doe.example</email>", exact=True) == ""
        assert find("<email>John@Doe.example</email>", exact=True) == number

    def test_finding_by_number_is_a_fault(self, till: RawClient) -> None:
        reply = till.call(
            prefixed("<findRelation><relation><relationNumber>1001</relationNumber></relation></findRelation>")
        )
        assert "Use getRelation instead" in reply.fault[1]

    def test_a_missing_one_is_not_found_and_the_answer_is_whole(self, till: RawClient) -> None:
        reply = till.call(prefixed("<getRelation><relationNumber>5</relationNumber></getRelation>"))
        assert reply.text("result") == "GET-RELATION-RESULT-NOT-FOUND"
        assert len(reply.texts("relation")) == 1

    def test_a_taken_number_is_refused(self, till: RawClient) -> None:
        reply = till.call(
            prefixed("<createRelation><relation><relationNumber>1001</relationNumber></relation></createRelation>")
        )
        assert reply.text("result") == "CREATE-RELATION-RESULT-FAILED-RELATION-NUMBER-ALREADY-TAKEN"

    def test_paging_by_marker_meets_every_relation_once(self, till: RawClient) -> None:
        self.make(till, "<name>Laatste</name>")
        first = page(till, "getRelations", 1, 50)
        rest = page(till, "getRelations", max(map(int, first.texts("relation/syncMarker"))) + 1, 50)
        numbers = first.texts("relation/relationNumber") + rest.texts("relation/relationNumber")
        assert len(numbers) == len(set(numbers)) == 68
        assert "Laatste" in rest.texts("relation/name")


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
        until(lambda: bool(read(till, 500001).texts("product/productNumber")), "the late product")

    def test_a_late_change_shows_the_old_value_until_then(self, sandbox: Sandbox, till: RawClient) -> None:
        create(till)
        changed = tags(articleList=tags(article=tags(articleNumber=500001, priceIncl=2420)))
        with sandbox.switches.armed(Fault.LATE, operation="updateProduct", seconds=LATE):
            update(till, changed)
        assert read(till, 500001).text("priceIncl") == "1210"
        until(lambda: read(till, 500001).text("priceIncl") == "2420", "the late price")

    def test_late_stock_shows_the_old_amount_until_then(self, sandbox: Sandbox, till: RawClient) -> None:
        where = tags(branchNumber=1, articleNumber=9900005)
        ask = tags(branchNumber=1, articleNumbers=tags(articleNumbers=9900005))
        with sandbox.switches.armed(Fault.LATE, operation="setStock", seconds=LATE):
            till.ask("setStock", f"{where}<amount>7</amount>")
        assert till.ask("getStock", ask).text("amountFree") == "40"
        until(lambda: till.ask("getStock", ask).text("amountFree") == "7", "the late stock")

    def test_a_late_group_is_not_in_the_tree_yet(self, sandbox: Sandbox, till: RawClient) -> None:
        with sandbox.switches.armed(Fault.LATE, operation="newArticleGroup", seconds=LATE):
            till.ask("newArticleGroup", tags(parentGroupNumber=0, name="Bellen", text=""))
        assert till.ask("getArticleGroups").texts("name") == []
        until(lambda: till.ask("getArticleGroups").texts("name") == ["Bellen"], "the late group")

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
            assert till.call(prefixed(f"<{operation}>{content}</{operation}>")).text("result").endswith("-OK")
        stored = [str(row.get(key)) for row in sandbox.state(table, "mplus")]
        asked = {"priceIncl": "1210", "name": "Jan", "amountFree": "7", "reference": "PO"}[key]
        assert asked not in stored

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


class TestTheControlAddress:
    def control(self, till: RawClient, told: dict[str, Any]) -> int:
        return till.request("POST", "/_sandbox/edit", json.dumps(told)).status

    def test_an_edit_by_hand_raises_the_marker_and_is_no_call(self, sandbox: Sandbox, till: RawClient) -> None:
        create(till)
        before = (read(till, 500001).text("product/syncMarker"), len(sandbox.ledger.writes()))
        assert self.control(till, {"table": "articles", "key": "500001", "values": {"priceIncl": 500}}) == 200
        found = read(till, 500001)
        assert (found.text("priceIncl"), found.text("priceExcl")) == ("500", "413")
        assert int(found.text("product/syncMarker")) > int(before[0])
        assert len(sandbox.ledger.writes()) == before[1]

    @pytest.mark.parametrize(
        ("table", "key", "values", "field"),
        [
            ("relations", "1001", {"city": "Delft"}, "city"),
            ("products", "1", {"description": "Delft"}, "description"),
            ("orders", "WEB-00002", {"reference": "Delft"}, "reference"),
        ],
    )
    def test_other_objects_can_be_edited_too(
        self, sandbox: Sandbox, till: RawClient, table: str, key: str, values: dict[str, str], field: str
    ) -> None:
        assert self.control(till, {"table": table, "key": key, "values": values}) == 200
        assert "Delft" in [row.get(field) for row in sandbox.state(table, "mplus")]

    def test_stock_can_be_edited(self, sandbox: Sandbox, till: RawClient) -> None:
        assert self.control(till, {"table": "stock", "key": "1/9900005", "values": {"amount": "12.5"}}) == 200
        assert "12.5" in [row["amountFree"] for row in sandbox.state("stock", "mplus")]

    def test_a_convention_can_be_changed(self, till: RawClient) -> None:
        choice = {"value": "wrappers may be absent"}
        assert till.ask("getProducts").status == 500
        assert self.control(till, {"table": "conventions", "key": "required", "values": choice}) == 200
        assert till.ask("getProducts").status == 200
        assert self.control(till, {"table": "conventions", "key": "weather", "values": choice}) != 200

    def test_what_is_not_there_cannot_be_edited(self, till: RawClient) -> None:
        assert self.control(till, {"table": "articles", "key": "5", "values": {}}) != 200


def test_it_holds_the_same_after_a_restart(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    tables = ("products", "groups", "relations", "orders", "stock", "markers", "invoices", "receipts")
    with running(articles=60, journal=journal) as before:
        till = RawClient(before.mplus_url)
        with before.switches.armed(Fault.WRONG, operation="createProduct"):
            create(till)
        till.call(prefixed(f"<createOrder>{order()}</createOrder>"))
        till.ask("newArticleGroup", "<parentGroupNumber>0</parentGroupNumber><name>Bellen</name><text/>")
        before.till.advance_day()
        till.request(
            "POST", "/_sandbox/edit", json.dumps({"table": "articles", "key": "500001", "values": {"priceIncl": 5}})
        )
        held = {table: before.state(table, "mplus") for table in tables}
    with running(articles=60, journal=journal) as after:
        assert {table: after.state(table, "mplus") for table in tables} == held


class TestConventions:
    def till(self, **choices: Any) -> Till:
        return Till(make_shop(40), Switches(), Ledger(), conventions=TillConventions(**choices))

    def ask(self, till: Till, content: str) -> Reply:
        message = enveloped(prefixed(content))
        return Reply(200, till.answered(till.understood(message.encode()), None).body)

    def test_percentages_can_be_plain(self) -> None:
        rates = self.ask(self.till(percentages_in_hundredths=False), "<getVatGroupList></getVatGroupList>").texts(
            "vatPercentage"
        )
        assert set(rates) == {"21", "9", "0"}

    def test_wrappers_and_the_id_of_a_new_order_may_be_absent(self) -> None:
        till = self.till(required="wrappers may be absent")
        line = "<lineList><line><articleNumber>5</articleNumber></line></lineList>"
        assert len(self.ask(till, "<getOrders><request></request></getOrders>").texts("order/orderId")) == 60
        assert (
            self.ask(till, f"<createOrder><order>{line}</order></createOrder>").text("result")
            == "CREATE-ORDER-RESULT-OK"
        )
        asked = tags(request=f"<idempotencyKey>a</idempotencyKey><order>{line}</order>")
        assert self.ask(till, tags(createOrderV3=asked)).text("result") == "CREATE-ORDER-RESULT-OK"

    def test_answers_can_be_in_order(self) -> None:
        ask = tags(getOrders=tags(request=tags(articlePluNumbers="", articleBarcodes="")))
        markers = [
            int(text) for text in self.ask(self.till(order_within_answer="by marker"), ask).texts("order/syncMarker")
        ]
        assert markers == sorted(markers)


needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason="the vendor's description is not here")
DESCRIPTIONS = ["served", pytest.param("reference", marks=needs_reference)]


@pytest.fixture(params=DESCRIPTIONS)
def zeep_till(request: pytest.FixtureRequest, sandbox: Sandbox) -> Any:
    wsdl = f"{sandbox.mplus_url}?wsdl" if request.param == "served" else str(REFERENCE)
    return zeep_service(sandbox.mplus_url, wsdl)


class TestAStockClient:
    def test_products_groups_and_stock(self, zeep_till: Any) -> None:
        group = zeep_till.newArticleGroup(request={"parentGroupNumber": 0, "name": "Bellen", "text": ""})
        article = {"articleNumber": 500001, "description": "Bel", "vatCode": 2, "priceExcl": 1000, "stockArticle": True}
        made = zeep_till.createProduct(product={"description": "Bel", "articleList": {"article": [article]}})
        added = zeep_till.addProductsToArticleGroup(
            request={"groupNumber": group.groupNumber, "productNumbers": {"number": [made.productNumber]}}
        )
        changed = {"articleNumber": 500001, "priceExcl": 2000}
        done = zeep_till.updateProduct(
            product={"productNumber": made.productNumber, "articleList": {"article": [changed]}}
        )
        found = zeep_till.getProducts(request={"articleNumbers": [500001], "pluNumbers": {}})
        booked = zeep_till.setStock(
            request={"branchNumber": 1, "articleNumber": 500001, "amount": 25, "decimalPlaces": 1}
        )
        stock = zeep_till.getStock(request={"branchNumber": 1, "articleNumbers": {"articleNumbers": [500001]}})
        assert (made.result, added, done.result) == (
            "CREATE-PRODUCT-RESULT-OK",
            "ADD-PRODUCTS-TO-ARTICLE-GROUP-RESULT-OK",
            "UPDATE-PRODUCT-RESULT-OK",
        )
        assert [one.priceIncl for one in found[0].articleList.article] == [2420]
        assert found[0].groupNumbers == [group.groupNumber]
        assert booked.result == "SET-STOCK-RESULT-OK"
        assert (stock[0].amountFree, stock[0].decimalPlacesFree) == (25, 1)

    def test_orders_and_relations(self, zeep_till: Any) -> None:
        relation = zeep_till.createRelation(relation={"name": "Jan", "email": "jan@jan.example"})
        found = zeep_till.findRelationV2(request={"relation": {"email": "jan@jan.example"}, "exactMatch": True})
        line = {"articleNumber": 9900005, "data": {"quantity": 2, "decimalPlaces": 0}}
        made = zeep_till.createOrderV3(
            request={
                "idempotencyKey": "one",
                "order": {"orderId": "", "relationNumber": relation.relationNumber, "lineList": {"line": [line]}},
            }
        )
        orders = zeep_till.getOrders(
            request={"relationNumbers": [relation.relationNumber], "articlePluNumbers": {}, "articleBarcodes": {}}
        )
        assert found.relation.name == "Jan"
        assert made.result == "CREATE-ORDER-RESULT-OK"
        assert [(one.totalInclAmount, one.relationName) for one in orders] == [(500, "Jan")]

    def test_a_fault_is_a_fault(self, sandbox: Sandbox, zeep_till: Any) -> None:
        with sandbox.switches.armed(Fault.EXPIRED), pytest.raises(ZeepFault, match="Invalid credentials"):
            zeep_till.getBranches()


@needs_reference
def test_every_answer_is_valid_by_the_vendors_description(sandbox: Sandbox, till: RawClient) -> None:
    vendor = Contract(REFERENCE)
    create(till, f"{WITH_BARCODE}<priceIncl>1210</priceIncl>")
    TestGroups().new(till, "Bellen")
    till.ask("setStock", "<branchNumber>1</branchNumber><articleNumber>500001</articleNumber><amount>5</amount>")
    made = till.call(prefixed(f"<createOrder>{order()}</createOrder>")).text("info/orderId")
    documents = {kind: sandbox.state(kind, "mplus")[0] for kind in ("receipts", "invoices")}
    ids = {
        "orderId": made,
        "receiptId": documents["receipts"]["receiptId"],
        "invoiceId": documents["invoices"]["invoiceId"],
    }
    asked = set()
    for operation in Contract().operations:
        reply = till.call(_least(operation, Contract(), ids))
        assert reply.status == 200, (operation, reply.raw)
        vendor.check(reply.body)
        asked.add(operation)
    assert len(asked) == len(Contract().operations)


def test_a_hundred_thousand_articles_are_read_in_no_time() -> None:
    till = Till(make_shop(40), Switches(), Ledger())
    conventions = TestConventions()
    begin = time.process_time()
    for start in range(0, 2000, 10):
        articles = "".join(
            tags(article=tags(articleNumber=700000 + start + place, vatCode=2, priceIncl=100)) for place in range(10)
        )
        conventions.ask(
            till, f"<createProduct><product><articleList>{articles}</articleList></product></createProduct>"
        )
    made = time.process_time()
    numbers = "".join(f"<articleNumbers>{700000 + 10 * place}</articleNumbers>" for place in range(200))
    found = conventions.ask(till, f"<getProducts><request>{numbers}<pluNumbers></pluNumbers></request></getProducts>")
    read_ = time.process_time()
    assert len(found.texts("product/productNumber")) == 200
    assert made - begin < 10
    assert read_ - made < 1


def _least(operation: str, contract: Contract, ids: dict[str, str]) -> str:
    """The smallest valid request of an operation."""

    def fill(type_: str, name: str) -> str:
        if type_ in contract.types:
            return "".join(
                f"<{field.name}>{fill(field.type, field.name)}</{field.name}>"
                for field in contract.types[type_].values()
                if field.required or field.name in {"lineList", "line"}
            )
        if type_ in contract.enums:
            return contract.enums[type_][0]
        return ids.get(name) or {"xsd:boolean": "true", "xsd:string": "x"}.get(type_, "1")

    return prefixed(f"<{operation}>{fill(operation, '')}</{operation}>")


def _plain(element: Any, without: set[str]) -> Any:
    """An element as nested names and texts."""
    children = [_plain(child, without) for child in element if etree.QName(child).localname not in without]
    return (str(etree.QName(element).localname), children or (element.text or ""))
