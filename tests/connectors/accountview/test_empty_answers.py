"""Answers without rows: which of them prove that no records exist."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from integration.connectors.accountview.client import Query
from integration.connectors.accountview.connector import AccountView
from integration.connectors.accountview.empty_answers import NOBODY
from integration.core.errors import RejectedError, UnavailableError
from integration.core.records import Kind
from integration.sandbox.accountview.conventions import Conventions, EmptyAnswerForm
from integration.sandbox.server import Sandbox, running
from tests.connectors.accountview.conversation import an_accountview, query_parameters
from tests.connectors.accountview.samples import a_debtor, an_order, calls_since, connect_accountview, newest_call
from tests.connectors.contract import keys, pages
from tests.fakes import Links

FORMS: tuple[EmptyAnswerForm, ...] = ("empty", "absent", "no_body", "no_content", "not_found", "not_found_bare")
UNCLEAR = FORMS[1:]


@contextmanager
def books(conventions: Conventions) -> Iterator[tuple[Sandbox, AccountView]]:
    """Books with conventions of their own, and a connection to them."""
    with (
        running(articles=60, trades=False, conventions=conventions) as sandbox,
        connect_accountview(sandbox) as accountview,
    ):
        yield sandbox, accountview


@pytest.mark.parametrize("form", FORMS)
def test_each_way_of_saying_nothing_is_learned_and_believed(form: EmptyAnswerForm, links: Links) -> None:
    with books(Conventions(no_hit=form)) as (sandbox, accountview):
        assert len(keys(pages(accountview, Kind.ARTICLE))) == len(sandbox.shop.articles)
        assert accountview.fetch(Kind.ARTICLE, ["none"]) == []
        assert accountview.lookup([a_debtor("k"), an_order("k")], links) == {}
        assert [finding for finding in accountview.check() if not finding.ok] == []
        for kind in (Kind.DEBTOR, Kind.ADDRESS, Kind.SALES_ORDER, Kind.POSTING):
            assert [finding for finding in accountview.needs(kind, for_insert=True) if not finding.ok] == []


@pytest.mark.parametrize("form", UNCLEAR)
@pytest.mark.parametrize("learned", ["empty", "not_found"])
def test_nothing_said_in_another_way_than_before_is_a_system_out_of_order(
    form: EmptyAnswerForm, learned: EmptyAnswerForm
) -> None:
    with books(Conventions(no_hit=learned)) as (sandbox, accountview):
        first = accountview.extract(Kind.ARTICLE)
        with sandbox.switches.armed(form, system="accountview", operation="AK1 GET", times=None):
            with pytest.raises(UnavailableError, match="nothing_in_another_way") as caught:
                accountview.extract(Kind.ARTICLE, None, first.after)
            assert caught.value.facts["object"] == "AK1"
            assert caught.value.facts["answer"].startswith("HTTP ")
            with pytest.raises(UnavailableError, match="nothing_but_nothing"):
                accountview.extract(Kind.ARTICLE, None, first.after)
        assert accountview.extract(Kind.ARTICLE, None, first.after).records


@pytest.mark.parametrize("form", UNCLEAR)
@pytest.mark.parametrize("code", ["AK1", "VA1", "FLD", "GL1"])
def test_an_object_that_must_have_rows_and_has_none_for_any_question_is_unavailable(
    form: EmptyAnswerForm, code: str
) -> None:
    with books(Conventions(no_hit=form, unreadable={code: form})) as (_, accountview):
        objects = accountview.settings.objects
        of = next(
            business_object
            for business_object in (objects.articles, objects.vat, objects.fields, objects.ledgers)
            if business_object.code == code
        )
        key = {"AK1": "ART_CODE", "VA1": "VAT_CODE", "GL1": "ACCT_NR"}.get(code, "FIELD_NAME")
        with pytest.raises(UnavailableError, match="nothing_but_nothing") as caught:
            accountview.client.page(Query(of=of, sort=(key,), size=5, dictionary=code == "FLD"))
        assert caught.value.facts["object"] == code
        wrong = [finding for finding in accountview.check() if not finding.ok]
        assert (wrong[0].name, wrong[0].cause, wrong[0].facts["object"]) == ("rights", "nothing_but_nothing", code)


@pytest.mark.parametrize("form", UNCLEAR)
def test_books_that_answer_every_question_alike_pass_no_check(form: EmptyAnswerForm) -> None:
    codes = ("AK1", "AG1", "VA1", "GL1", "AR1", "SO1", "ADDR", "ALH", "DJ2", "FLD")
    with books(Conventions(no_hit=form, unreadable=dict.fromkeys(codes, form))) as (_, accountview):
        assert [finding.cause for finding in accountview.check() if finding.ok is False] == ["nothing_but_nothing"]
        for kind in (Kind.DEBTOR, Kind.ADDRESS, Kind.SALES_ORDER, Kind.POSTING):
            assert "nothing_but_nothing" in [finding.cause for finding in accountview.needs(kind, for_insert=True)]


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404, json={"Message": "No HTTP resource was found."}),
        httpx.Response(404),
        httpx.Response(200),
        httpx.Response(204),
        httpx.Response(200, json={}),
    ],
)
def test_an_address_that_answers_everything_alike_passes_no_check(response: httpx.Response) -> None:
    findings = an_accountview(lambda _: response, minds=False).check()
    assert [finding.ok for finding in findings].count(False) == 1
    assert findings[-1].ok is None


@pytest.mark.parametrize("form", UNCLEAR)
def test_an_empty_table_is_believed_where_another_object_was_seen_to_say_it_so(
    form: EmptyAnswerForm, links: Links
) -> None:
    with books(Conventions(no_hit=form, unreadable={"SO1": form, "ALH": form})) as (_, accountview):
        assert accountview.lookup([an_order("k")], links) == {}


@pytest.mark.parametrize("form", UNCLEAR)
def test_an_empty_table_is_not_believed_where_the_others_say_it_otherwise(form: EmptyAnswerForm, links: Links) -> None:
    with books(Conventions(unreadable={"SO1": form})) as (_, accountview):
        with pytest.raises(UnavailableError, match=r"nothing_.*object=SO1"):
            accountview.lookup([an_order("k")], links)
        assert "nothing_but_nothing" in [finding.cause for finding in accountview.needs(Kind.SALES_ORDER)]


def test_an_empty_list_is_an_empty_table() -> None:
    with books(Conventions(unreadable={"AK1": "empty"})) as (_, accountview):
        assert accountview.extract(Kind.ARTICLE).records == ()


def test_conditions_that_are_ignored_are_reported_by_reads_and_by_the_check(links: Links) -> None:
    with books(Conventions(filters={"AK1": "ignored", "AR1": "ignored"})) as (_, accountview):
        assert accountview.extract(Kind.ARTICLE).records
        for looking in (
            lambda: accountview.fetch(Kind.ARTICLE, ["none"]),
            lambda: accountview.extract(Kind.ARTICLE, "2026-01-01T00:00:00"),
            lambda: accountview.lookup([a_debtor("k")], links),
        ):
            with pytest.raises(UnavailableError, match="filter_ignored"):
                looking()
        assert [(finding.cause, finding.facts["object"]) for finding in accountview.check() if finding.ok is False] == [
            ("filter_ignored", "AK1")
        ]
        assert "filter_ignored" in [finding.cause for finding in accountview.needs(Kind.DEBTOR)]


def test_conditions_that_are_refused_are_reported_by_reads_and_by_the_check() -> None:
    with books(Conventions(filters={"AK1": "refused"})) as (_, accountview):
        assert accountview.extract(Kind.ARTICLE).records
        with pytest.raises(RejectedError, match="Filteren van business object AK1"):
            accountview.fetch(Kind.ARTICLE, ["none"])
        wrong = [finding for finding in accountview.check() if finding.ok is False]
        assert [finding.cause for finding in wrong] == ["read_refused"]
        assert "Filteren van business object AK1" in wrong[0].facts["message"]


def test_an_object_is_asked_both_questions_once() -> None:
    with books(Conventions()) as (sandbox, accountview):
        accountview.fetch(Kind.GROUP, ["none"])
        start = newest_call(sandbox)
        accountview.fetch(Kind.GROUP, ["none"])
        assert calls_since(sandbox, start) == {"AG1 GET": 1}


def test_a_moment_of_404_while_it_is_learned_is_not_learned() -> None:
    answers = iter(
        [
            httpx.Response(404, json={"Message": "recycling"}),
            httpx.Response(200, json={"ARTICLE": [{"ART_CODE": "A"}]}),
            httpx.Response(200, json={"ARTICLE": [{"ART_CODE": "A"}]}),
            httpx.Response(200, json={"ARTICLE": []}),
        ]
    )
    with pytest.raises(UnavailableError, match="nothing_in_another_way"):
        an_accountview(lambda _: next(answers), minds=False).fetch(Kind.ARTICLE, ["A"])


def test_objects_are_asked_again_when_a_run_begins() -> None:
    with books(Conventions()) as (sandbox, accountview):
        accountview.fetch(Kind.GROUP, ["none"])
        accountview.begin()
        start = newest_call(sandbox)
        accountview.fetch(Kind.GROUP, ["none"])
        accountview.fetch(Kind.GROUP, ["none"])
        assert calls_since(sandbox, start) == {"AG1 GET": 3}  # one of them for something that nothing meets


def test_what_another_object_says_is_proven_anew_when_a_run_begins() -> None:
    missing, empty = httpx.Response(404, json={"Message": "none"}), httpx.Response(200, json={"ARTICLE": []})
    nothing = {"AK1": missing}

    def answering(request: httpx.Request) -> httpx.Response:
        query = query_parameters(request)
        if query["BusinessObject"] == "AG1":
            return missing  # whatever is asked
        is_probe = query.get("FilterValue1") == NOBODY
        return nothing["AK1"] if is_probe else httpx.Response(200, json={"ARTICLE": [{"ART_CODE": "A"}]})

    accountview = an_accountview(answering, minds=False)
    assert accountview.fetch(Kind.GROUP, ["A"]) == []  # as the articles say it
    nothing["AK1"] = empty
    accountview.begin()
    with pytest.raises(UnavailableError, match="nothing_but_nothing"):
        accountview.fetch(Kind.GROUP, ["A"])
