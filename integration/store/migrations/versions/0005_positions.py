"""What belongs to a run and not to where its preview stands, and positions with numbers and mappings of their own.

Until now a position was texts by name: `since:article`, `stamp:article`, the counts of brakes, and beside them what the
run was begun with. A run of before goes on from its position as it is written here.
"""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Words

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AT_ONCE = 1_000
FILLED = ("in_force", "names", "undo_of", "position", "notes")
TASKS = {"plan": "compare"}  # what is called otherwise now
OF_RUN = {"of", "mapping", "published", "names"}
OF_POSITION = {
    "phase", "stage", "after", "mark", "keys", "most", "marker", "read", "planned", "changes", "retirements", "done",
}  # fmt: skip
BY_KIND = {"since:": "since", "stamp:": "stamps"}
BRAKE = "brake_"


def upgrade() -> None:
    """Add the columns, and fill them and the positions of all runs from the positions there are."""
    op.add_column("runs", sa.Column("in_force", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("names", Words(), nullable=True))
    op.add_column("runs", sa.Column("undo_of", Words(), nullable=False, server_default=""))
    op.add_column("runs", sa.Column("notes", Json(), nullable=False, server_default="{}"))
    names = ("id", "mapping_version", "in_force", "names", "undo_of")
    runs = sa.table("runs", *map(sa.column, names), sa.column("position", Json()), sa.column("notes", Json()))
    connection, after = op.get_bind(), ""
    some = sa.select(runs.c.id, runs.c.mapping_version, runs.c.position).order_by(runs.c.id).limit(AT_ONCE)
    while found := connection.execute(some.where(runs.c.id > after)).all():
        after = found[-1].id
        changed = runs.update().where(runs.c.id == sa.bindparam("the_run"))
        filled = [_filled(row.id, row.mapping_version, row.position) for row in found]
        connection.execute(changed.values({name: sa.bindparam(f"new_{name}") for name in FILLED}), filled)


def _filled(run: str, version: int, old: Mapping[str, str]) -> dict[str, object]:
    return {
        "the_run": run,
        "new_in_force": int(old.get("published") or version),
        "new_names": old.get("names"),
        "new_undo_of": old.get("of", ""),
        "new_notes": {name: value for name, value in old.items() if _is_note(name)},
        "new_position": _position(old),
    }


def _is_note(name: str) -> bool:
    return name not in OF_RUN | OF_POSITION and not name.startswith((*BY_KIND, BRAKE))


def _position(old: Mapping[str, str]) -> dict[str, object]:
    counts = {name: int(old.get(name, "0")) for name in ("stage", "read", "planned", "changes", "retirements")}
    by_kind = {
        name: {key.removeprefix(sign): value for key, value in old.items() if key.startswith(sign)}
        for sign, name in BY_KIND.items()
    }
    phase = old.get("phase", "finish")
    return {
        **counts,
        **by_kind,
        "task": TASKS.get(phase, phase),
        "after": old.get("mark" if phase == "touched" else "after"),
        "keys": old["keys"].split("\n") if old.get("keys") else [],
        "most": int(old["most"]) if old.get("most") else None,
        "marker": old.get("marker"),
        "watched": {name: int(value) for name, value in old.items() if name.startswith(BRAKE)},
        "undone": int(old.get("done", "0")),
    }
