"""Every table of the operational database, declared once. `migrations/` brings a database to this state."""

import sqlalchemy as sa

from integration.store.columns import Json, Moment, Words

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _text(name: str, *, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, Words, primary_key=primary_key, nullable=False)


def _number(name: str, *, primary_key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=primary_key, autoincrement=False, nullable=False)


_COUNTED = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up in INTEGER columns alone

instance = sa.Table("instance", metadata, _text("id", primary_key=True))

runs = sa.Table(
    "runs",
    metadata,
    _text("id", primary_key=True),
    _text("flow"),
    sa.Column("active_flow", Words, unique=True),  # the flow while the run is at work: one at a time
    _text("state"),
    _text("mode"),
    _text("by"),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    _number("mapping_version"),
    _text("fingerprint"),
    sa.Column("brakes", Json, nullable=False),
    sa.Column("approval", Json),
    sa.Column("position", Json, nullable=False),
    _text("phase"),
    _number("progress_done"),
    _number("progress_total"),
    _text("error"),
    sa.Column("facts", Json, nullable=False),
    sa.Column("cancelled", sa.Boolean, nullable=False),
    _number("lines"),  # how many plan lines were given a number
    _number("read"),
    _number("unchanged"),
    sa.Column("in_force", sa.BigInteger, nullable=False, server_default="0"),  # the mapping's version when it was begun
    sa.Column("names", Words),  # a mark of the names the systems gave their fields then
    sa.Column("undo_of", Words, nullable=False, server_default=""),
    sa.Column("notes", Json, nullable=False, server_default="{}"),
    sa.Column("owner", Words, nullable=False, server_default=""),  # which process was at its last page
    sa.Column("claims", sa.BigInteger, nullable=False, server_default="0"),  # how often a page claimed it
    sa.Column("approvals", sa.BigInteger, nullable=False, server_default="0"),
    sa.Index("ix_runs_started", "started_at"),
    sa.Index("ix_runs_flow_state", "flow", "state", "started_at"),
)

staged = sa.Table(
    "staged",
    metadata,
    _text("run", primary_key=True),
    _number("stage", primary_key=True),
    _text("key", primary_key=True),
    _text("parent"),
    _text("title"),
    _text("number"),
    _text("mark"),
    sa.Column("taking_part", sa.Boolean, nullable=False),
    sa.Column("record", Json),
    sa.Column("issue", Json),
    sa.Column("skip", Json),
    sa.Column("group", Words, nullable=False, server_default=""),
    sa.Index("ix_staged_parent", "run", "stage", "parent", "key"),
    sa.Index("ix_staged_number", "run", "stage", "number"),
    sa.Index("ix_staged_mark", "run", "stage", "mark"),
)

lines = sa.Table(
    "plan_lines",
    metadata,
    _text("run", primary_key=True),
    _number("seq", primary_key=True),
    _number("stage"),
    _text("action"),
    _text("step"),
    _text("kind"),
    _text("key"),
    _text("title"),
    _text("group"),
    _text("found_by"),  # everything a search looks at, folded
    _number("weight"),
    sa.Column("first_match", sa.Boolean, nullable=False),
    sa.Column("change", Json),
    _text("digest"),
    sa.Column("brakes", Json, nullable=False),
    _text("cause"),
    _text("cause_field"),
    sa.Column("facts", Json, nullable=False),
    _number("attempts"),
    sa.Column("sent_at", Moment),
    _text("reference"),
    sa.Column("fields", Words, nullable=False, server_default=""),  # what it changes: |article.ean|article.price_incl|
    sa.Column("calls", sa.BigInteger, nullable=False, server_default="0"),  # write calls it takes
    sa.Column("accepted", sa.Boolean, nullable=False, server_default=sa.false()),  # the target answered yes
    sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_plan_lines_run", ondelete="CASCADE"),
    sa.Index("ix_plan_lines_action", "run", "action", "seq"),
    sa.Index("ix_plan_lines_step", "run", "step", "stage", "seq"),
    sa.Index("ix_plan_lines_key", "key"),
)

left_out = sa.Table(
    "left_out",
    metadata,
    _text("run", primary_key=True),
    _number("seq", primary_key=True),
    _text("digest"),  # of the change, by which it is left out of the plan that takes this one over too
    _text("by"),
    sa.Column("left_at", Moment, nullable=False),
    sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_left_out_run", ondelete="CASCADE"),
)

tallies = sa.Table(
    "tallies",
    metadata,
    _text("run", primary_key=True),
    _text("action", primary_key=True),
    _text("step", primary_key=True),
    _number("lines"),
    _number("weight"),
    sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_tallies_run", ondelete="CASCADE"),
)

facets = sa.Table(
    "facets",
    metadata,
    _text("run", primary_key=True),
    _text("facet", primary_key=True),  # field, group or cause
    _text("value", primary_key=True),
    _text("action", primary_key=True),
    _number("lines"),
    sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_facets_run", ondelete="CASCADE"),
)

phases = sa.Table(
    "phases",
    metadata,
    _text("run", primary_key=True),
    _number("number", primary_key=True),
    _text("phase"),
    sa.Column("began_at", Moment, nullable=False),
    _number("done_before"),
    sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_phases_run", ondelete="CASCADE"),
)

links = sa.Table(
    "links",
    metadata,
    _text("flow", primary_key=True),
    _text("kind", primary_key=True),
    _text("key", primary_key=True),
    _text("reference"),
    _text("owner"),  # key of the record this one is a part of
    _text("mark"),
    _text("marker"),
    sa.Column("agreed", Json),
    sa.Column("retired", sa.Boolean, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("unproven", sa.Boolean, nullable=False, server_default=sa.false()),  # nobody could read it back
    sa.Index("ix_links_reference", "flow", "kind", "reference"),
    sa.Index("ix_links_mark", "flow", "kind", "mark"),
    sa.Index("ix_links_changed", "flow", "kind", "changed_at"),
)

allotments = sa.Table(
    "allotments",
    metadata,
    _text("flow", primary_key=True),
    _text("kind", primary_key=True),
    _text("key", primary_key=True),
    _number("number"),
    sa.UniqueConstraint("flow", "kind", "number", name="uq_allotments_number"),
)

cursors = sa.Table(
    "cursors",
    metadata,
    _text("flow", primary_key=True),
    _text("side", primary_key=True),
    _text("value"),
    sa.Column("changed_at", Moment, nullable=False),
)

issues = sa.Table(
    "issues",
    metadata,
    sa.Column("id", _COUNTED, primary_key=True, autoincrement=True),
    _text("flow"),
    _text("key"),
    _text("cause"),
    _text("field"),
    _text("title"),
    _text("state"),
    sa.Column("facts", Json, nullable=False),
    sa.Column("first_seen", Moment, nullable=False),
    sa.Column("last_seen", Moment, nullable=False),
    _number("seen"),
    _text("run"),  # the run that met it last
    _text("reason"),
    _text("by"),
    sa.Column("detail", Words, nullable=False, server_default=""),  # what tells this trouble from others of its cause
    sa.Column("cents", sa.BigInteger),  # what its document comes to, where it is about one
    sa.UniqueConstraint("flow", "key", "cause", "field", name="uq_issues_identity"),
    sa.Index("ix_issues_state", "state", "flow", "cause", "field"),
    sqlite_autoincrement=True,
)

set_aside = sa.Table(
    "set_aside",
    metadata,
    _text("flow", primary_key=True),
    _text("key", primary_key=True),  # of the record read
    sa.Column("issue", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("mark"),  # what the record was like when its issue was set aside
    sa.Index("ix_set_aside_issue", "issue"),
)

causes = sa.Table(
    "causes",
    metadata,
    _text("flow", primary_key=True),
    _text("cause", primary_key=True),
    _text("field", primary_key=True),
    _text("detail", primary_key=True),
    _text("assigned"),
    _text("note"),
    _text("by"),
    sa.Column("changed_at", Moment, nullable=False),
)

corrections = sa.Table(
    "corrections",
    metadata,
    _text("flow", primary_key=True),
    _text("kind", primary_key=True),
    _text("key", primary_key=True),
    _text("field", primary_key=True),
    _text("title"),
    sa.Column("was", Json, nullable=False),  # the source's own value when it was corrected
    sa.Column("becomes", Json, nullable=False),
    _text("by"),
    sa.Column("changed_at", Moment, nullable=False),
)

mappings = sa.Table(
    "mappings",
    metadata,
    _text("flow", primary_key=True),
    _number("version", primary_key=True),
    sa.Column("body", Json, nullable=False),
    _text("note"),
    _text("by"),
    sa.Column("published_at", Moment, nullable=False),
)

value_tables = sa.Table(
    "value_tables",
    metadata,
    _text("name", primary_key=True),
    sa.Column("rows", Json, nullable=False),
    _text("by"),
    sa.Column("changed_at", Moment, nullable=False),
)

settings = sa.Table(
    "settings",
    metadata,
    _text("name", primary_key=True),
    sa.Column("value", Json, nullable=False),
    _text("by"),
    sa.Column("changed_at", Moment, nullable=False),
)

connections = sa.Table(
    "connections",
    metadata,
    _text("system", primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
)

leases = sa.Table(
    "leases",
    metadata,
    _text("name", primary_key=True),
    _text("owner"),
    sa.Column("until", Moment, nullable=False),
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    _text("executor", primary_key=True),
    sa.Column("beaten_at", Moment, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", _COUNTED, primary_key=True, autoincrement=True),
    sa.Column("happened_at", Moment, nullable=False),
    _text("run"),
    _text("flow"),
    _text("kind"),
    _text("key"),
    sa.Column("sources", Json, nullable=False),
    _text("title"),
    _text("event"),
    _text("code"),
    sa.Column("facts", Json, nullable=False),
    sa.Column("before", Json),
    sa.Column("after", Json),
    sa.Column("ms", sa.BigInteger),
    sqlite_autoincrement=True,  # an id that came back would look as if it had been drained already
)
