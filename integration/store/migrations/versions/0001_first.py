"""The tables of the operational database, as `store/tables.py` declares them.

It is longer than other files: a table is made in its lines, whatever changes later is a file of its own.
"""

import sqlalchemy as sa
from alembic import op

from integration.store.columns import Json, Moment, TextColumn

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
START = "0" * 64  # the hash before the first entry of the audit
KEPT = "entries of the audit are never changed"


def upgrade() -> None:  # noqa: PLR0915  a statement for each table
    """Make the tables, and let the database itself refuse to change an entry of the audit."""
    op.create_table(
        "allotments",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("kind", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("flow", "kind", "key", name=op.f("pk_allotments")),
        sa.UniqueConstraint("flow", "kind", "number", name="uq_allotments_number"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("who", TextColumn, nullable=False),
        sa.Column("action", TextColumn, nullable=False),
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("subject", TextColumn, nullable=False),
        sa.Column("line", TextColumn, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_action", "audit", ["action", "seq"], unique=False)
    op.create_index("ix_audit_who", "audit", ["who", "seq"], unique=False)
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("seal", TextColumn, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "causes",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("cause", TextColumn, nullable=False),
        sa.Column("field", TextColumn, nullable=False),
        sa.Column("detail", TextColumn, nullable=False),
        sa.Column("assigned", TextColumn, nullable=False),
        sa.Column("note", TextColumn, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("changed_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("flow", "cause", "field", "detail", name=op.f("pk_causes")),
    )
    op.create_table(
        "connections",
        sa.Column("system", TextColumn, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("system", name=op.f("pk_connections")),
    )
    op.create_table(
        "corrections",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("kind", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("field", TextColumn, nullable=False),
        sa.Column("title", TextColumn, nullable=False),
        sa.Column("was", Json, nullable=False),
        sa.Column("becomes", Json, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("changed_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("flow", "kind", "key", "field", name=op.f("pk_corrections")),
    )
    op.create_table(
        "cursors",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("side", TextColumn, nullable=False),
        sa.Column("value", TextColumn, nullable=False),
        sa.Column("changed_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("flow", "side", name=op.f("pk_cursors")),
    )
    op.create_table(
        "day_checks",
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("branch", TextColumn, nullable=False),
        sa.Column("state", TextColumn, nullable=False),
        sa.Column("checked_at", Moment, nullable=False),
        sa.Column("result", Json, nullable=False),
        sa.PrimaryKeyConstraint("date", "branch", name=op.f("pk_day_checks")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", COUNTED, autoincrement=True, nullable=False),
        sa.Column("channel", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("what", TextColumn, nullable=False),
        sa.Column("episode", sa.BigInteger(), nullable=True),
        sa.Column("facts", Json, nullable=False),
        sa.Column("held", TextColumn, nullable=False),
        sa.Column("made_at", Moment, nullable=False),
        sa.Column("due_at", Moment, nullable=False),
        sa.Column("claimed_until", Moment, nullable=True),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sent_at", Moment, nullable=True),
        sa.Column("error", TextColumn, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("channel", "key", name="uq_deliveries_channel_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_due", "deliveries", ["sent_at", "due_at"], unique=False)
    op.create_table(
        "distinctions",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("kind", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("reference", TextColumn, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("decided_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("flow", "kind", "key", "reference", name=op.f("pk_distinctions")),
    )
    op.create_table(
        "drift",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("kind", TextColumn, nullable=False),
        sa.Column("began_at", Moment, nullable=False),
        sa.Column("ended_at", Moment, nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("error", TextColumn, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.PrimaryKeyConstraint("flow", "kind", name=op.f("pk_drift")),
    )
    op.create_table(
        "drifted",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("kind", TextColumn, nullable=False),
        sa.Column("began_at", Moment, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("title", TextColumn, nullable=False),
        sa.Column("reference", TextColumn, nullable=False),
        sa.Column("edits", Json, nullable=False),
        sa.PrimaryKeyConstraint("flow", "kind", "began_at", "key", name=op.f("pk_drifted")),
    )
    op.create_table(
        "episodes",
        sa.Column("id", COUNTED, autoincrement=True, nullable=False),
        sa.Column("active", TextColumn, nullable=True),
        sa.Column("sort", TextColumn, nullable=False),
        sa.Column("cause", TextColumn, nullable=False),
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("of", TextColumn, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=True),
        sa.Column("begun_at", Moment, nullable=False),
        sa.Column("seen_at", Moment, nullable=False),
        sa.Column("over_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_episodes")),
        sa.UniqueConstraint("active", name=op.f("uq_episodes_active")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_episodes_begun_at", "episodes", ["begun_at"], unique=False)
    op.create_table(
        "erased",
        sa.Column("mark", TextColumn, nullable=False),
        sa.Column("person", TextColumn, nullable=False),
        sa.Column("begun_at", Moment, nullable=False),
        sa.Column("done_at", Moment, nullable=True),
        sa.Column("lifted_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_erased")),
    )
    op.create_index("ix_erased_person", "erased", ["person"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("kind", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("reference", TextColumn, nullable=False),
        sa.Column("step", TextColumn, nullable=False),
        sa.Column("digest", TextColumn, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("booked_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", name=op.f("pk_evidence")),
    )
    op.create_index("ix_evidence_booked", "evidence", ["kind", "booked_at"], unique=False)
    op.create_table(
        "heartbeats",
        sa.Column("executor", TextColumn, nullable=False),
        sa.Column("beaten_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("executor", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "instance", sa.Column("id", TextColumn, nullable=False), sa.PrimaryKeyConstraint("id", name=op.f("pk_instance"))
    )
    op.create_table(
        "invitations",
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("person", TextColumn, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("until", Moment, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_invitations")),
    )
    op.create_index("ix_invitations_person", "invitations", ["person"], unique=False)
    op.create_table(
        "issues",
        sa.Column("id", COUNTED, autoincrement=True, nullable=False),
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("cause", TextColumn, nullable=False),
        sa.Column("field", TextColumn, nullable=False),
        sa.Column("title", TextColumn, nullable=False),
        sa.Column("state", TextColumn, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("first_seen", Moment, nullable=False),
        sa.Column("last_seen", Moment, nullable=False),
        sa.Column("seen", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("reason", TextColumn, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("detail", TextColumn, server_default="", nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issues")),
        sa.UniqueConstraint("flow", "key", "cause", "field", name="uq_issues_identity"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_issues_first_seen", "issues", ["first_seen"], unique=False)
    op.create_index("ix_issues_state", "issues", ["state", "flow", "cause", "field"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", TextColumn, nullable=False),
        sa.Column("owner", TextColumn, nullable=False),
        sa.Column("until", Moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "links",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("kind", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("reference", TextColumn, nullable=False),
        sa.Column("owner", TextColumn, nullable=False),
        sa.Column("mark", TextColumn, nullable=False),
        sa.Column("marker", TextColumn, nullable=False),
        sa.Column("agreed", Json, nullable=True),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("changed_at", Moment, nullable=False),
        sa.Column("unproven", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("evidence", Json, nullable=True),
        sa.Column("source_hash", TextColumn, server_default="", nullable=False),
        sa.Column("target_hash", TextColumn, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("flow", "kind", "key", name=op.f("pk_links")),
    )
    op.create_index("ix_links_changed", "links", ["flow", "kind", "changed_at"], unique=False)
    op.create_index("ix_links_mark", "links", ["flow", "kind", "mark"], unique=False)
    op.create_index("ix_links_reference", "links", ["flow", "kind", "reference"], unique=False)
    op.create_table(
        "mappings",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("note", TextColumn, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("published_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("flow", "version", name=op.f("pk_mappings")),
    )
    op.create_table(
        "moves",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("branch", TextColumn, nullable=False),
        sa.Column("article", TextColumn, nullable=False),
        sa.Column("amount", TextColumn, nullable=False),
        sa.Column("sort", TextColumn, nullable=False),
        sa.Column("happened_at", Moment, nullable=False),
        sa.Column("documents", Json, nullable=False),
        sa.Column("title", TextColumn, nullable=False),
        sa.Column("delivered", sa.Boolean(), nullable=False),
        sa.Column("unread", TextColumn, nullable=False),
        sa.Column("booked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "number", name=op.f("pk_moves")),
    )
    op.create_index("ix_moves_article", "moves", ["flow", "booked", "article"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", COUNTED, autoincrement=True, nullable=False),
        sa.Column("happened_at", Moment, nullable=False),
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("kind", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("sources", Json, nullable=False),
        sa.Column("title", TextColumn, nullable=False),
        sa.Column("event", TextColumn, nullable=False),
        sa.Column("code", TextColumn, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("before", Json, nullable=True),
        sa.Column("after", Json, nullable=True),
        sa.Column("ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "people",
        sa.Column("ref", TextColumn, nullable=False),
        sa.Column("name", TextColumn, nullable=False),
        sa.Column("grants", Json, nullable=False),
        sa.Column("issuer", TextColumn, nullable=True),
        sa.Column("subject", TextColumn, nullable=True),
        sa.Column("password", TextColumn, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("made_at", Moment, nullable=False),
        sa.Column("off_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_people")),
        sa.UniqueConstraint("issuer", "subject", name="uq_people_issuer_subject"),
    )
    op.create_table(
        "promises",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("document", TextColumn, nullable=False),
        sa.Column("branch", TextColumn, nullable=False),
        sa.Column("article", TextColumn, nullable=False),
        sa.Column("amount", TextColumn, nullable=False),
        sa.Column("title", TextColumn, nullable=False),
        sa.Column("booked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "document", "branch", "article", name=op.f("pk_promises")),
    )
    op.create_index("ix_promises_article", "promises", ["flow", "article"], unique=False)
    op.create_table(
        "runs",
        sa.Column("id", TextColumn, nullable=False),
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("active_flow", TextColumn, nullable=True),
        sa.Column("state", TextColumn, nullable=False),
        sa.Column("mode", TextColumn, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("started_at", Moment, nullable=False),
        sa.Column("ended_at", Moment, nullable=True),
        sa.Column("mapping_version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", TextColumn, nullable=False),
        sa.Column("brakes", Json, nullable=False),
        sa.Column("approval", Json, nullable=True),
        sa.Column("position", Json, nullable=False),
        sa.Column("phase", TextColumn, nullable=False),
        sa.Column("progress_done", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("progress_total", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("error", TextColumn, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("lines", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("read", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("unchanged", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("in_force", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("basis", Json, server_default="{}", nullable=False),
        sa.Column("undo_of", TextColumn, server_default="", nullable=False),
        sa.Column("notes", Json, server_default="{}", nullable=False),
        sa.Column("owner", TextColumn, server_default="", nullable=False),
        sa.Column("claims", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("approvals", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pruned_at", Moment, nullable=True),
        sa.Column("number", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("active_flow", name=op.f("uq_runs_active_flow")),
    )
    op.create_index("ix_runs_flow_state", "runs", ["flow", "state", "number"], unique=False)
    op.create_index("ix_runs_number", "runs", ["number"], unique=False)
    op.create_index("ix_runs_started", "runs", ["started_at"], unique=False)
    op.create_table(
        "saved_filters",
        sa.Column("person", TextColumn, nullable=False),
        sa.Column("page", TextColumn, nullable=False),
        sa.Column("name", TextColumn, nullable=False),
        sa.Column("asked", Json, nullable=False),
        sa.Column("changed_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("person", "page", "name", name=op.f("pk_saved_filters")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("person", TextColumn, nullable=False),
        sa.Column("begun_at", Moment, nullable=False),
        sa.Column("until", Moment, nullable=False),
        sa.Column("revoked_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("key", name=op.f("uq_sessions_key")),
    )
    op.create_index("ix_sessions_person", "sessions", ["person"], unique=False)
    op.create_table(
        "set_aside",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("issue", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mark", TextColumn, nullable=False),
        sa.PrimaryKeyConstraint("flow", "key", "issue", name=op.f("pk_set_aside")),
    )
    op.create_index("ix_set_aside_issue", "set_aside", ["issue"], unique=False)
    op.create_table(
        "settings",
        sa.Column("name", TextColumn, nullable=False),
        sa.Column("value", Json, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("changed_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "staged",
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("stage", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("parent", TextColumn, nullable=False),
        sa.Column("title", TextColumn, nullable=False),
        sa.Column("number", TextColumn, nullable=False),
        sa.Column("mark", TextColumn, nullable=False),
        sa.Column("taking_part", sa.Boolean(), nullable=False),
        sa.Column("record", Json, nullable=True),
        sa.Column("issue", Json, nullable=True),
        sa.Column("skip", Json, nullable=True),
        sa.Column("group", TextColumn, server_default="", nullable=False),
        sa.Column("source_hash", TextColumn, server_default="", nullable=False),
        sa.Column("same", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("run", "stage", "key", name=op.f("pk_staged")),
    )
    op.create_index("ix_staged_mark", "staged", ["run", "stage", "mark"], unique=False)
    op.create_index("ix_staged_number", "staged", ["run", "stage", "number"], unique=False)
    op.create_index("ix_staged_parent", "staged", ["run", "stage", "parent", "key"], unique=False)
    op.create_table(
        "stopped",
        sa.Column("executor", TextColumn, nullable=False),
        sa.Column("beaten_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("executor", name=op.f("pk_stopped")),
    )
    op.create_table(
        "taken_back",
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("kind", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("path", TextColumn, nullable=False),
        sa.Column("value", Json, nullable=True),
        sa.Column("inputs", TextColumn, nullable=False),
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("taken_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("flow", "kind", "key", "path", name=op.f("pk_taken_back")),
    )
    op.create_table(
        "tries",
        sa.Column("name", TextColumn, nullable=False),
        sa.Column("failed", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", Moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tries")),
    )
    op.create_table(
        "value_tables",
        sa.Column("name", TextColumn, nullable=False),
        sa.Column("rows", Json, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("changed_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_value_tables")),
    )
    op.create_table(
        "yeses",
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("fingerprint", TextColumn, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("session", TextColumn, nullable=False),
        sa.Column("confirmed", Json, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("until", Moment, nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_yeses")),
    )
    op.create_table(
        "change_requests",
        sa.Column("setting", TextColumn, nullable=False),
        sa.Column("flow", TextColumn, nullable=False),
        sa.Column("right", TextColumn, nullable=False),
        sa.Column("before", Json, nullable=False),
        sa.Column("after", Json, nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("session", TextColumn, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("until", Moment, nullable=False),
        sa.PrimaryKeyConstraint("setting", name=op.f("pk_change_requests")),
    )
    op.create_table(
        "facets",
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("facet", TextColumn, nullable=False),
        sa.Column("value", TextColumn, nullable=False),
        sa.Column("action", TextColumn, nullable=False),
        sa.Column("lines", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_facets_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "facet", "value", "action", name=op.f("pk_facets")),
    )
    op.create_table(
        "left_out",
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", TextColumn, nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("left_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_left_out_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "seq", name=op.f("pk_left_out")),
    )
    op.create_table(
        "phases",
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("phase", TextColumn, nullable=False),
        sa.Column("began_at", Moment, nullable=False),
        sa.Column("done_before", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_phases_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "number", name=op.f("pk_phases")),
    )
    op.create_table(
        "plan_lines",
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("stage", TextColumn, nullable=False),
        sa.Column("action", TextColumn, nullable=False),
        sa.Column("step", TextColumn, nullable=False),
        sa.Column("kind", TextColumn, nullable=False),
        sa.Column("key", TextColumn, nullable=False),
        sa.Column("title", TextColumn, nullable=False),
        sa.Column("group", TextColumn, nullable=False),
        sa.Column("found_by", TextColumn, nullable=False),
        sa.Column("weight", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first_match", sa.Boolean(), nullable=False),
        sa.Column("change", Json, nullable=True),
        sa.Column("digest", TextColumn, nullable=False),
        sa.Column("brakes", Json, nullable=False),
        sa.Column("cause", TextColumn, nullable=False),
        sa.Column("cause_field", TextColumn, nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("attempts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sent_at", Moment, nullable=True),
        sa.Column("reference", TextColumn, nullable=False),
        sa.Column("fields", TextColumn, server_default="", nullable=False),
        sa.Column("calls", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_plan_lines_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "seq", name=op.f("pk_plan_lines")),
    )
    op.create_index("ix_plan_lines_action", "plan_lines", ["run", "action", "seq"], unique=False)
    op.create_index("ix_plan_lines_key", "plan_lines", ["key"], unique=False)
    op.create_index("ix_plan_lines_step", "plan_lines", ["run", "step", "stage", "seq"], unique=False)
    op.create_table(
        "plan_notes",
        sa.Column("id", COUNTED, autoincrement=True, nullable=False),
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("text", TextColumn, nullable=False),
        sa.Column("discards", sa.Boolean(), nullable=False),
        sa.Column("by", TextColumn, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_plan_notes_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_notes")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_plan_notes_run", "plan_notes", ["run", "id"], unique=False)
    op.create_table(
        "tallies",
        sa.Column("run", TextColumn, nullable=False),
        sa.Column("action", TextColumn, nullable=False),
        sa.Column("step", TextColumn, nullable=False),
        sa.Column("lines", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("weight", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], name="fk_tallies_run", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "action", "step", name=op.f("pk_tallies")),
    )

    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": START, "key": "", "seal": ""}])
    for statement in _guards(op.get_bind().dialect.name):
        op.execute(statement)


def _guards(dialect: str) -> list[str]:
    if dialect == "postgresql":
        return [
            (
                "CREATE OR REPLACE FUNCTION audit_kept() RETURNS trigger LANGUAGE plpgsql "
                f"AS $$BEGIN RAISE EXCEPTION '{KEPT}'; END$$"
            ),
            "CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit EXECUTE FUNCTION audit_kept()",
        ]
    triggers = {
        "update": "UPDATE ON audit",
        "delete": "DELETE ON audit",
        # INSERT OR REPLACE deletes an entry, and no trigger of a delete hears of it
        "replace": "INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq OR rowid = NEW.rowid)",
    }
    return [
        f"CREATE TRIGGER audit_no_{name} BEFORE {event} BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
        for name, event in triggers.items()
    ]
