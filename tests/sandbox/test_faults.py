"""Planted faults: the answer that a client gets, and the data that the sandbox stores."""

import json
from functools import partial

import httpx
import pytest

from integration.sandbox.faults import CallLedger, Fault, Switches
from integration.sandbox.server import Sandbox
from tests.sandbox.office_client import Office, count_orders, debtor, order, refusal_text, table
from tests.timeouts import LATE, wait_until


class TestSwitches:
    def test_a_switch_meets_the_calls_it_is_meant_for_and_is_used_up(self) -> None:
        switches = Switches()
        switches.arm(Fault.FAULT, system="accountview", operation="SO1 *", key="MPLUS-*", times=2)
        assert switches.take("mplus", "SO1 POST", ("MPLUS-1",)) is None
        assert switches.take("accountview", "AR1 POST", ("MPLUS-1",)) is None
        assert switches.take("accountview", "SO1 POST", ("other",)) is None
        assert switches.take("accountview", "SO1 POST", ("other", "mplus-1"))
        assert switches.take("accountview", "SO1 GET", ("MPLUS-1",))
        assert switches.take("accountview", "SO1 POST", ("MPLUS-1",)) is None

    def test_a_switch_inside_a_block_is_off_after_it(self) -> None:
        switches = Switches()
        with switches.armed("html", times=None):
            assert all(switches.take("any", "any") for _ in range(5))
        assert switches.take("any", "any") is None

    def test_the_first_switch_goes_first_and_all_can_be_disarmed(self) -> None:
        switches = Switches()
        switches.arm(Fault.HTML)
        second = switches.arm(Fault.HALF)
        switch = switches.take("any", "any")
        assert switch
        assert switch.fault is Fault.HTML
        switches.disarm(second)
        switches.arm(Fault.LATE)
        switches.disarm()
        assert switches.active_switches() == []


class TestLedger:
    def test_it_forgets_the_oldest_and_never_the_counts(self) -> None:
        ledger = CallLedger(limit=2)
        for number in range(3):
            ledger.record(system="mplus", operation="x", write=number == 2, status=200)
        assert [call.number for call in ledger.calls()] == [2, 3]
        assert ledger.counts() == {"reads": 2, "writes": 1}
        assert [call.number for call in ledger.writes()] == [3]
        assert ledger.calls(since=2) == ledger.calls(system="mplus", write=True)
        ledger.clear()
        assert ledger.counts() == {"reads": 0, "writes": 0}

    def test_calls_are_noted_by_operation_and_key(self, sandbox: Sandbox, office: Office) -> None:
        office.post(order("MPLUS-7"))
        office.get("AK1", FilterControlSource1="ART_CODE", FilterValue1="10001")
        office.call("accountviewsystemdata", BusinessObject="FLD")
        token, post, query, dictionary = sandbox.ledger.calls("accountview")
        assert (token.operation, token.write) == ("token", False)
        assert (post.operation, post.write, post.status) == ("SO1 POST", True, 200)
        assert post.keys == ("MPLUS-7", "20001", sandbox.state("SO_HDR")[-1]["ORD_NR"])
        assert (query.operation, query.keys) == ("AK1 GET", ("10001",))
        assert dictionary.operation == "dictionary"

    def test_a_refused_write_is_noted_as_not_accepted(self, sandbox: Sandbox, office: Office) -> None:
        office.post(order("BAD", RPL_INV="404"))
        assert [call.accepted for call in sandbox.ledger.writes()] == [False]


class TestFaultsOnTheLine:
    @pytest.mark.parametrize(
        ("fault", "accepted"),
        [(Fault.CUT_BEFORE, 0), (Fault.CUT_AFTER, 1), (Fault.HALF, 1)],
    )
    def test_the_line_is_cut(self, sandbox: Sandbox, office: Office, fault: Fault, accepted: int) -> None:
        with sandbox.switches.armed(fault, operation="SO1 POST"), pytest.raises(httpx.TransportError):
            office.post(order("CUT"))
        assert count_orders(sandbox, "CUT") == accepted
        assert [call.accepted for call in sandbox.ledger.writes()] == [bool(accepted)]
        assert sandbox.ledger.writes()[0].note == fault

    @pytest.mark.parametrize(
        ("fault", "status"),
        [(Fault.TOO_MANY, 429), (Fault.TOO_MANY_WAIT, 429), (Fault.UNAVAILABLE, 503), (Fault.HTML, 200)],
    )
    def test_somebody_else_answers(self, sandbox: Sandbox, office: Office, fault: Fault, status: int) -> None:
        with sandbox.switches.armed(fault, seconds=2):
            answer = office.post(order("NOT"))
        assert answer.status_code == status
        assert answer.headers.get("retry-after") == ("2" if fault is Fault.TOO_MANY_WAIT else None)
        assert count_orders(sandbox, "NOT") == 0
        assert not sandbox.ledger.writes()[0].accepted

    def test_an_answer_can_be_garbage(self, sandbox: Sandbox, office: Office) -> None:
        with sandbox.switches.armed(Fault.GARBAGE):
            answer = office.post(order("GARBAGE"))
        with pytest.raises(json.JSONDecodeError):
            answer.json()
        assert count_orders(sandbox, "GARBAGE") == 1

    def test_accountview_itself_can_fail(self, sandbox: Sandbox, office: Office) -> None:
        with sandbox.switches.armed(Fault.FAULT):
            refusal_text(office.get("AK1"), 500)

    def test_a_token_can_expire_early(self, sandbox: Sandbox, office: Office) -> None:
        with sandbox.switches.armed(Fault.EXPIRED, operation="AK1 GET"):
            refusal_text(office.get("AK1"), 401)
        refusal_text(office.get("AK1"), 401)
        fresh = office.refresh(office.tokens["refresh_token"]).json()
        office.headers["Authorization"] = f"Bearer {fresh['access_token']}"
        assert office.get("AK1").status_code == 200

    def test_an_answer_can_come_later_than_a_client_waits(self, sandbox: Sandbox, office: Office) -> None:
        office.http.timeout = httpx.Timeout(0.2)
        with sandbox.switches.armed(Fault.DELAY, seconds=0.5), pytest.raises(httpx.ReadTimeout):
            office.post(order("SLOW"))
        wait_until(lambda: count_orders(sandbox, "SLOW") > 0, "the slow order")
        assert count_orders(sandbox, "SLOW") == 1


class TestFaultsInTheHouse:
    def test_a_write_can_be_accepted_and_shown_later(self, sandbox: Sandbox, office: Office) -> None:
        with sandbox.switches.armed(Fault.LATE, seconds=LATE):
            header = office.post(order("LATE")).json()["SO_HDR"][0]
        assert office.rows_where("SO1", "SO_HDR", "COMMENT1", "LATE") == []
        assert count_orders(sandbox, "LATE") == 1
        wait_until(lambda: office.rows_where("SO1", "SO_HDR", "COMMENT1", "LATE") == [header], "the late order")

    def test_a_change_can_be_accepted_and_shown_later(self, sandbox: Sandbox, office: Office) -> None:
        body = table("AR1", "CONTACT", {"SUB_NR": "20001", "TEL_MOB": "0612345678"})
        with sandbox.switches.armed(Fault.LATE, seconds=LATE):
            assert office.put(body).json()["CONTACT"][0]["TEL_MOB"] == "0612345678"
        assert office.rows_where("AR1", "CONTACT", "SUB_NR", "20001")[0]["TEL_MOB"] == ""
        find_debtor = partial(office.rows_where, "AR1", "CONTACT", "SUB_NR", "20001")
        wait_until(lambda: find_debtor()[0]["TEL_MOB"] == "0612345678", "the late number")

    def test_a_write_can_be_stored_wrongly(self, sandbox: Sandbox, office: Office) -> None:
        with sandbox.switches.armed(Fault.WRONG, operation="* POST", times=2):
            order_lines = office.post(order("WRONG")).json()["SO_LINE"]
            person = office.post(debtor()).json()["CONTACT"][0]
        assert [line["ORD_QTY"] for line in order_lines] == [2, 1]
        lines = office.get("SO1", FilterControlSource1="COMMENT1", FilterValue1="WRONG").json()["SO_LINE"]
        assert [line["ORD_QTY"] for line in lines] == [2, 2]
        contact = office.rows_where("AR1", "CONTACT", "SUB_NR", person["SUB_NR"])[0]
        assert contact["MAIL_BUS"] != person["MAIL_BUS"] == "anna@voorbeeld.example"
