"""Products at the till sandbox: made, changed, and read by number, group and marker."""

from typing import Any

import pytest
from lxml import etree

from tests.sandbox.mplus.calls import TEA, WITH_BARCODE, create, read, update
from tests.sandbox.soap_client import RawClient, prefix_tags, tags


class TestProducts:
    def test_what_was_created_can_be_read(self, till: RawClient) -> None:
        create_reply = create(till)
        read_reply = read(till, 500001)
        assert create_reply.text("result") == "CREATE-PRODUCT-RESULT-OK"
        assert create_reply.texts("articleNumbers") == ["500001"]
        assert read_reply.text("product/productNumber") == create_reply.text("productNumber")
        assert read_reply.text("article/description") == "Fietsbel"
        assert read_reply.text("product/syncMarker") == create_reply.text("syncMarker")

    @pytest.mark.parametrize(
        ("fields", "incl", "excl"),
        [
            ("<priceIncl>1210</priceIncl>", "1210", "1000"),
            ("<priceExcl>1000</priceExcl>", "1210", "1000"),
            ("<priceIncl>1210</priceIncl><priceExcl>999</priceExcl>", "1210", "999"),
        ],
    )
    def test_the_price_that_is_left_out_is_computed(self, till: RawClient, fields: str, incl: str, excl: str) -> None:
        create(till, TEA + fields)
        reply = read(till, 500001)
        assert (reply.text("priceIncl"), reply.text("priceExcl")) == (incl, excl)

    def test_an_update_changes_what_it_mentions_and_nothing_else(self, till: RawClient) -> None:
        create_reply = create(
            till,
            f"{TEA}<purchasePrice>5</purchasePrice><priceIncl>1210</priceIncl><futureField>kept</futureField>",
            "<futureRest>too</futureRest>",
        )
        number = create_reply.text("productNumber")
        reply = update(
            till,
            f"<productNumber>{number}</productNumber><articleList><article><articleNumber>500001</articleNumber>"
            "<priceIncl>2420</priceIncl></article><article><articleNumber>500002</articleNumber><vatCode>2</vatCode></article></articleList>",
        )
        read_reply = read(till, 500001)
        assert reply.text("result") == "UPDATE-PRODUCT-RESULT-OK"
        assert reply.texts("existingArticleNumbers") == ["500001"]
        assert reply.texts("newArticleNumbers") == ["500002"]
        assert int(reply.text("syncMarker")) > int(create_reply.text("syncMarker"))
        texts = [
            read_reply.text(name)
            for name in ("priceIncl", "priceExcl", "purchasePrice", "futureField", "futureRest", "article/description")
        ]
        assert texts == ["2420", "2000", "5", "kept", "too", "Fietsbel"]

    def test_an_article_that_was_read_can_be_written_back_as_it_is(self, till: RawClient) -> None:
        create(till, f"{WITH_BARCODE}<priceIncl>1210</priceIncl><futureField>1</futureField>")
        before = read(till, 500001).body.find(".//{urn:mplusqapi}product")
        text = etree.tostring(before).decode()
        reply = till.call(f"<ns:updateProduct>{text}</ns:updateProduct>")
        after = read(till, 500001).body.find(".//{urn:mplusqapi}product")
        moving = {"syncMarker", "changeTimestamp"}
        assert reply.text("result") == "UPDATE-PRODUCT-RESULT-OK"
        assert _nested_texts(after, moving) == _nested_texts(before, moving)

    def test_a_new_barcode_becomes_the_current_one(self, till: RawClient) -> None:
        create(till, WITH_BARCODE)
        update(
            till,
            "<articleList><article><articleNumber>500001</articleNumber><barcode>8719990000023</barcode></article></articleList>",
        )
        reply = read(till, 500001)
        assert reply.text("article/barcode") == "8719990000023"
        assert reply.texts("barcodeList/barcode/isCurrent") == ["false", "true"]

    def test_taken_numbers_are_refused(self, till: RawClient) -> None:
        first = create(till)
        assert create(till).text("result") == "CREATE-PRODUCT-RESULT-FAILED-ARTICLE-NUMBER-ALREADY-TAKEN"
        repeat_reply = till.call(
            prefix_tags(
                f"<createProduct><product><productNumber>{first.text('productNumber')}</productNumber></product></createProduct>"
            )
        )
        assert repeat_reply.text("result") == "CREATE-PRODUCT-RESULT-FAILED-PRODUCT-NUMBER-ALREADY-TAKEN"

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ("<vatCode>77</vatCode>", "VAT code 77"),
            ("<turnoverGroup>77</turnoverGroup>", "Turnover group 77"),
            (
                "<customFieldList><customField><fieldName>kleurtje</fieldName></customField></customFieldList>",
                "kleurtje",
            ),
        ],
    )
    def test_codes_that_do_not_exist_are_refused(self, till: RawClient, fields: str, expected: str) -> None:
        reply = create(till, f"<articleNumber>500009</articleNumber>{fields}")
        assert reply.text("result") == "CREATE-PRODUCT-RESULT-FAILED"
        assert expected in reply.text("errorMessage")
        assert not read(till, 500009).texts("product")

    def test_a_product_that_is_missing_cannot_be_updated(self, till: RawClient) -> None:
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
        first_page = till.ask(
            "getProducts", f"<pluNumbers/><syncMarker>{start}</syncMarker><syncMarkerLimit>1</syncMarkerLimit>"
        )
        assert sorted(map(int, first.texts("product/syncMarker"))) == [start, start + 1]
        assert len(first_page.texts("article/articleNumber")) == 2

    def test_paging_by_marker_meets_every_product_once(self, till: RawClient) -> None:
        for number in range(500001, 500021):
            create(till, f"<articleNumber>{number}</articleNumber>")
        product_numbers: list[str] = []
        marker, answers = 0, 0
        while product_page := (
            reply := till.ask(
                "getProducts", f"<pluNumbers/><syncMarker>{marker}</syncMarker><syncMarkerLimit>4</syncMarkerLimit>"
            )
        ).texts("product/productNumber"):
            product_numbers += product_page
            marker = max(map(int, reply.texts("product/syncMarker"))) + 1
            answers += 1
        assert len(product_numbers) == len(set(product_numbers)) == 29
        assert answers == 8


def _nested_texts(element: Any, without: set[str]) -> Any:
    """An element as nested names and texts."""
    children = [_nested_texts(child, without) for child in element if etree.QName(child).localname not in without]
    return (str(etree.QName(element).localname), children or (element.text or ""))
