"""The commands of the terminal and their summaries."""

from integration.cli.commands import COMMANDS, load_command


def test_the_summary_of_each_command_is_the_first_paragraph_of_its_help() -> None:
    told = {name: (load_command(name).help or "").partition("\n\n")[0].replace("\n", " ") for name in COMMANDS}

    assert told == {name: summary for name, (_, summary) in COMMANDS.items()}
