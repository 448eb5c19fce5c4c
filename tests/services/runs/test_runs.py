"""Runs of an application: those that are not resumed, and the state after an interruption."""

import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integration.application.bootstrap import build
from integration.core.basis import Basis, changed_marks
from integration.core.errors import MalformedAnswerError, PlanStaleError
from integration.core.records import Correction, Kind
from integration.core.run import PreviewRequest
from integration.core.states import RunState
from integration.sandbox.server import Sandbox
from integration.settings import load_settings
from integration.words import say
from tests.consoles import ARTICLES, FAST, Console, open_application, wait_for_run
from tests.people import make_actor
from tests.stores import sandbox_of, stores_in


def test_a_plan_nobody_approved_is_not_resumed(tmp_path: Path) -> None:
    with open_application(tmp_path, sandbox=True) as application:
        run = wait_for_run(application, application.runs.preview(PreviewRequest("products", by=make_actor("test"))))
        with pytest.raises(PlanStaleError):
            application.runs.resume(run.id, by=make_actor("test"))


@pytest.mark.long
def test_an_end_in_the_middle_of_a_run_is_no_error_of_the_run(tmp_path: Path, shop: Sandbox) -> None:
    access: dict[str, Any] = {
        "accountview": {"url": shop.accountview_url, "client_id": "sandbox-client", "client_secret": "sandbox-secret",
                        "refresh_token": "sandbox-refresh", "company": "7f3c", "per_second": FAST},
        "mplus": {"url": shop.mplus_url, "ident": "sandbox", "secret": "sandbox-secret"},
    }  # fmt: skip
    shop.switches.arm("delay", system="accountview", operation="*", times=None, seconds=6)
    settings = load_settings(data=tmp_path, sandbox_articles=ARTICLES, **access)
    application = build(settings).start()
    stores_in(application).rules.set_table("vat_codes", {"1": "1"}, "test")
    run_id = application.runs.preview(PreviewRequest("products", by=make_actor("test")))
    time.sleep(0.5)
    application.close()
    shop.switches.disarm()

    with open_application(tmp_path, **access) as second_console:
        assert wait_for_run(second_console, run_id).state is RunState.READY


def test_a_plan_made_with_other_value_tables_or_while_its_flow_was_on_is_refused_and_kept_left_out(
    tmp_path: Path,
) -> None:
    with open_application(tmp_path, sandbox=True) as application:
        stores, console = stores_in(application), Console(application)
        application.flows.change("products", {"on": True, "schedule_minutes": 59}, make_actor("test"))
        plan = console.preview("products")
        out = next(row for row in application.plans.rows(plan.id, "create") if row.kind is Kind.PRODUCT)
        application.choices.leave(plan.id, [out.seq], "test")
        plan, vat_codes = application.runs.get(plan.id), stores.rules.tables()["vat_codes"]
        assert application.runs.outdated(plan) is None
        stores.rules.set_table("vat_codes", dict(zip(vat_codes, reversed(vat_codes.values()), strict=True)), "test")
        stores.rules.set_table("another", {"1": "2"}, "test")  # which no rule of the flow reads
        application.flows.change("products", {"on": False, "schedule_minutes": 58}, make_actor("test"))
        key = min(stores.plans.covered_keys(plan.id, chosen=True))
        stores.corrections.keep("products", [Correction(Kind.ARTICLE, key, "ean", "", "8711111111110")], "test")

        with pytest.raises(PlanStaleError) as refused:
            console.commit(plan)

        reason = application.runs.outdated(plan)
        assert reason is not None
        assert (refused.value.code, refused.value.facts["changed"]) == ("basis_changed_since", "tables,on,corrections")
        assert (reason.code, reason.facts, console.writes()) == (refused.value.code, refused.value.facts, 0)
        anew = console.preview("products")
        assert {application.plans.row(anew.id, seq).key for seq in anew.excluded} == {out.key}
        assert console.commit(anew).counts.proven > 20


def test_a_plan_made_with_other_fields_of_the_books_is_refused_and_a_yes_reads_those_of_each_table_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_application(tmp_path, sandbox=True, fresh=True) as application:
        console = Console(application)
        plan = console.preview("products")
        console.sandbox.accountview.describe("ARTICLE", "ART_DESC1", length=10)
        assert application.runs.outdated(plan) is None  # nobody asks the books for a page that is only looked at
        with pytest.raises(PlanStaleError) as refused:
            console.commit(plan)
        assert refused.value.facts["changed"] == "fields"
        assert "the fields of AccountView" in say(refused.value.code, refused.value.facts).problem
        assert console.writes() == 0
        anew, before = console.preview("products"), len(console.sandbox.ledger.calls("accountview"))
        compared, basis = list[bool](), application.logics.basis

        def count_basis(flow: str, version: int, *, asks: bool) -> Basis:
            compared.append(asks)
            return basis(flow, version, asks=asks)

        monkeypatch.setattr(application.logics, "basis", count_basis)
        assert console.commit(anew).counts.proven > 20
        assert compared == [True]  # with what both systems say, once for a click
        calls = console.sandbox.ledger.calls("accountview")[before:]
        assert Counter(call.keys for call in calls if call.operation == "dictionary") == {
            ("ARTICLE ",): 1, ("ART_GRP ",): 1, ("K9_STOCK",): 1, ("~~",): 1,
        }  # fmt: skip  # the last one learns how the dictionary says that there is nothing


def test_what_the_systems_tell_and_what_other_flows_are_set_to_decides_too(tmp_path: Path) -> None:
    with open_application(tmp_path, sandbox=True) as application:
        logics, by = application.logics, make_actor("test")
        before = logics.basis("orders", 1, asks=True)
        assert changed_marks(before, logics.unasked().basis("orders", 1, asks=True)) == ["rates", "lists"]
        of_customers, fed = logics.basis("customers", 1, asks=False), logics.input_fingerprints("customers")
        application.flows.change("products", {"price_basis": "incl"}, by)
        assert changed_marks(of_customers, logics.basis("customers", 1, asks=False)) == ["settings"]
        assert changed_marks(fed, logics.input_fingerprints("customers")) == ["settings"]
        of_days = logics.basis("days", 1, asks=True)
        sandbox_of(application).accountview.describe("TRANSACT", "TRN_DESC", length=10)  # where pages by hand are seen
        logics.read_fields("days")
        assert changed_marks(of_days, logics.basis("days", 1, asks=True)) == ["fields"]


def test_a_contradiction_of_the_dictionary_stops_only_a_flow_that_uses_its_column(tmp_path: Path) -> None:
    with open_application(tmp_path, sandbox=True) as application:
        logics, by = application.logics, make_actor("test")
        dictionary = sandbox_of(application).accountview._system["DCT_FLD"]

        def contradict(column: str, number: int) -> None:
            other = {"DBF_NAME": "ARTICLE", "FIELD_NAME": column, "FIELD_TYPE": "C"}
            dictionary.add(dictionary.row({"DCT_FLD_ID": Decimal(number), "FIELD_LEN": Decimal(3), **other}))
            logics.read_fields("products")

        contradict("L_COSTPX", 99_998)
        condition = {"field": "l_costpx", "operator": "equal", "value": "1", "take": "in"}
        application.flows.change("products", {"filters": [condition]}, by)
        with pytest.raises(MalformedAnswerError, match=r"column_repeated.*ARTICLE.L_COSTPX \(Y 8 / C 3\)"):
            logics.read_fields("products")
        application.flows.change("products", {"filters": []}, by)
        with pytest.raises(MalformedAnswerError, match=r"column_repeated.*ARTICLE.PX_SELL"):
            contradict("PX_SELL", 99_999)
