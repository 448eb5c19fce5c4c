"""What the lines of a plan can be sorted by, how many calls each takes, and when the phases of a run began."""

from collections import Counter

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Moment, Words

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WAITING = ("ready", "committing", "interrupted")
CHANGES = ("create", "update", "retire")
AT_ONCE = 1_000


def upgrade() -> None:
    """Add columns and tables, and fill them for the plans that wait. A change made before counts as one call."""
    op.add_column("staged", sa.Column("group", Words(), nullable=False, server_default=""))
    op.add_column("plan_lines", sa.Column("fields", Words(), nullable=False, server_default=""))
    op.add_column("plan_lines", sa.Column("calls", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "facets",
        sa.Column("run", Words(), nullable=False),
        sa.Column("facet", Words(), nullable=False),
        sa.Column("value", Words(), nullable=False),
        sa.Column("action", Words(), nullable=False),
        sa.Column("lines", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_facets_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "facet", "value", "action", name=op.f("pk_facets")),
    )
    op.create_table(
        "phases",
        sa.Column("run", Words(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("phase", Words(), nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("done_before", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_phases_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_phases")),
    )
    connection = op.get_bind()
    runs = sa.table("runs", sa.column("id"), sa.column("state"))
    for run in connection.execute(sa.select(runs.c.id).where(runs.c.state.in_(WAITING))).scalars().all():
        _fill(connection, run)


def _fill(connection: sa.Connection, run: str) -> None:
    names = ("run", "seq", "action", "group", "cause", "fields", "calls")
    lines = sa.table("plan_lines", *map(sa.column, names), sa.column("change", Json()))
    facets = sa.table("facets", *map(sa.column, ("run", "facet", "value", "action", "lines")))
    changes = (lines.c.run == run, lines.c.action.in_(CHANGES))
    connection.execute(lines.update().where(*changes).values(calls=1))
    counted: Counter[tuple[str, str, str]] = Counter()
    after = 0
    page = sa.select(lines).where(lines.c.run == run).order_by(lines.c.seq).limit(AT_ONCE)
    while found := connection.execute(page.where(lines.c.seq > after)).all():
        after = found[-1].seq
        filled = {row.seq: _fields(row.action, row.change) for row in found}
        for row in found:
            counted.update(("field", name, row.action) for name in filled[row.seq])
            counted.update(
                (facet, value, row.action) for facet, value in (("group", row.group), ("cause", row.cause)) if value
            )
        fills = [{"the_seq": seq, "known": f"|{'|'.join(fields)}|"} for seq, fields in filled.items() if fields]
        if fills:
            here = (lines.c.run == run, lines.c.seq == sa.bindparam("the_seq"))
            connection.execute(lines.update().where(*here).values(fields=sa.bindparam("known")), fills)
    rows = [
        {"run": run, "facet": facet, "value": value, "action": action, "lines": number}
        for (facet, value, action), number in counted.items()
    ]
    if rows:
        connection.execute(facets.insert(), rows)


def _fields(action: str, change: dict[str, object] | None) -> list[str]:
    """Return the names of the fields that a kept change writes; a record that is new has none that change."""
    if change is None or action == "create":
        return []
    found: dict[str, None] = {}
    wanted = change["wanted"]
    for record in (wanted, *wanted.get("parts", ())):  # type: ignore[attr-defined]
        found |= dict.fromkeys(f"{record['kind']}.{name}" for name in record["values"])
    return list(found)
