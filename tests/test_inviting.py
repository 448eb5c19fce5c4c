"""People in the terminal: their list, and the invitation link by which a person joins."""

from pathlib import Path

from integration.accounts.people import People
from integration.accounts.store.people import PeopleStore as Stored
from integration.store.database import open_database
from tests.clocks import now
from tests.programs import Terminal


def test_whoever_is_at_the_terminal_invites_people_and_an_administrator_first(tmp_path: Path) -> None:
    terminal = Terminal({"DATA": str(tmp_path), "ADDRESS": "http://localhost:9000"})
    refused = terminal("people", "invite", "ann")
    assert (refused.status, "This console has no administrator yet." in refused.err) == (5, True)

    invited = terminal("people", "invite", "Ann", "--may", "administrator", "--may", "ask_sql", "--json").json
    place, _, key = invited["link"].partition("/invitation?key=")
    assert place == "http://localhost:9000"
    assert terminal("people", "list", "--json").json == [
        {"name": "ann", "grants": ["administrator", "ask_sql"], "state": "invited"}
    ]

    database = open_database(f"sqlite:///{tmp_path / 'console.sqlite'}")
    people = People(Stored(database, now), now, asks=False, is_safe=False)
    assert people.actor_of_session(people.accept(key, "correct horse battery")).ref == "ann"
    database.close()
    assert terminal("people", "list").out.split()[-1] == "in"
    assert terminal("runs").status == 0  # whoever is here may do everything, whoever logs in elsewhere
