"""Debtors: how a debtor is identified, and which values a change writes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import count

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.errors import InDoubtError, MalformedAnswerError, RejectedError
from integration.core.plan import differences
from integration.core.records import Kind, Record, Unreadable, Value
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.builders import an_update
from tests.connectors.accountview.samples import (
    a_debtor,
    a_line,
    a_posting,
    an_address,
    an_order,
    calls_since,
    connect_accountview,
    create_record,
    look_up_record,
    newest_call,
    nobody_but,
    with_a_debtor,
)
from tests.fakes import Links, MemoryTokenStore
from tests.recording_server import alter_column

NUMBERS = count(70001)  # of debtors entered by hand


def add_debtor(sandbox: Sandbox, number: str, **values: object) -> None:
    sandbox.accountview.add("CONTACT", {"SUB_NR": number, "ACCT_NAME": "Iemand", "ACCT_NR": "1300", **values})


def extract_all(accountview: AccountView, kind: Kind, since: str | None = None) -> tuple[list[Record], str | None]:
    batch = accountview.extract(kind, since)
    records = [*batch.records]
    while batch.after is not None:
        batch = accountview.extract(kind, since, batch.after)
        records += batch.records
    return records, batch.stamp


@pytest.mark.parametrize(
    ("columns", "values", "evidence"),
    [
        ({"DEB_NR": "77701"}, {"external_id": "77701"}, "external_id"),
        ({"DEB_NR": "k-77702"}, {}, "external_id"),
        ({"VAT_NR": "NL777030000B01"}, {"vat_number": "nl 7770.30.000.b01"}, "vat_number"),
        ({"VAT_NR": "BE0777.040.000"}, {"vat_number": "BE0777040000"}, "vat_number"),
        ({"VAT_NR": "DE 777050000"}, {"vat_number": "DE777050000"}, "vat_number"),
        ({"VAT_NR": "777060000B01", "CNT_CODE": "NL"}, {"vat_number": "NL777060000B01"}, "vat_number"),
        ({"MAIL_BUS": "Iemand@Elders.example"}, {"email": "iemand@elders.example"}, "email"),
        ({"MAIL_BUS": "lager@elders.example"}, {"email": "LAGER@elders.example"}, "email"),
        ({"MC_MAILB": "contact@elders.example"}, {"email": "contact@elders.example"}, "email"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value,
)
def test_a_debtor_is_recognised_by_evidence(
    columns: Mapping[str, object], values: Mapping[str, Value], evidence: str, shared_sandbox: Sandbox,
    books: AccountView, links: Links,
) -> None:  # fmt: skip
    number = str(next(NUMBERS))
    add_debtor(shared_sandbox, number, **columns)
    current = look_up_record(books, nobody_but("k-77702", **values), links)
    assert (current.reference, current.evidence, current.other_references) == (number, evidence, ())
    assert current.marker
    shared_sandbox.accountview.remove("CONTACT", number)


def test_a_vat_number_without_its_country_is_of_the_one_that_a_debtor_is_in(
    shared_sandbox: Sandbox, books: AccountView, links: Links
) -> None:
    number = str(next(NUMBERS))
    add_debtor(shared_sandbox, number, VAT_NR="777080000", CNT_CODE="PT")
    assert books.lookup([nobody_but("k", vat_number="DE777080000")], links) == {}
    assert look_up_record(books, nobody_but("k", vat_number="PT777080000"), links).reference == number
    shared_sandbox.accountview.remove("CONTACT", number)


def test_the_stronger_evidence_wins(sandbox: Sandbox, links: Links) -> None:
    for number, columns in (
        ("71001", {"MAIL_BUS": "x@elders.example"}),
        ("71002", {"VAT_NR": "NL111222333B01"}),
        ("71003", {"DEB_NR": "900"}),
        ("71004", {}),
    ):
        add_debtor(sandbox, number, **columns)
    complete = {"external_id": "900", "vat_number": "NL111222333B01", "email": "x@elders.example"}
    keeper = MemoryTokenStore()
    with connect_accountview(sandbox, keeper) as accountview:

        def reference(**values: Value) -> str:
            return look_up_record(accountview, nobody_but("k", **values), links).reference

        assert reference(email=complete["email"]) == "71001"
        assert reference(email=complete["email"], vat_number=complete["vat_number"]) == "71002"
        assert reference(**complete) == "71003"
        links.references[Kind.DEBTOR, "k"] = "71004"
        assert reference(**complete) == "71004"
        assert look_up_record(accountview, nobody_but("k", **complete), links).evidence == "link"


@pytest.mark.parametrize("shared", ["email", "vat_number"])
def test_a_debtor_that_carries_another_external_id_is_not_who_shares_an_address(
    shared: str, sandbox: Sandbox, links: Links
) -> None:
    values: dict[str, Value] = {"email": "samen@elders.example"}
    if shared == "vat_number":
        values = {"email": "", "vat_number": "NL123456782B01"}
    debtor, other = (a_debtor(key, **values) for key in ("601", "602"))
    with connect_accountview(sandbox) as accountview:
        for desired, fault in ((debtor, "cut_after"), (other, "cut_before")):
            with sandbox.switches.armed(fault, operation="AR1 POST"), pytest.raises(InDoubtError):
                create_record(accountview, desired, links, keep=False)
        assert accountview.lookup([debtor, other], links).keys() == {"601"}
        assert accountview.lookup([other], links) == {}
        add_debtor(sandbox, "72001", MAIL_BUS="samen@elders.example", VAT_NR="NL123456782B01")
        reference = accountview.lookup([debtor], links)["601"].reference
        current = accountview.lookup([other], links)["602"]
        assert (current.reference, current.other_references) == ("72001", (reference,))


def test_a_link_whose_debtor_is_gone_is_not_replaced_by_a_guess(books: AccountView, links: Links) -> None:
    links.references[Kind.DEBTOR, "20003"] = "99999"
    customer = look_up_record(books, nobody_but("x", email="familie1@mail.example"), Links())
    assert customer.reference
    assert books.lookup([nobody_but("20003", email="familie1@mail.example")], links) == {}


def test_blank_evidence_matches_nobody(books: AccountView, links: Links) -> None:
    assert books.lookup([nobody_but("no-such-key", email=" ", vat_number="")], links) == {}


def test_several_debtors_by_the_same_evidence_are_a_question(sandbox: Sandbox, links: Links) -> None:
    for number, blocked in (("81001", True), ("81010", False), ("81002", False)):
        column = "MC_MAILB" if blocked else "MAIL_BUS"
        add_debtor(sandbox, number, BLK_SP=blocked, **{column: "samen@elders.example"})
    with connect_accountview(sandbox) as accountview:
        current = look_up_record(accountview, nobody_but("k", email="samen@elders.example"), links)
    assert (current.reference, current.other_references) == ("81002", ("81010", "81001"))


@pytest.mark.parametrize(
    "conventions",
    [
        Conventions(padded_text=True),
        Conventions(one_row_as_object=True),
        Conventions(no_hit="absent"),
        Conventions(no_hit="not_found"),
        Conventions(equal_is_prefix=True),
        Conventions(text_ignores_case=False),
        Conventions(errors_as_ok=True),
    ],
    ids=["padded", "row as object", "absent", "404", "equal is a prefix", "case counts", "errors as ok"],
)
def test_what_the_sources_leave_open_makes_no_difference(conventions: Conventions, links: Links) -> None:
    with (
        running(articles=60, trades=False, conventions=conventions) as other,
        connect_accountview(other) as accountview,
    ):
        for key in ("50", "501", "5"):
            if key != "5":
                create_record(accountview, a_debtor(key, email=f"a{key}@x.example"), links, keep=False)
                create_record(accountview, an_order(key), links, keep=False)
                create_record(accountview, a_posting(key), links, keep=False)
        add_debtor(other, "82001", MAIL_BUS="a5@x.example.elders")
        debtors = [a_debtor(key, email=f"A{key}@x.example") for key in ("50", "501", "5")]
        assert accountview.lookup(debtors, links).keys() == {"50", "501"}
        add_debtor(other, "82002", MAIL_BUS="a502@x.example")
        by_mail = [
            nobody_but("m", email="a502@x.example"),
            nobody_but("o", email="a501@x.example"),
            nobody_but("n", email="a5@x.example"),
        ]
        assert accountview.lookup(by_mail, links).keys() == {"m"}
        orders = accountview.lookup([an_order(key) for key in ("50", "501", "5")], links)
        assert {key: differences(an_order(key), current.record) for key, current in orders.items()} == {
            "50": (),
            "501": (),
        }
        postings = accountview.lookup([a_posting(key) for key in ("50", "501", "5")], links)
        assert postings.keys() == {"50", "501"}
        assert {key: differences(a_posting(key), current.record) for key, current in postings.items()} == {
            "50": (),
            "501": (),
        }
        assert all(current.other_references == () for current in (*orders.values(), *postings.values()))
        with pytest.raises(RejectedError, match="article_missing"):
            create_record(accountview, an_order("502", (a_line(1, article="NOPE"),)), links)


def test_an_update_changes_what_it_names_and_nothing_else(books: AccountView, links: Links) -> None:
    desired = a_debtor("610")
    create_record(books, desired, links)
    before = look_up_record(books, desired, links)
    books.write(an_update(before.record, mobile="0612345678", city=""), before, links, "t")
    after = look_up_record(books, desired, links)
    assert differences(desired, after.record) == ("city",)
    assert after.record.values["mobile"] == "0612345678"
    assert after.marker != before.marker


def test_an_update_over_something_that_moved_is_refused(
    books: AccountView, shared_sandbox: Sandbox, links: Links
) -> None:
    number = create_record(books, a_debtor("611"), links).reference
    before = look_up_record(books, a_debtor("611"), links)
    shared_sandbox.accountview.edit("CONTACT", number, {"CITY": "Zeist"})
    with pytest.raises(RejectedError, match="target_changed_since_plan"):
        books.write(an_update(before.record, city="Houten"), before, links, "t")


def test_an_update_of_a_debtor_that_is_gone_is_refused(books: AccountView, links: Links) -> None:
    create_record(books, a_debtor("612"), links)
    before = replace(look_up_record(books, a_debtor("612"), links), reference="nobody")
    with pytest.raises(RejectedError, match="target_record_missing"):
        books.write(an_update(before.record, city="Houten"), before, links, "t")


def test_fifty_debtors_are_looked_up_in_batches(sandbox: Sandbox, links: Links) -> None:
    with connect_accountview(sandbox) as accountview:
        debtors = [a_debtor(str(1000 + place)) for place in range(50)]
        start = newest_call(sandbox)
        accountview.lookup(debtors, links)
        assert calls_since(sandbox, start)["AR1 GET"] <= 3 + 2 + 3 * 3


@pytest.mark.parametrize(
    ("column", "value"),
    [("BLK_SP", '"misschien"'), ("CRED_LIM", '"veel"'), ("CRED_LIM", "NaN"), ("CNG_DATE", '"2026-02-31"')],
)
def test_a_debtor_that_cannot_be_read_stands_alone_among_the_others(sandbox: Sandbox, column: str, value: str) -> None:
    add_debtor(sandbox, "77711", DEB_NR="77711", BLK_SP=True, CRED_LIM=5)
    with (
        alter_column(sandbox.accountview_url, "CONTACT", {"SUB_NR": "77711"}, column, value) as url,
        connect_accountview(sandbox, url=url, debtor={"price_list": "CRED_LIM"}) as accountview,
    ):
        records, _ = extract_all(accountview, Kind.DEBTOR)
        current = accountview.lookup([a_debtor(external_id="77711")], Links())["501"]

    assert [(record.key, record.field) for record in records if isinstance(record, Unreadable)] == [("77711", column)]
    assert len(records) == len(sandbox.state("CONTACT"))
    assert isinstance(current.record, Unreadable)
    assert (current.reference, current.record.key) == ("77711", "501")


@pytest.mark.parametrize(
    ("column", "value"),
    [("COUNTRY", "31"), ("CRED_LIM", '"1.234"'), ("CRED_LIM", '"1,234"'), ("CRED_LIM", "true")],
)
def test_a_value_of_another_type_in_a_column_without_a_name_of_ours_parks_the_debtor(
    sandbox: Sandbox, column: str, value: str
) -> None:
    for number in ("77751", "77752"):
        add_debtor(sandbox, number)
    with (
        alter_column(sandbox.accountview_url, "CONTACT", {"SUB_NR": "77751"}, column, value) as url,
        connect_accountview(sandbox, url=url) as accountview,
    ):
        records, _ = extract_all(accountview, Kind.DEBTOR)
        fetched = accountview.fetch(Kind.DEBTOR, ["77751", "77752"])

    assert len(records) == len(sandbox.state("CONTACT"))
    for several in (records, fetched):
        wrong = [(record.key, record.field) for record in several if isinstance(record, Unreadable)]
        assert wrong == [("77751", column)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("CITY", '"Delft", "city": "Gouda"'),
        ("SUB_NR", '"77741", "MAIL_BUS": "one@elders.example"}, {"SUB_NR": "77741"'),
    ],
    ids=["a column twice", "a row twice"],
)
def test_a_debtor_that_contradicts_itself_is_a_question_for_whom_it_may_be_and_for_nobody_else(
    sandbox: Sandbox, links: Links, column: str, value: str
) -> None:
    for number, name in (("77741", "one"), ("77742", "other")):
        add_debtor(sandbox, number, MAIL_BUS=f"{name}@elders.example")
    links.references = {(Kind.DEBTOR, "linked"): "77741"}
    desired = [nobody_but(name, email=f"{name}@elders.example") for name in ("one", "other")]
    with (
        alter_column(sandbox.accountview_url, "CONTACT", {"SUB_NR": "77741"}, column, value) as url,
        connect_accountview(sandbox, url=url) as accountview,
    ):
        records, _ = extract_all(accountview, Kind.DEBTOR)
        current = accountview.lookup([*desired, nobody_but("linked")], links)
        (fetched,) = accountview.fetch(Kind.DEBTOR, ["77741"])

    assert [record.key for record in records if isinstance(record, Unreadable)] == ["77741"]
    assert len(records) == len(sandbox.state("CONTACT"))
    assert isinstance(fetched, Unreadable)
    assert {key: record.reference for key, record in current.items()} == {
        "one": "77741", "other": "77742", "linked": "77741"
    }  # fmt: skip
    assert {key for key, current_record in current.items() if isinstance(current_record.record, Unreadable)} == {
        "one",
        "linked",
    }


@pytest.mark.parametrize("number", ["null", '"  "', "[]", "true", '"77713", "sub_nr": "77712"'])
def test_a_debtor_without_a_number_is_a_question_for_whom_it_fits_and_for_nobody_else(
    sandbox: Sandbox, number: str
) -> None:
    for debtor_number in ("77712", "77713"):
        add_debtor(sandbox, debtor_number, MAIL_BUS="same@elders.example")
    add_debtor(sandbox, "77714", MAIL_BUS="other@elders.example")
    with (
        alter_column(sandbox.accountview_url, "CONTACT", {"SUB_NR": "77713"}, "SUB_NR", number) as url,
        connect_accountview(sandbox, url=url) as accountview,
    ):
        records, _ = extract_all(accountview, Kind.DEBTOR)
        debtors = [nobody_but("k1", email="same@elders.example"), nobody_but("k2", email="other@elders.example")]
        current = accountview.lookup(debtors, Links())

    assert [record.nameless for record in records if isinstance(record, Unreadable)] == [True]
    assert len(records) == len(sandbox.state("CONTACT"))
    assert isinstance(current["k1"].record, Unreadable)
    assert (current["k1"].other_references, current["k2"].reference) == (("77712",), "77714")


@pytest.mark.parametrize("number", ["null", '"77732", "sub_nr": "77731"'])
def test_a_debtor_asked_for_by_its_number_whose_row_lacks_it_waits_alone(
    sandbox: Sandbox, links: Links, number: str
) -> None:
    numbers = ("77731", "77732", "77733", "77734")  # the last is gone
    for debtor in numbers[:3]:
        add_debtor(sandbox, debtor)
    links.references = {(Kind.DEBTOR, debtor): debtor for debtor in numbers}
    with (
        alter_column(sandbox.accountview_url, "CONTACT", {"SUB_NR": "77732"}, "SUB_NR", number) as url,
        connect_accountview(sandbox, url=url) as accountview,
    ):
        current_records = accountview.lookup([nobody_but(debtor) for debtor in numbers], links)
        fetched = {record.key: record for record in accountview.fetch(Kind.DEBTOR, numbers)}

    for records in ({key: current.record for key, current in current_records.items()}, fetched):
        unread = {key: isinstance(record, Unreadable) for key, record in records.items()}
        assert unread == {"77731": False, "77732": True, "77733": False}
    assert current_records["77732"].reference == "77732"


def test_debtors_of_which_no_row_has_the_number_stop_what_asks(sandbox: Sandbox, links: Links) -> None:
    for number in ("77735", "77736"):
        add_debtor(sandbox, number)
        links.references[Kind.DEBTOR, number] = number
    with (
        alter_column(sandbox.accountview_url, "CONTACT", {}, "SUB_NR", "null") as url,
        connect_accountview(sandbox, url=url) as accountview,
        pytest.raises(MalformedAnswerError, match="answer_unreadable"),
    ):
        accountview.lookup([nobody_but(number) for number in ("77735", "77736")], links)


def test_debtors_are_extracted_page_by_page_and_by_their_stamps(sandbox: Sandbox) -> None:
    with connect_accountview(sandbox, overlap_seconds=0) as accountview:
        complete, stamp = extract_all(accountview, Kind.DEBTOR)
        assert [record.key for record in complete] == sorted(customer.number for customer in sandbox.shop.customers)
        sandbox.accountview.edit("CONTACT", "20007", {"CITY": "Zeist"})
        changed, _ = extract_all(accountview, Kind.DEBTOR, stamp)
        assert "20007" in [record.key for record in changed]
        assert len(changed) < len(complete)


def test_a_debtor_has_our_names_and_all_other_columns(books: AccountView, shared_sandbox: Sandbox) -> None:
    customer = shared_sandbox.shop.customers[0]
    record = books.fetch(Kind.DEBTOR, [customer.number, "none"])[0]
    assert (record.kind, record.key, record.values["number"]) == (Kind.DEBTOR, customer.number, customer.number)
    assert record.values["name"] == customer.company
    assert record.values["contact"] == customer.contact
    assert record.values["country"] == "NL"
    assert record.values["blocked"] is False
    assert isinstance(record.values["changed"], date)
    assert "COUNTRY" in record.values
    assert not {"ACCT_NAME", "delivery_debtor"} & record.values.keys()


# ---- when a delivery address is the same address


def test_an_address_is_known_by_its_content_whatever_blanks_and_capitals(books: AccountView, links: Links) -> None:
    with_a_debtor(books, links, "620")
    number = create_record(books, an_address("620", name="Magazijn  Noord"), links, keep=False).reference
    address = an_address("620", name="magazijn noord", postcode="3512AB", street="KADE 3")
    current = look_up_record(books, address, links)
    assert (current.reference, current.evidence) == (number, "content")
    assert differences(address, current.record) == ()


def test_an_address_of_another_debtor_is_another_address(books: AccountView, links: Links) -> None:
    for key in ("621", "622"):
        with_a_debtor(books, links, key)
    create_record(books, an_address("621"), links, keep=False)
    assert books.lookup([an_address("622"), an_address("621", city="Zeist"), an_address("623")], links) == {}


def test_the_same_address_entered_twice_tells_of_the_other(books: AccountView, links: Links) -> None:
    with_a_debtor(books, links, "624")
    first, second = (create_record(books, an_address("624"), links, keep=False).reference for _ in range(2))
    current = look_up_record(books, an_address("624"), links)
    assert (current.reference, current.other_references) == (first, (second,))


def test_an_address_without_a_number_is_a_question(sandbox: Sandbox, links: Links) -> None:
    keeper = MemoryTokenStore()
    with connect_accountview(sandbox, keeper) as books:
        with_a_debtor(books, links, "625")
        number = create_record(books, an_address("625"), links, keep=False).reference
    with (
        alter_column(sandbox.accountview_url, "DEL_ADDR", {"REC_ID": number}, "REC_ID", "null") as url,
        connect_accountview(sandbox, keeper, url=url) as books,
    ):
        assert isinstance(look_up_record(books, an_address("625"), links).record, Unreadable)


@pytest.mark.parametrize(
    "city",
    ['"Delft", "city": "Gouda"', '"Delft"}, {"REC_ID": "NUMBER", "SUB_NR": "625", "CITY": "Gouda"', '["Delft"]', "7"],
)
def test_an_address_that_contradicts_itself_is_a_question_for_its_debtor(
    sandbox: Sandbox, links: Links, city: str
) -> None:
    keeper = MemoryTokenStore()
    with connect_accountview(sandbox, keeper) as books:
        with_a_debtor(books, links, "625")
        number = create_record(books, an_address("625"), links, keep=False).reference
    altered = city.replace("NUMBER", number)
    with (
        alter_column(sandbox.accountview_url, "DEL_ADDR", {"REC_ID": number}, "CITY", altered) as url,
        connect_accountview(sandbox, keeper, url=url) as books,
    ):
        assert isinstance(look_up_record(books, an_address("625"), links).record, Unreadable)
