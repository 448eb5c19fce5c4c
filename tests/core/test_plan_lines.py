"""Lines of a plan."""

from dataclasses import replace

from integration.core.plan import Action
from integration.core.plan_lines import EVERY_LINE, LineFilter, PlanRow
from integration.core.records import Kind
from integration.core.states import Step


def test_what_only_the_log_is_reported_makes_no_other_line() -> None:
    line = PlanRow(1, "debtors", Action.PARK, Kind.DEBTOR, "D1", "Anna")
    assert replace(line, about={"name": "Anna"}) == line
    assert (line.step, line.weight) == (Step.PLANNED, 1)


def test_every_line_is_meant_where_nothing_is_said() -> None:
    assert LineFilter() == EVERY_LINE
    assert LineFilter(cause="price_missing") != EVERY_LINE
