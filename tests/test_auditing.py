"""The commands about the audit (`integration/cli/audit.py`), each as its own process."""

import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.consoles import open_application
from tests.people import make_actor
from tests.programs import Terminal

pytestmark = pytest.mark.processes


@pytest.mark.long
def test_an_audit_is_listed_verified_and_taken_away_from_a_terminal(tmp_path: Path) -> None:
    with open_application(tmp_path, start=False) as application:
        application.tables.save("payment_methods", {"PIN": "1600"}, make_actor("anneke"))
    terminal, file = Terminal({"DATA": str(tmp_path)}), tmp_path / "audit.zip"

    (entry,) = terminal("audit", "list", "--actor", "anneke", "--json").json
    assert (entry["action"], entry["subjects"], entry["after"]) == (
        "table_changed",
        ["payment_methods"],
        {"PIN": "1600"},
    )
    checked = terminal("audit", "verify")
    assert (checked.status, checked.out.startswith("Intact: ")) == (0, True)
    head = checked.out.partition("Head: ")[2].strip()
    assert terminal("audit", "export", str(file), "--json").json["path"] == str(file)
    with zipfile.ZipFile(file) as packed:
        assert {"audit.jsonl", "verify_audit.py", "README.txt"} <= set(packed.namelist())
    assert terminal("audit", "export", str(tmp_path / "none" / "audit.zip")).status == 2

    with closing(sqlite3.connect(tmp_path / "console.sqlite")) as database:
        database.execute("DROP TRIGGER audit_no_update")
        database.execute("UPDATE audit SET line = replace(line, '1600', '1601') WHERE actor = 'anneke'")
        database.execute("DELETE FROM audit_head")  # no reason to end with an error of the program
        database.commit()
    broken = terminal("audit", "verify", "--head", head)
    assert (broken.status, broken.out.startswith(f"Damaged: entry {entry['seq']} was changed.")) == (1, True)
