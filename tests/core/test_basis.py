"""The basis of a plan, compared with the present one."""

from integration.core.basis import FIELDS, ON, RATES, SYSTEM_INPUTS, TABLES, changed_marks


def test_another_mark_one_that_is_gone_and_none_that_is_new_or_unasked_has_changed() -> None:
    assert changed_marks({TABLES: "1", RATES: "1", FIELDS: "1", ON: "on"}, {TABLES: "2"}, SYSTEM_INPUTS) == [TABLES, ON]
    assert changed_marks({TABLES: "1", RATES: "1"}, {TABLES: "1", ON: "on"}) == [RATES]
    assert changed_marks({FIELDS: ""}, {FIELDS: "1"}) == [FIELDS]
