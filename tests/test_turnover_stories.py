"""Turnover groups from the set-up to the till: proposed, answered, written, read back, and left alone afterwards."""

from collections.abc import Iterator

import pytest

from integration.core.states import RunState
from integration.sandbox.mplus.seed.setup import turnover_group_of
from tests.consoles import Console, open_application
from tests.people import make_actor


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A shop whose articles came to the till before their turnover groups were set."""
    with open_application(tmp_path_factory.mktemp("data"), sandbox=True) as application:
        console = Console(application)
        console.run("products")
        yield console


def groups(console: Console) -> dict[str, int | None]:
    """The turnover group of each article at the till that is linked, by the code of the books."""
    rows = console.sandbox.state("articles", "mplus")
    return {str(row["extArticleId"]): row.get("turnoverGroup") for row in rows if row.get("extArticleId")}


def test_the_groups_of_the_till_are_proposed_and_taken_and_fill_what_has_none(console: Console) -> None:
    before = groups(console)
    assert None in before.values()
    application = console.application
    application.setup.choose({"products": 5}, make_actor("test"))
    application.setup.accept(make_actor("test"))
    rows = application.rules.tables()["turnover_groups"]
    assert (rows["KLED"], rows["K-SHI"], rows["A-BOE"]) == ("20", "20", "70")  # by name, by the one above, by its own

    run = console.run("products")

    assert run.counts.proven > 0
    after = groups(console)
    assert all(after.values())
    assert {code: group for code, group in after.items() if before[code]} == {
        code: group for code, group in before.items() if group
    }
    of_group = {str(row["ART_CODE"]): str(row["AG_CODE"]) for row in console.sandbox.state("ARTICLE")}
    filled = [code for code in after if not before[code] and code in of_group and not of_group[code].startswith("D")]
    assert filled
    assert all(after[code] == turnover_group_of(of_group[code]) for code in filled)
    assert console.run("products").counts.proven == 0

    plan = console.undo(run)
    reasons = {row.cause for row in console.lines(plan).values()}
    assert (plan.state, reasons) == (RunState.DONE, {"undo_keeps_filled"})  # nobody says how to empty a number
    assert groups(console) == after
