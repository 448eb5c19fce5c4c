# ruff: noqa: TID251 - single answers of the client are given by httpx's own transport
"""AccountView as a target: who a debtor is, where an address and a document are, and what a refused write becomes."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import stamina
from pydantic import ValidationError

from integration.connectors.accountview.answers import cause_of
from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.settings import AccountViewSettings
from integration.connectors.http import Line, Pace
from integration.core.errors import InDoubtError, RejectedError
from integration.core.plan import differences
from integration.core.records import Batch, FieldType, Held, Kind, Record, Value, Written
from integration.core.tokens import Token
from integration.sandbox.accountview.access import LIMITED_REFRESH_TOKEN
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from tests.builders import a_create, a_product, accountview_settings, an_update
from tests.fakes import Links, MemoryKeeper
from tests.patience import until

TODAY = date(2026, 11, 25)
NUMBERS = count(70001)  # of debtors entered by hand
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_pauses_between_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.fixture
def links() -> Links:
    return Links()


@contextmanager
def connected(sandbox: Sandbox, keeper: MemoryKeeper | None = None, **changed: object) -> Iterator[AccountView]:
    """A connection to a sandbox; closed afterwards."""
    accountview = AccountView(accountview_settings(sandbox, **changed), keeper or MemoryKeeper())
    try:
        yield accountview
    finally:
        accountview.close()


@pytest.fixture(scope="module")
def shared_keeper() -> MemoryKeeper:
    return MemoryKeeper()


@pytest.fixture
def books(shared_sandbox: Sandbox, shared_keeper: MemoryKeeper) -> Iterator[AccountView]:
    """The shared sandbox: its tests do not mind what others left."""
    with connected(shared_sandbox, shared_keeper) as accountview:
        yield accountview


def a_debtor(key: str = "501", **values: Value) -> Record:
    complete: dict[str, Value] = {
        "name": "Anna de Boer",
        "search_code": "deboer",
        "street": "Dorpsstraat 12",
        "postcode": "3511 ab",
        "city": "Utrecht",
        "country": "NL",
        "email": f"anna.{key}@voorbeeld.example",
        "account": "1300",
        "external_id": key,
    }
    return Record(Kind.DEBTOR, key, complete | values)


def an_address(debtor: str = "501", **values: Value) -> Record:
    complete: dict[str, Value] = {
        "debtor": debtor,
        "name": "Anna de Boer",
        "street": "Kade 3",
        "postcode": "3512 ab",
        "city": "Utrecht",
        "country": "NL",
    }
    return Record(Kind.ADDRESS, f"{debtor}/c0ffee", complete | values)


def a_line(place: int, **values: Value) -> Record:
    complete: dict[str, Value] = {"article": "9001", "quantity": Decimal(2), "price": Decimal("19.99")}
    return Record(Kind.LINE, str(place), complete | values)


def an_order(key: str = "118", lines: tuple[Record, ...] = (), **values: Value) -> Record:
    complete: dict[str, Value] = {
        "reference": f"MPLUS-{key}",
        "debtor_number": "20001",
        "date": TODAY,
        "email": "anna@voorbeeld.example",
        "remark": "Graag aan de achterdeur",
        "gross": True,
    }
    return Record(Kind.SALES_ORDER, key, complete | values, lines or (a_line(1), a_line(2, quantity=Decimal(1))))


def a_posting(key: str = "118", lines: tuple[Record, ...] = (), **values: Value) -> Record:
    complete: dict[str, Value] = {
        "reference": f"mp{key}",
        "debtor_number": "20001",
        "daybook": "700",
        "date": TODAY,
        "period": Decimal(11),
        "text": "Kassabon 118",
        "gross": False,
        "currency": "EUR",
        "credit_days": Decimal(14),
    }
    line = Record(
        Kind.LINE,
        "1",
        {
            "account": "8000",
            "text": "Fietsen",
            "amount": Decimal("33.04"),
            "vat_code": "1",
            "vat": Decimal("6.94"),
            "quantity": Decimal(2),
        },
    )
    return Record(Kind.POSTING, key, complete | values, lines or (line,))


def created(accountview: AccountView, wanted: Record, links: Links, *, keep: bool = True) -> Written:
    written = accountview.write(a_create(wanted), None, links, f"create-{wanted.key}")
    if keep:
        links.known[wanted.kind, wanted.key] = written.reference
    return written


def held(accountview: AccountView, wanted: Record, links: Links) -> Held:
    return accountview.lookup([wanted], links)[wanted.key]


def calls_since(sandbox: Sandbox, start: int) -> Counter[str]:
    return Counter(call.operation for call in sandbox.ledger.calls(since=start) if call.operation != "token")


def newest_call(sandbox: Sandbox) -> int:
    return max((call.number for call in sandbox.ledger.calls()), default=0)


# What is written can be looked up


def with_a_debtor(accountview: AccountView, links: Links, key: str) -> str:
    return created(accountview, a_debtor(key), links).reference


@pytest.mark.parametrize("kind", [Kind.DEBTOR, Kind.ADDRESS, Kind.SALES_ORDER, Kind.POSTING])
def test_what_was_written_is_read_back_with_every_value(books: AccountView, links: Links, kind: Kind) -> None:
    with_a_debtor(books, links, "601")
    created(books, an_address("601"), links)
    wanted = {
        Kind.DEBTOR: a_debtor("602", vat_number="nl001234567b01", iban="nl91abna0417164300", contact="Bram"),
        Kind.ADDRESS: an_address("601", street="Kade 4"),
        Kind.SALES_ORDER: an_order(
            "603", debtor="601", debtor_number="", address="601/c0ffee", discount=Decimal("5.5")
        ),
        Kind.POSTING: a_posting("604", debtor="601", debtor_number="", period="11", payment_reference="bon 604"),
    }[kind]
    assert books.lookup([wanted], links) == {}
    written = created(books, wanted, links, keep=False)
    found = held(books, wanted, links)
    assert differences(wanted, found.record) == ()
    assert found.reference == written.reference
    assert found.others == ()


def test_every_field_of_an_order_that_the_dictionary_shows_can_be_written(books: AccountView, links: Links) -> None:
    line = a_line(1, discount_percent=Decimal(10), text="Fiets, rood", vat_code="1", delivery_date=date(2026, 12, 1))
    wanted = an_order(
        "605", (line,), invoice_date=TODAY, delivery_date=date(2026, 12, 1), note="intern", salesperson="jan",
        payment_condition="14", payment_reference="ref", shipping_method="post", price_list="web", currency="EUR",
    )  # fmt: skip
    created(books, wanted, links)
    assert differences(wanted, held(books, wanted, links).record) == ()


def test_lines_are_numbered_in_the_order_they_were_posted(books: AccountView, links: Links) -> None:
    lines = tuple(a_line(place, quantity=Decimal(place)) for place in range(1, 13))
    wanted = an_order("606", lines)
    created(books, wanted, links)
    assert [part.values["quantity"] for part in held(books, wanted, links).record.parts] == list(range(1, 13))


def test_a_change_takes_one_call(books: AccountView, shared_sandbox: Sandbox, links: Links) -> None:
    books.lookup([an_order("607")], links)
    start = newest_call(shared_sandbox)
    created(books, an_order("607"), links)
    assert books.calls(a_create(an_order())) == 1
    assert calls_since(shared_sandbox, start) == {"SO1 POST": 1}


def test_nothing_asked_is_nothing_looked_up(books: AccountView, links: Links) -> None:
    assert books.lookup([], links) == {}


def test_articles_are_not_written_and_the_books_are_not_asked_for_changes(books: AccountView, links: Links) -> None:
    assert books.changed(Kind.SALES_ORDER, "") == Batch((), None, "")
    assert books.calls(a_create(a_product())) == 0
    for refused in (
        lambda: books.write(a_create(a_product()), None, links, "t"),
        lambda: books.lookup([a_product()], links),
        lambda: books.changed(Kind.ARTICLE, "0"),
        lambda: books.write(an_update(an_order(), remark="anders"), None, links, "t"),
    ):
        with pytest.raises(RejectedError):
            refused()


# Who a debtor is


def add_debtor(sandbox: Sandbox, number: str, **values: object) -> None:
    sandbox.accountview.add("CONTACT", {"SUB_NR": number, "ACCT_NAME": "Iemand", "ACCT_NR": "1300", **values})


def nobody_but(key: str, **values: Value) -> Record:
    """A debtor that is known by nothing but the given values and its key."""
    return Record(Kind.DEBTOR, key, {"name": "Iemand", **values})


@pytest.mark.parametrize(
    ("stored", "wanted", "evidence"),
    [
        ({"DEB_NR": "77701"}, {"external_id": "77701"}, "external_id"),
        ({"DEB_NR": "k-77702"}, {}, "external_id"),
        ({"VAT_NR": "NL777030000B01"}, {"vat_number": "nl 7770.30.000.b01"}, "vat_number"),
        ({"VAT_NR": "BE0777.040.000"}, {"vat_number": "BE0777040000"}, "vat_number"),
        ({"VAT_NR": "DE 777050000"}, {"vat_number": "DE777050000"}, "vat_number"),
        ({"MAIL_BUS": "Iemand@Elders.example"}, {"email": "iemand@elders.example"}, "email"),
        ({"MAIL_BUS": "lager@elders.example"}, {"email": "LAGER@elders.example"}, "email"),
        ({"MC_MAILB": "contact@elders.example"}, {"email": "contact@elders.example"}, "email"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value,
)
def test_a_debtor_is_recognised_by_evidence(
    stored: Mapping[str, object], wanted: Mapping[str, Value], evidence: str, shared_sandbox: Sandbox,
    books: AccountView, links: Links,
) -> None:  # fmt: skip
    number = str(next(NUMBERS))
    add_debtor(shared_sandbox, number, **stored)
    found = held(books, nobody_but("k-77702", **wanted), links)
    assert (found.reference, found.evidence, found.others) == (number, evidence, ())
    assert found.marker
    shared_sandbox.accountview.remove("CONTACT", number)


def test_the_stronger_evidence_wins(sandbox: Sandbox, links: Links) -> None:
    for number, stored in (
        ("71001", {"MAIL_BUS": "x@elders.example"}),
        ("71002", {"VAT_NR": "NL111222333B01"}),
        ("71003", {"DEB_NR": "900"}),
        ("71004", {}),
    ):
        add_debtor(sandbox, number, **stored)
    complete = {"external_id": "900", "vat_number": "NL111222333B01", "email": "x@elders.example"}
    keeper = MemoryKeeper()
    with connected(sandbox, keeper) as accountview:

        def reference(**values: Value) -> str:
            return held(accountview, nobody_but("k", **values), links).reference

        assert reference(email=complete["email"]) == "71001"
        assert reference(email=complete["email"], vat_number=complete["vat_number"]) == "71002"
        assert reference(**complete) == "71003"
        links.known[Kind.DEBTOR, "k"] = "71004"
        assert reference(**complete) == "71004"
        assert held(accountview, nobody_but("k", **complete), links).evidence == "link"


def test_a_link_whose_debtor_is_gone_is_not_replaced_by_a_guess(books: AccountView, links: Links) -> None:
    links.known[Kind.DEBTOR, "20003"] = "99999"
    customer = held(books, nobody_but("x", email="familie1@mail.example"), Links())
    assert customer.reference
    assert books.lookup([nobody_but("20003", email="familie1@mail.example")], links) == {}


def test_blank_evidence_matches_nobody(books: AccountView, links: Links) -> None:
    assert books.lookup([nobody_but("no-such-key", email=" ", vat_number="")], links) == {}


def test_several_debtors_by_the_same_evidence_are_a_question(sandbox: Sandbox, links: Links) -> None:
    for number, blocked in (("81001", True), ("81010", False), ("81002", False)):
        add_debtor(sandbox, number, MAIL_BUS="samen@elders.example", BLK_SP=blocked)
    with connected(sandbox) as accountview:
        found = held(accountview, nobody_but("k", email="samen@elders.example"), links)
    assert (found.reference, found.others) == ("81002", ("81010", "81001"))


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
    with running(articles=60, conventions=conventions) as other, connected(other) as accountview:
        for key in ("50", "501", "5"):
            if key != "5":
                created(accountview, a_debtor(key, email=f"a{key}@x.example"), links, keep=False)
                created(accountview, an_order(key), links, keep=False)
                created(accountview, a_posting(key), links, keep=False)
        add_debtor(other, "82001", MAIL_BUS="a5@x.example.elders")
        debtors = [a_debtor(key, email=f"A{key}@x.example") for key in ("50", "501", "5")]
        assert accountview.lookup(debtors, links).keys() == {"50", "501"}
        by_mail = [nobody_but("m", email="a501@x.example"), nobody_but("n", email="a5@x.example")]
        assert accountview.lookup(by_mail, links).keys() == {"m"}
        orders = accountview.lookup([an_order(key) for key in ("50", "501", "5")], links)
        assert {key: differences(an_order(key), one.record) for key, one in orders.items()} == {"50": (), "501": ()}
        postings = accountview.lookup([a_posting(key) for key in ("50", "501", "5")], links)
        assert postings.keys() == {"50", "501"}
        assert {key: differences(a_posting(key), one.record) for key, one in postings.items()} == {"50": (), "501": ()}
        assert all(one.others == () for one in (*orders.values(), *postings.values()))
        with pytest.raises(RejectedError, match="article_missing"):
            created(accountview, an_order("502", (a_line(1, article="NOPE"),)), links)


def answered_by(answering: Callable[[httpx.Request], httpx.Response]) -> AccountView:
    """An AccountView that answers as a test wants, on the day of the shop."""
    line = Line(
        system="AccountView",
        host_shown="av.example",
        pace=Pace(in_flight=1, per_second=10_000, attempts=1),
        secrets=list,
        transport=httpx.MockTransport(answering),
    )
    settings = AccountViewSettings.model_validate({"url": "https://av.example/api/v3", "company": "7f3c"})
    keeper = MemoryKeeper(Token("access", "refresh", NOW + timedelta(hours=1)))
    return AccountView(settings, keeper, line=line, now=lambda: NOW)


def test_conditions_of_one_call_are_relied_on_only_when_all_of_them_count() -> None:
    """A server that knows only the first conditions of a call would make debtors seem to be absent."""
    mails = [f"m{place}@x.example" for place in range(1, 6)]
    asked: list[dict[str, str]] = []

    def answering(request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(urlsplit(str(request.url)).query))
        asked.append(query)
        if query["BusinessObject"] == "FLD":
            names = ["SUB_NR", "MAIL_BUS"]
            rows = [{"DBF_NAME": "CONTACT", "FIELD_NAME": name, "FIELD_TYPE": "C", "FIELD_LEN": 50} for name in names]
            return httpx.Response(200, json={"DCT_FLD": rows})
        contacts = [{"SUB_NR": str(place), "MAIL_BUS": mail} for place, mail in enumerate(mails, start=1)]
        column, value = query.get("FilterControlSource1", ""), query.get("FilterValue1", "")
        fits = [row for row in contacts if not column or row[column] == value]
        return httpx.Response(200, json={"CONTACT": fits[: int(query["PageSize"])]})

    accountview = answered_by(answering)
    found = accountview.lookup([nobody_but(mail, email=mail) for mail in mails], Links())
    assert found.keys() == set(mails)
    assert sum(query.get("MatchAnyFilter") == "true" for query in asked) == 1


def test_the_address_of_a_call_stays_short(books: AccountView, shared_sandbox: Sandbox, links: Links) -> None:
    books.lookup([nobody_but("x", email="a@b.example")], links)
    start = newest_call(shared_sandbox)
    wanted = [nobody_but(f"key-{place}", email=f"{place:03}{'é' * 40}@x.example") for place in range(40)]
    assert books.lookup(wanted, links) == {}
    calls = shared_sandbox.ledger.calls(since=start)
    assert max(len(call.keys) for call in calls) <= 20
    assert len(calls) < 20


# Changing a debtor


def test_an_update_changes_what_it_names_and_nothing_else(books: AccountView, links: Links) -> None:
    wanted = a_debtor("610")
    created(books, wanted, links)
    before = held(books, wanted, links)
    books.write(an_update(before.record, mobile="0612345678", city=""), before, links, "t")
    after = held(books, wanted, links)
    assert differences(wanted, after.record) == ("city",)
    assert after.record.values["mobile"] == "0612345678"
    assert after.marker != before.marker


def test_an_update_over_something_that_moved_is_refused(
    books: AccountView, shared_sandbox: Sandbox, links: Links
) -> None:
    number = created(books, a_debtor("611"), links).reference
    before = held(books, a_debtor("611"), links)
    shared_sandbox.accountview.edit("CONTACT", number, {"CITY": "Zeist"})
    with pytest.raises(RejectedError, match="target_changed_since_plan"):
        books.write(an_update(before.record, city="Houten"), before, links, "t")


def test_an_update_of_a_debtor_that_is_gone_is_refused(books: AccountView, links: Links) -> None:
    created(books, a_debtor("612"), links)
    before = replace(held(books, a_debtor("612"), links), reference="nobody")
    with pytest.raises(RejectedError, match="target_record_missing"):
        books.write(an_update(before.record, city="Houten"), before, links, "t")


# Where goods go


def test_an_address_is_known_by_its_content_whatever_blanks_and_capitals(books: AccountView, links: Links) -> None:
    with_a_debtor(books, links, "620")
    number = created(books, an_address("620", name="Magazijn  Noord"), links, keep=False).reference
    again = an_address("620", name="magazijn noord", postcode="3512AB", street="KADE 3")
    found = held(books, again, links)
    assert (found.reference, found.evidence) == (number, "content")
    assert differences(again, found.record) == ()


def test_an_address_of_another_debtor_is_another_address(books: AccountView, links: Links) -> None:
    for key in ("621", "622"):
        with_a_debtor(books, links, key)
    created(books, an_address("621"), links, keep=False)
    assert books.lookup([an_address("622"), an_address("621", city="Zeist"), an_address("623")], links) == {}


def test_the_same_address_entered_twice_tells_of_the_other(books: AccountView, links: Links) -> None:
    with_a_debtor(books, links, "624")
    first, second = (created(books, an_address("624"), links, keep=False).reference for _ in range(2))
    found = held(books, an_address("624"), links)
    assert (found.reference, found.others) == (first, (second,))


# Where a document is


def test_fifty_orders_are_looked_up_in_a_handful_of_calls(sandbox: Sandbox, links: Links) -> None:
    with connected(sandbox) as accountview:
        wanted = [an_order(str(1000 + place)) for place in range(50)]
        start = newest_call(sandbox)
        assert accountview.lookup(wanted, links) == {}
        assert calls_since(sandbox, start) == {"dictionary": 3, "AR1 GET": 2, "SO1 GET": 3, "ALH GET": 3}
        for record in wanted[:25]:
            created(accountview, record, links, keep=False)
        start = newest_call(sandbox)
        assert accountview.lookup(wanted, links).keys() == {record.key for record in wanted[:25]}
        assert calls_since(sandbox, start) == {"SO1 GET": 3, "ALH GET": 2}


def test_fifty_debtors_are_looked_up_in_batches(sandbox: Sandbox, links: Links) -> None:
    with connected(sandbox) as accountview:
        wanted = [a_debtor(str(1000 + place)) for place in range(50)]
        start = newest_call(sandbox)
        accountview.lookup(wanted, links)
        assert calls_since(sandbox, start)["AR1 GET"] <= 2 + 3 * 3


@pytest.mark.parametrize("fault", ["cut_after", "half", "garbage"])
@pytest.mark.parametrize("wanted", [a_debtor("630"), an_order("630"), a_posting("630")], ids=lambda one: one.kind)
def test_a_silent_write_is_in_doubt_and_found_by_looking(
    fault: str, wanted: Record, sandbox: Sandbox, links: Links
) -> None:
    with connected(sandbox) as accountview:
        accountview.lookup([wanted], links)
        sandbox.switches.arm(fault, system="accountview", operation="* POST")
        with pytest.raises(InDoubtError):
            created(accountview, wanted, links)
        assert differences(wanted, held(accountview, wanted, links).record) == ()
        assert len(sandbox.ledger.calls(write=True)) == 1


def test_what_is_accepted_and_shown_later_is_found_later(sandbox: Sandbox, links: Links) -> None:
    with connected(sandbox) as accountview:
        sandbox.switches.arm("late", system="accountview", operation="SO1 POST", seconds=2)
        reference = created(accountview, an_order("631"), links).reference
        assert accountview.lookup([an_order("631")], links) == {}
        until(lambda: bool(accountview.lookup([an_order("631")], links)), "the late order")
        assert accountview.lookup([an_order("631")], links)["631"].reference == reference


def test_a_document_that_somebody_entered_with_our_reference_is_found(sandbox: Sandbox, links: Links) -> None:
    sandbox.accountview.add("SO_HDR", {"ORD_NR": "26999901", "RPL_INV": "20002", "COMMENT1": "mplus-632"})
    with connected(sandbox) as accountview:
        found = held(accountview, an_order("632"), links)
        assert found.reference == "26999901"
        assert found.record.values["reference"] == "MPLUS-632"
        assert found.record.values["debtor_number"] == "20002"
        assert "1/article" in differences(an_order("632"), found.record)


def test_our_reference_on_two_documents_is_a_question(sandbox: Sandbox, links: Links) -> None:
    with connected(sandbox) as accountview:
        first, second = (created(accountview, an_order("633"), links, keep=False).reference for _ in range(2))
        found = held(accountview, an_order("633"), links)
        assert (found.reference, found.others) == (first, (second,))
        pages = [created(accountview, a_posting("633"), links, keep=False).reference for _ in range(2)]
        posting = held(accountview, a_posting("633"), links)
        assert [posting.reference, *posting.others] == pages


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


def test_a_field_that_cannot_be_filtered_is_searched_by_date_instead(links: Links) -> None:
    conventions = Conventions(unfilterable=frozenset({"COMMENT1", "HST_AH_COMMENT1"}))
    with running(articles=60, conventions=conventions) as other, connected(other) as accountview:
        created(accountview, an_order("635"), links, keep=False)
        found = accountview.lookup([an_order("635"), an_order("636")], links)
        assert found.keys() == {"635"}
        assert differences(an_order("635"), found["635"].record) == ()
        other.accountview.invoice(found["635"].reference)
        today = datetime.now(UTC).date()
        assert held(accountview, an_order("635", date=min(TODAY, today)), links).evidence == "history"


def test_another_refusal_of_a_read_is_not_taken_for_absence(
    shared_sandbox: Sandbox, shared_keeper: MemoryKeeper
) -> None:
    elsewhere = {"orders": {"code": "SO9", "table": "SO_HDR", "detail": "SO_LINE"}}
    with (
        connected(shared_sandbox, shared_keeper, objects=elsewhere) as accountview,
        pytest.raises(RejectedError, match="read_refused"),
    ):
        accountview.lookup([an_order("637")], Links())


def test_a_missing_field_for_our_reference_stops_the_lookup(
    shared_sandbox: Sandbox, shared_keeper: MemoryKeeper
) -> None:
    with (
        connected(shared_sandbox, shared_keeper, order_reference_field="K9_REF") as accountview,
        pytest.raises(RejectedError, match="field_unknown"),
    ):
        accountview.lookup([an_order("638")], Links())


def test_a_document_of_last_year_is_looked_for_in_its_own_year_and_in_this_one() -> None:
    asked: list[str] = []

    def answering(request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(urlsplit(str(request.url)).query))
        if query["BusinessObject"] == "FLD":
            table = query["FilterValue1"].strip()
            names = ["COMMENT1", "ORD_NR"] if table == "SO_HDR" else ["HST_AH_COMMENT1", "REC_ID"]
            rows = [{"DBF_NAME": table, "FIELD_NAME": name, "FIELD_TYPE": "C"} for name in names]
            return httpx.Response(200, json={"DCT_FLD": rows})
        asked.append(f"{query['BusinessObject']} {query['BookDate']}")
        return httpx.Response(200, json={})

    accountview = answered_by(answering)
    assert accountview.lookup([an_order("639", date=date(2025, 12, 30))], Links()) == {}
    assert asked == ["SO1 2025-12-30", "SO1 2026-11-25", "ALH 2025-12-30", "ALH 2026-11-25"]


# Pointers


def test_pointers_show_our_key_where_it_stands_for_what_was_found(books: AccountView, links: Links) -> None:
    with_a_debtor(books, links, "640")
    created(books, an_address("640"), links)
    wanted = Record(
        Kind.SALES_ORDER, "640",
        {"reference": "MPLUS-640", "debtor": "640", "address": "640/c0ffee", "date": TODAY}, (a_line(1),),
    )  # fmt: skip
    created(books, wanted, links)
    assert differences(wanted, held(books, wanted, links).record) == ()
    stranger = Links({(Kind.DEBTOR, "640"): "20001"})
    shown = held(books, wanted, stranger).record.values
    assert shown["debtor"] == links.known[Kind.DEBTOR, "640"]
    assert shown["address"] == links.known[Kind.ADDRESS, "640/c0ffee"]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (an_order("641", debtor="nobody", debtor_number=""), "debtor"),
        (an_order("641", address="nobody/1"), "address"),
        (a_posting("641", debtor="nobody", debtor_number=""), "debtor"),
        (an_address("nobody"), "debtor"),
    ],
)
def test_a_pointer_to_what_is_not_there_yet_is_refused_before_any_call(
    wanted: Record, field: str, books: AccountView, shared_sandbox: Sandbox, links: Links
) -> None:
    start = newest_call(shared_sandbox)
    with pytest.raises(RejectedError, match="needed_record_missing") as caught:
        created(books, wanted, links)
    assert caught.value.facts["field"] == field
    assert shared_sandbox.ledger.calls(write=True, since=start) == []


# What is refused


@pytest.mark.parametrize(
    ("wanted", "code", "facts"),
    [
        (a_debtor("650", email=f"{'x' * 50}@y.example"), "email_too_long", {"length": "60", "limit": "50"}),
        (a_debtor("650", external_id="12345678901"), "field_too_long", {"field": "external_id", "limit": "10"}),
        (a_debtor("650", name="€ 😀"), "characters_not_supported", {"field": "name", "value": "😀"}),
        (a_debtor("650", account=""), "required_field_empty", {"field": "account"}),
        (a_debtor("650", shoe_size="42"), "field_unknown", {"field": "shoe_size"}),
        (a_debtor("650", number="42"), "field_unknown", {"field": "SUB_NR"}),
        (an_order("650", reference="x" * 41), "field_too_long", {"field": "reference", "limit": "40"}),
        (an_order("650", debtor_number=""), "required_field_empty", {"field": "debtor"}),
        (an_order("650", (a_line(1, article="A" * 16),)), "article_missing", {"article": "A" * 16}),
        (an_order("650", (a_line(1, account="8000"),)), "field_unknown", {"field": "ACCT_NR"}),
        (a_posting("650", reference="x" * 13), "field_too_long", {"field": "reference", "limit": "12"}),
        (a_posting("650", text=""), "required_field_empty", {"field": "text"}),
    ],
)
def test_what_does_not_fit_is_refused_before_any_call(
    wanted: Record, code: str, facts: Mapping[str, str], books: AccountView, shared_sandbox: Sandbox, links: Links
) -> None:
    start = newest_call(shared_sandbox)
    with pytest.raises(RejectedError) as caught:
        created(books, wanted, links)
    assert caught.value.code == code
    assert facts.items() <= caught.value.facts.items()
    assert shared_sandbox.ledger.calls(write=True, since=start) == []


@pytest.mark.parametrize(
    ("wanted", "code", "facts"),
    [
        (an_order("660", debtor_number="20060"), "debtor_blocked", {"debtor": "20060", "document": "MPLUS-660"}),
        (a_posting("660", debtor_number="20060"), "debtor_blocked", {"debtor": "20060"}),
        (an_order("660", (a_line(1, article="404"),)), "article_missing", {"article": "404"}),
        (a_posting("660", daybook="799"), "ledger_account_unusable", {"account": "799"}),
        (
            a_posting("660", (Record(Kind.LINE, "1", {"account": "8999", "amount": Decimal(1)}),)),
            "ledger_account_unusable",
            {"account": "8999"},
        ),
        (an_order("660", date=date(2026, 1, 31)), "period_closed", {"date": "2026-01-31", "period": "1"}),
        (an_order("660", date=date(1999, 12, 31)), "period_closed", {"date": "1999-12-31", "document": "MPLUS-660"}),
        (an_order("660", (a_line(1, vat_code="9"),)), "accountview_rejected", {}),
    ],
)
def test_a_refusal_of_the_books_has_its_cause(
    wanted: Record, code: str, facts: Mapping[str, str], closed: AccountView, links: Links
) -> None:
    assert closed.lookup([wanted], links) == {}
    with pytest.raises(RejectedError) as caught:
        created(closed, wanted, links)
    assert caught.value.code == code
    assert facts.items() <= caught.value.facts.items()
    assert caught.value.facts["message"]


@pytest.fixture(scope="module")
def closed_sandbox() -> Iterator[Sandbox]:
    """Books with a blocked debtor and closed periods."""
    with running(articles=60, conventions=Conventions(closed_until="2026-02-28")) as other:
        other.accountview.edit("CONTACT", "20060", {"BLK_SP": True})
        yield other


@pytest.fixture(scope="module")
def closed(closed_sandbox: Sandbox) -> Iterator[AccountView]:
    with connected(closed_sandbox) as accountview:
        yield accountview


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Debiteur 10042 is geblokkeerd voor orders.", "debtor_blocked"),
        ("Grootboekrekening 8000 is geblokkeerd.", "ledger_account_unusable"),
        ("Dagboek 700 bestaat niet.", "ledger_account_unusable"),
        ("Artikel TS-1 bestaat niet.", "article_missing"),
        ("De periode 3 is gesloten.", "period_closed"),
        ("Boekjaar 2024 is afgesloten.", "period_closed"),
        ("Artikel TS-1 is geblokkeerd.", "accountview_rejected"),
        ("Er is iets anders.", "accountview_rejected"),
    ],
)
def test_a_dutch_text_is_a_cause_where_it_can_be_told_apart(said: str, code: str) -> None:
    assert cause_of(said)[0] == code


# Other installations


def test_other_names_for_fields_are_only_settings(links: Links) -> None:
    renamed = {
        "CONTACT.MAIL_BUS": "MAILADRES", "SO_HDR.COMMENT1": "OMSCHR", "SO_HDR.ORD_NR": "ORDERNR",
        "SO_LINE.ORD_QTY": "AANTAL", "DJ_PAGE.INV_NR": "FACTUURNR", "DEL_ADDR.ADDRESS1": "ADRES",
    }  # fmt: skip
    named: dict[str, Any] = {
        "debtor": {"email": "mailadres"},
        "order_reference_field": "OMSCHR",
        "sales_order": {"order_number": "ORDERNR"},
        "sales_order_line": {"quantity": "AANTAL"},
        "posting": {"reference": "FACTUURNR"},
        "address": {"street": "ADRES"},
    }
    with running(articles=60, renamed=renamed) as other, connected(other, **named) as accountview:
        for wanted in (a_debtor("670"), an_address("670"), an_order("670"), a_posting("670")):
            created(accountview, wanted, links)
            found = held(accountview, wanted, links)
            assert differences(wanted, found.record) == ()
            assert found.reference == links.known[wanted.kind, wanted.key]


def test_a_field_this_installation_does_not_have_is_never_written_silently(links: Links) -> None:
    renamed = {"SO_HDR.GROSS_FLG": "BRUTO", "SO_HDR.ORD_NR": "NR"}
    with running(articles=60, renamed=renamed) as other, connected(other) as accountview:
        with pytest.raises(RejectedError, match="field_unknown") as caught:
            created(accountview, an_order("671"), links)
        assert caught.value.facts["field"] == "GROSS_FLG"
        values = {name: value for name, value in an_order("671").values.items() if name != "gross"}
        plain = replace(an_order("671"), values=values)
        written = created(accountview, plain, links)
        found = held(accountview, an_order("671"), links)
        assert "gross" not in found.record.values
        assert found.reference == written.reference  # the key of the answer, for want of a number


def test_columns_of_other_installations_are_proposed_by_their_captions() -> None:
    renamed = {"SO_HDR.GROSS_FLG": "BRUTO", "SO_HDR.ORD_NR": "NR", "SO_HDR.COMMENT3": "INTERN"}
    with running(articles=60, renamed=renamed) as other, connected(other) as accountview:
        proposed = accountview.propose_fields()
        kept = accountview_settings(other, **{str(kind): names for kind, names in proposed.items()})
    assert kept.sales_order.order_number == "NR"
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


def test_choices_for_the_flows_come_from_the_administration(books: AccountView) -> None:
    assert books.choices("daybooks")["700"]
    assert books.choices("collective_accounts")["1300"] == "Debiteuren"
    assert "8000" in books.choices("revenue_accounts")
    assert "1300" not in books.choices("revenue_accounts")
    assert books.choices("payment_conditions") == {"14": "14"}
    assert isinstance(books.choices("cost_centres"), dict)


# What the flows need


def test_what_the_flows_need_is_there(books: AccountView) -> None:
    for flow in ("customers", "stock", "orders"):
        assert [finding for finding in books.needs(flow) if not finding.ok] == []
    assert all(finding.ok for finding in books.needs("orders", [Kind.POSTING]))
    assert books.needs("nothing") == []


def test_what_a_flow_lacks_is_named_and_the_check_of_products_is_left_alone(sandbox: Sandbox) -> None:
    with connected(
        sandbox, sales_order={"note": "K1_NOTE"}, objects={"debtors": {"code": "AR9", "table": "CONTACT"}}
    ) as av:
        assert all(finding.ok for finding in av.check())
        lacking = [(finding.cause, finding.facts["flow"]) for finding in av.needs("orders") if not finding.ok]
        assert lacking == [("object_missing", "orders"), ("flow_field_unknown", "orders")]


def test_a_user_who_may_not_enter_debtors_is_told_before_the_flow_runs(sandbox: Sandbox) -> None:
    with connected(sandbox, refresh_token=LIMITED_REFRESH_TOKEN) as av:
        wrong = [finding for finding in av.needs("orders", [Kind.DEBTOR]) if not finding.ok]
        assert [(one.cause, one.facts["object"], one.facts["action"]) for one in wrong] == [
            ("right_missing", "AR1", "insert")
        ]
        assert all(finding.ok for finding in av.needs("customers"))


# As a source


def extracted(accountview: AccountView, kind: Kind, since: str | None = None) -> tuple[list[Record], str | None]:
    batch = accountview.extract(kind, since)
    records = [*batch.records]
    while batch.after is not None:
        batch = accountview.extract(kind, since, batch.after)
        records += batch.records
    return records, batch.stamp


def test_debtors_are_extracted_page_by_page_and_by_their_stamps(sandbox: Sandbox) -> None:
    with connected(sandbox, overlap_seconds=0) as accountview:
        complete, stamp = extracted(accountview, Kind.DEBTOR)
        assert [record.key for record in complete] == sorted(customer.number for customer in sandbox.shop.customers)
        sandbox.accountview.edit("CONTACT", "20007", {"CITY": "Zeist"})
        changed, _ = extracted(accountview, Kind.DEBTOR, stamp)
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


def test_quantities_of_stock_stand_under_our_names(books: AccountView) -> None:
    record = books.extract(Kind.ARTICLE).records[-1]
    assert {"stock", "stock_technical", "stock_free", "stock_ordered", "K9_RSRV"} <= record.values.keys()
    assert "stock_reserved" not in record.values
    assert isinstance(record.values["stock_free"], Decimal)


def test_a_quantity_that_nobody_tells_is_left_out() -> None:
    with running(articles=60, renamed={"ARTICLE.QTY_BESTEL": "BESTELD"}) as other, connected(other) as accountview:
        record = accountview.extract(Kind.ARTICLE).records[0]
        assert "stock_ordered" not in record.values
        assert all(finding.ok for finding in accountview.check())


# Trade invoices


INVOICES = {"trade_invoices": {"code": "K9F", "table": "K9_INV", "detail": "K9_INVL"}}


def test_a_trade_invoice_goes_to_its_own_object(
    shared_sandbox: Sandbox, shared_keeper: MemoryKeeper, links: Links
) -> None:
    wanted = an_order("680", trade_invoice=True)
    with connected(shared_sandbox, shared_keeper, objects=INVOICES) as accountview:
        written = created(accountview, wanted, links)
        found = held(accountview, wanted, links)
    (row,) = (one for one in shared_sandbox.state("K9_INV") if one["COMMENT1"] == "MPLUS-680")
    assert found.reference == written.reference == str(row["EXT_KEY"])
    assert differences(wanted, found.record) == ()
    assert "ORD_DATE" not in row


@pytest.mark.parametrize("numbers", ["added", "printed"])
def test_a_trade_invoice_is_found_whether_or_not_it_has_a_number(
    numbers: Literal["added", "printed"], links: Links
) -> None:
    wanted = an_order("682", trade_invoice=True)
    with (
        running(articles=60, conventions=Conventions(invoice_numbers=numbers)) as other,
        connected(other, objects=INVOICES) as accountview,
    ):
        created(accountview, wanted, links)
        (row,) = other.state("K9_INV")
        assert held(accountview, wanted, links).reference == str(row.get("INV_NR") or row["EXT_KEY"])
        other.accountview.edit("K9_INV", str(row["REC_ID"]), {"INV_NR": "2600000007"})
        assert held(accountview, wanted, links).reference == "2600000007"


def test_what_trade_invoices_need_is_named_with_the_flow(shared_sandbox: Sandbox, shared_keeper: MemoryKeeper) -> None:
    kinds = [Kind.SALES_ORDER]

    def lacking(**changed: object) -> list[tuple[str, str]]:
        with connected(shared_sandbox, shared_keeper, **changed) as accountview:
            looked = accountview.needs("orders", kinds, as_invoices=True)
        return [(one.cause, one.facts.get("field") or one.facts["object"]) for one in looked if not one.ok]

    absent = {"trade_invoices": {**INVOICES["trade_invoices"], "code": "ZZ9"}}
    assert lacking(objects=INVOICES) == []
    assert lacking()[0] == ("object_missing", "trade_invoices")
    assert lacking(objects=absent)[0] == ("object_missing", "ZZ9")
    assert lacking(objects=INVOICES, trade_invoice_line={"quantity": "ORD_QTY"}) == [("flow_field_unknown", "ORD_QTY")]


def test_the_code_of_trade_invoices_is_no_use_without_their_tables(sandbox: Sandbox) -> None:
    with pytest.raises(ValidationError, match="the table"):
        accountview_settings(sandbox, objects={"trade_invoices": {"code": "K9F", "table": "K9_INV"}})


def test_a_history_without_the_field_of_our_reference_is_named_with_the_flow(sandbox: Sandbox) -> None:
    with connected(sandbox, history={"reference": "COMMENT9"}) as accountview:
        wrong = [(one.cause, one.facts["flow"]) for one in accountview.needs("orders") if not one.ok]
    assert wrong == [("flow_field_unknown", "orders")]


def test_the_dictionary_may_list_the_header_of_the_history_under_its_own_table(sandbox: Sandbox) -> None:
    with connected(sandbox, history={"header": "SO_HDR"}) as accountview:
        place = accountview.books.history_place()
    assert place.has("reference")
    assert place.column("reference").name == "SO_HDR_COMMENT1"


def test_without_an_object_for_trade_invoices_none_is_written(books: AccountView, links: Links) -> None:
    with pytest.raises(RejectedError, match="object_missing"):
        created(books, an_order("681", trade_invoice=True), links)
