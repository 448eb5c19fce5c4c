"""The commands of the terminal and their summaries."""

import pytest

from integration.cli.commands import COMMANDS, load_command
from integration.cli.output import explain
from integration.core.causes import CAUSES
from integration.core.errors import PlanStaleError
from integration.shipped import COMMAND
from integration.words.catalogues import tables


def test_the_summary_of_each_command_is_the_first_paragraph_of_its_help() -> None:
    summaries = {name: (load_command(name).help or "").partition("\n\n")[0].replace("\n", " ") for name in COMMANDS}

    assert summaries == {name: summary for name, (_, summary) in COMMANDS.items()}


def test_the_terminal_shows_a_repair_command_as_it_is_typed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert {cause.command.split()[0] for cause in CAUSES.values() if cause.command} <= COMMANDS.keys()
    explain(PlanStaleError("installation_moved", flow="orders", code="0a1b"), as_json=False)
    assert f"{COMMAND} place --confirm 0a1b\n" in capsys.readouterr().err


def test_no_text_of_a_screen_has_a_command_to_type() -> None:
    """The reader of a page may have no terminal, or a program with another name."""
    lines = [*tables().texts.values(), *tables().causes.values()]
    assert [value for line in lines for value in line.values() if "sluis " in (value or "")] == []
