"""Traces of a value: the source value, and the reason."""

from dataclasses import replace

from integration.core.errors import Reason
from integration.core.traces import (
    Trace,
    WhyAnswer,
    by_row,
    by_setting,
    copied_field,
    explained_trace,
    with_reason,
)


def test_a_value_that_no_rule_gives_has_its_reason_with_its_facts() -> None:
    trace = explained_trace("line.vat", "1", "row", part="2", table="vat_codes", row="2")

    assert (trace.target, trace.value, trace.part) == ("line.vat", "1", "2")
    assert trace.reason == Reason("because_row", {"table": "vat_codes", "row": "2"})


def test_an_answer_has_the_reason_of_its_trace() -> None:
    assert WhyAnswer("line.vat", "", "1", explained_trace("line.vat", "1", "split")).reason == Reason("because_split")
    assert WhyAnswer("line.vat", "", "1", None).reason is None


def test_a_field_that_a_rule_takes_over_has_the_reason_of_the_flow_that_worked_it_out() -> None:
    trace = Trace("posting.daybook", (), "700", reason=Reason("because_source", {"field": "daybook"}))
    reasons = {"daybook": lambda: by_setting("daybook"), "account": lambda: by_row("accounts", "7")}

    assert copied_field(trace) == "daybook"
    assert with_reason(trace, reasons).reason == by_setting("daybook")
    account = replace(trace, reason=Reason("because_made", {"field": "account"}))
    assert with_reason(account, reasons).reason == Reason("because_row", {"table": "accounts", "row": "7"})
    assert with_reason(replace(trace, value=None), reasons).reason == trace.reason  # nothing was worked out
    for other in (Reason("because_source", {"field": "period"}), Reason("because_forced"), None):
        assert with_reason(replace(trace, reason=other), reasons).reason == other
