"""Fields of an installation, and suggestions from their captions."""

from integration.connectors.accountview.connector import AccountView
from integration.core.records import FieldType, Kind
from integration.sandbox.server import running
from tests.builders import accountview_settings
from tests.connectors.accountview.samples import connect_accountview


def test_fields_of_articles_have_captions_lengths_and_types_from_the_dictionary(accountview: AccountView) -> None:
    fields = {field.name: field for field in accountview.fields(Kind.ARTICLE)}
    assert (fields["name"].caption, fields["name"].length, fields["name"].wire) == ("Omschrijving", 40, "ART_DESC1")
    assert fields["price"].type is FieldType.MONEY
    assert fields["blocked"].type is FieldType.FLAG
    assert fields["K9_EAN"].custom
    assert "ART_DESC1" not in fields


def test_columns_are_proposed_by_their_captions(accountview: AccountView) -> None:
    assert accountview.propose_fields() == {
        Kind.ARTICLE: {
            "ean": "K9_EAN",
            "text": "K9_TEXT",
            "parent": "K9_PARENT",
            "colour": "K9_COLOUR",
            "size": "K9_SIZE",
            "currency": "CUR_CODE",
        },
        Kind.GROUP: {"parent": "K9_PARENT"},
    }


def test_columns_of_other_installations_are_proposed_by_their_captions() -> None:
    renamed = {"SO_HDR.GROSS_FLG": "BRUTO", "SO_HDR.ORD_NR": "NR", "SO_HDR.COMMENT3": "INTERN"}
    with running(articles=60, trades=False, renamed=renamed) as other, connect_accountview(other) as accountview:
        proposed = accountview.propose_fields()
        settings = accountview_settings(other, **{str(kind): names for kind, names in proposed.items()})
    assert dict(settings.sales_order)["order_number"] == "NR"
    assert proposed[Kind.SALES_ORDER] == {"order_number": "NR", "note": "INTERN", "gross": "BRUTO"}


def test_fields_have_captions_lengths_and_types_from_the_dictionary(books: AccountView) -> None:
    fields = {kind: {field.name: field for field in books.fields(kind)} for kind in
              (Kind.DEBTOR, Kind.ADDRESS, Kind.SALES_ORDER, Kind.POSTING, Kind.LINE)}  # fmt: skip
    email = fields[Kind.DEBTOR]["email"]
    assert (email.caption, email.length, email.wire) == ("E-mail zakelijk", 50, "MAIL_BUS")
    assert fields[Kind.SALES_ORDER]["reference"].wire == "COMMENT1"
    assert fields[Kind.SALES_ORDER]["gross"].type is FieldType.FLAG
    assert fields[Kind.SALES_ORDER]["discount"].type is FieldType.MONEY
    assert fields[Kind.POSTING]["date"].type is FieldType.DATE
    assert fields[Kind.ADDRESS]["street"].length == 80
    assert {"article", "price", "account", "amount"} <= fields[Kind.LINE].keys()
    assert fields[Kind.LINE]["text"].wire == "ART_DESC1"
