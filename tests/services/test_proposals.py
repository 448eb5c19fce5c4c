"""What both systems already answer, and only that."""

from pathlib import Path

from tests.consoles import opened
from tests.stores import stores_in


def test_only_what_is_unambiguous_is_proposed(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        table = stores_in(application).rules.tables()["vat_codes"]
        ours = application.access.connector("accountview").choices("vat_rates")
        theirs = application.access.connector("mplus").choices("vat_rates")

    rates = list(ours.values())
    assert table
    assert all(ours[code] == theirs[other] for code, other in table.items())
    assert all(rates.count(ours[code]) == 1 for code in table)


def test_an_answered_question_is_not_proposed_again(tmp_path: Path) -> None:
    with opened(tmp_path, start=False) as application:
        application.connections.use_sandbox("test")
        stores_in(application).rules.set_table("vat_codes", {"1": "9"}, "test")
        application.proposals.fill("test")

        assert stores_in(application).rules.tables()["vat_codes"] == {"1": "9"}
