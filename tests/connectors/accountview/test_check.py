"""The connection check: its findings, and the missing fields of each kind of record."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import pytest

from integration.connectors.accountview.connector import AccountView
from integration.core.records import Kind
from integration.sandbox.accountview.access import LIMITED_REFRESH_TOKEN
from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.server import Sandbox, running
from integration.services.connections.sandbox_host import WAREHOUSES as SANDBOX_WAREHOUSES
from tests.connectors.accountview.conversation import Connect
from tests.connectors.accountview.samples import (
    INVOICES,
    a_posting,
    an_order,
    calls_since,
    connect_accountview,
    create_record,
    newest_call,
    with_a_debtor,
)
from tests.fakes import Links, MemoryTokenStore


def check_of(accountview: AccountView) -> tuple[str, str, Mapping[str, str]]:
    """Return the name, cause and facts of the first finding that is wrong; all before it are well, no other look is."""
    findings = accountview.check()
    wrong = next(place for place, finding in enumerate(findings) if not finding.ok)
    assert all(finding.ok for finding in findings[:wrong])
    assert all(finding.ok is None for finding in findings[wrong + 1 :] if finding.name != findings[wrong].name)
    return findings[wrong].name, findings[wrong].cause, findings[wrong].facts


def test_the_check_reports_each_subject(accountview: AccountView) -> None:
    subjects = {finding.name: finding.about for finding in accountview.check()}
    assert list(subjects) == ["host", "certificate", "credentials", "company", "rights", "fields"]
    assert subjects["company"] == "Fietsenwinkel De Ketting B.V."


@pytest.mark.parametrize(
    ("changed", "name", "cause", "facts"),
    [
        ({"url": "https://no-such-host.invalid/api/v3"}, "host", "host_unknown", {"host": "no-such-host.invalid"}),
        ({"url": "http://127.0.0.1:1/api/v3"}, "host", "connection_refused", {"host": "127.0.0.1"}),
        ({"company": "0000"}, "company", "company_not_available", {"company": "0000"}),
        ({"company": ""}, "company", "company_not_available", {}),
        (
            {"objects": {"vat": {"code": "VX9", "table": "VAT"}}},
            "rights",
            "object_missing",
            {"object": "VX9", "kind": "article"},
        ),
        ({"article": {"ean": "K1_EAN"}}, "fields", "flow_field_unknown", {"field": "K1_EAN", "kind": "article"}),
        ({"group": {"name": "AG_NAAM"}}, "fields", "flow_field_unknown", {"field": "AG_NAAM", "kind": "group"}),
    ],
)
def test_the_check_stops_at_what_is_wrong_and_says_why(
    connect: Connect,
    changed: Mapping[str, object],
    name: str,
    cause: str,
    facts: Mapping[str, str],
) -> None:
    failure = check_of(connect(**changed))
    assert failure[:2] == (name, cause)
    assert facts.items() <= failure[2].items()


def test_the_check_finds_a_wrong_client_secret(connect: Connect) -> None:
    wrong = connect(keeper=MemoryTokenStore(), client_secret="wrong")
    assert check_of(wrong)[:2] == ("credentials", "accountview_client_rejected")


def test_the_check_finds_what_the_user_may_not_read(connect: Connect) -> None:
    limited = connect(keeper=MemoryTokenStore(), refresh_token=LIMITED_REFRESH_TOKEN)
    name, cause, facts = check_of(limited)
    assert (name, cause, facts["object"], facts["action"]) == ("rights", "right_missing", "AK1", "read")


def test_the_check_finds_that_something_else_answers(connect: Connect, shared_sandbox: Sandbox) -> None:
    elsewhere = shared_sandbox.accountview_url.replace("/api/v3", "/webshop")
    assert check_of(connect(url=elsewhere))[:2] == ("host", "address_not_api")


def test_a_default_column_may_be_absent_and_a_column_named_in_the_settings_may_not(connect: Connect) -> None:
    with running(articles=60, trades=False, renamed={"ARTICLE.VAT_CODE": "BTW"}) as other:
        keeper = MemoryTokenStore()
        assert all(finding.ok for finding in connect(other, keeper).check())
        failure = check_of(connect(other, keeper, article={"vat_code": "VAT_CODE"}))
        assert failure[:2] == ("fields", "flow_field_unknown")


@pytest.mark.parametrize(
    ("renamed", "missing"),
    [
        ({"ARTICLE.ART_CODE": "CODE"}, [("ARTICLE", "ART_CODE", "article")]),
        ({"ART_GRP.AG_CODE": "GRP"}, [("ART_GRP", "AG_CODE", "group")]),
        (
            {"VAT.VAT_CODE": "BTW", "VAT.VAT_PCT": "PCT"},
            [("VAT", "VAT_CODE", "article"), ("VAT", "VAT_PCT", "article")],
        ),
        (
            {"AG_CODE": "GRP", "ARTICLE.PX_SELL": "PRIJS", "K9_STOCK.K9_QTY": "AANTAL"},
            [("ART_GRP", "AG_CODE", "group"), ("ARTICLE", "PX_SELL", "article"), ("ARTICLE", "AG_CODE", "article"),
             ("K9_STOCK", "K9_QTY", "stock")],
        ),
    ],
    ids=["article code", "group code", "VAT", "several"],
)  # fmt: skip
def test_every_field_the_dictionary_does_not_have_is_named_with_its_kind_and_no_right_is_blamed(
    renamed: Mapping[str, str], missing: list[tuple[str, str, str]], connect: Connect
) -> None:
    with running(articles=60, trades=False, renamed=renamed) as other:
        findings = connect(other, warehouses=SANDBOX_WAREHOUSES).check()

    wrong = [finding for finding in findings if not finding.ok]
    assert {(finding.name, finding.cause) for finding in wrong} == {("fields", "flow_field_unknown")}
    assert [(finding.facts["table"], finding.facts["field"], finding.facts["kind"]) for finding in wrong] == missing


def test_what_the_dictionary_lost_since_the_last_check_is_found_by_the_next(connect: Connect) -> None:
    keeper = MemoryTokenStore()
    with running(articles=60, trades=False) as before:
        accountview = connect(before, keeper)
        assert all(finding.ok for finding in [*accountview.check(), *accountview.needs(Kind.SALES_ORDER)])
        assert accountview.missing_fields(Kind.DEBTOR, {"name"}) == {}
    keeper.saved.clear()  # the books begin anew with the first refresh token
    renamed = {"SO_HDR.COMMENT1": "OPM", "CONTACT.ACCT_NAME": "NAAM"}
    port = urlsplit(before.accountview_url).port or 0
    with running(articles=60, trades=False, renamed=renamed, accountview_port=port):
        accountview.forget()
        assert all(finding.ok for finding in accountview.check())
        assert [finding.facts["field"] for finding in accountview.needs(Kind.SALES_ORDER) if not finding.ok] == [
            "COMMENT1"
        ]
        assert accountview.missing_fields(Kind.DEBTOR, {"name"}) == {"name": "ACCT_NAME"}


def test_the_objects_of_each_kind_exist(books: AccountView) -> None:
    for kind in (Kind.GROUP, Kind.ARTICLE, Kind.DEBTOR):
        assert [finding for finding in books.needs(kind) if not finding.ok] == []
    for kind in (Kind.DEBTOR, Kind.ADDRESS, Kind.SALES_ORDER, Kind.POSTING):
        assert all(finding.ok for finding in books.needs(kind, for_insert=True))


def test_each_check_looks_at_an_object_once_for_all_that_need_it(connect: Connect, shared_sandbox: Sandbox) -> None:
    accountview = connect()
    for _ in range(2):
        accountview.forget()
        first = newest_call(shared_sandbox)
        findings = [*accountview.check(), *accountview.needs(Kind.ARTICLE), *accountview.needs(Kind.DEBTOR)]
        findings += accountview.needs(Kind.DEBTOR, for_insert=True)
        calls = calls_since(shared_sandbox, first)
        assert all(finding.ok for finding in findings)
        assert (calls["AK1 GET"], calls["AR1 GET"]) == (1, 1)


def test_a_connection_under_other_names_asks_for_nothing_that_the_one_before_has_read(
    connect: Connect, shared_sandbox: Sandbox
) -> None:
    before, renamed = connect(), connect(article={"ean": "K1_EAN"})
    assert all(finding.ok for finding in [*before.check(), *before.needs(Kind.ARTICLE)])
    renamed.remember(before)
    first = newest_call(shared_sandbox)
    assert check_of(renamed)[2]["field"] == "K1_EAN"
    assert set(calls_since(shared_sandbox, first)) == {"companies"}


def test_what_a_kind_of_record_lacks_is_named_and_the_check_of_the_connection_is_left_alone(sandbox: Sandbox) -> None:
    with connect_accountview(
        sandbox, sales_order={"note": "K1_NOTE"}, objects={"debtors": {"code": "AR9", "table": "CONTACT"}}
    ) as av:
        assert all(finding.ok for finding in av.check())
        findings = [*av.needs(Kind.DEBTOR, for_insert=True), *av.needs(Kind.SALES_ORDER, for_insert=True)]
        lacking = [(finding.cause, finding.facts["kind"]) for finding in findings if not finding.ok]
        assert lacking == [("object_missing", "debtor"), ("flow_field_unknown", "sales_order")]


def test_a_user_who_may_not_enter_debtors_is_reported_before_anything_is_written(sandbox: Sandbox) -> None:
    with connect_accountview(sandbox, refresh_token=LIMITED_REFRESH_TOKEN) as av:
        wrong = [finding for finding in av.needs(Kind.DEBTOR, for_insert=True) if not finding.ok]
        assert [(finding.cause, finding.facts["object"], finding.facts["action"]) for finding in wrong] == [
            ("right_missing", "AR1", "insert")
        ]
        assert all(finding.ok for finding in av.needs(Kind.DEBTOR))


def test_what_trade_invoices_need_is_named(shared_sandbox: Sandbox, shared_keeper: MemoryTokenStore) -> None:
    def failed_findings(**changed: object) -> list[tuple[str, str]]:
        with connect_accountview(shared_sandbox, shared_keeper, **changed) as accountview:
            looked = accountview.needs(Kind.SALES_ORDER, for_insert=True, as_invoices=True)
        return [
            (finding.cause, finding.facts.get("field") or finding.facts["object"])
            for finding in looked
            if not finding.ok
        ]

    absent = {"trade_invoices": {**INVOICES["trade_invoices"], "code": "ZZ9"}}
    assert failed_findings(objects=INVOICES) == []
    assert failed_findings()[0] == ("object_missing", "trade_invoices")
    assert failed_findings(objects=absent)[0] == ("object_missing", "ZZ9")
    assert failed_findings(objects=INVOICES, trade_invoice_line={"quantity": "ORD_QTY"}) == [
        ("flow_field_unknown", "ORD_QTY")
    ]


def test_a_history_without_the_field_of_our_reference_is_named(sandbox: Sandbox) -> None:
    with connect_accountview(sandbox, history={"reference": "COMMENT9"}) as accountview:
        wrong = [
            (finding.cause, finding.facts["kind"]) for finding in accountview.needs(Kind.SALES_ORDER) if not finding.ok
        ]
    assert wrong == [("flow_field_unknown", "sales_order")]


@pytest.mark.parametrize("kind", [Kind.SALES_ORDER, Kind.POSTING])
def test_documents_that_are_not_found_again_by_their_reference_are_reported_before_anything_is_written(
    kind: Kind,
) -> None:
    def causes(accountview: AccountView) -> list[tuple[str, str]]:
        return [
            (finding.cause, finding.facts["object"])
            for finding in accountview.needs(kind, for_insert=True)
            if not finding.ok
        ]

    field = {Kind.SALES_ORDER: "COMMENT1", Kind.POSTING: "INV_NR"}[kind]
    document = {Kind.SALES_ORDER: an_order, Kind.POSTING: a_posting}[kind]()
    expected: dict[frozenset[str], list[tuple[str, str]]] = {
        frozenset(): [],
        frozenset({field}): [("known_not_found", {Kind.SALES_ORDER: "SO1", Kind.POSTING: "DJ2"}[kind])],
    }
    for unmatched, expected_causes in expected.items():
        links = Links()
        with (
            running(articles=60, trades=False, conventions=Conventions(unmatched=unmatched)) as books,
            connect_accountview(books) as av,
        ):
            with_a_debtor(av, links, "501")
            create_record(av, document, links)
            assert causes(av) == expected_causes
