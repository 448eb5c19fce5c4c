"""Declares every table of the operational database. `migrations/` brings a database to this schema.

The file is longer than others because it is one list, in which related tables are next to each other.
"""

import sqlalchemy as sa

from integration.store import columns
from integration.store.columns import COUNTED as _COUNTED
from integration.store.columns import Json, Moment, TextColumn
from integration.store.columns import number_column as _number
from integration.store.columns import text_column as _text

metadata = columns.metadata

instance = sa.Table("instance", metadata, _text("id", primary_key=True))

runs = sa.Table(
    "runs",
    metadata,
    _text("id", primary_key=True),
    _text("flow"),
    sa.Column("active_flow", TextColumn, unique=True),  # the flow while the run is active: unique, so one at a time
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
    _number("lines"),  # number of plan lines so far
    _number("read_count"),
    _number("unchanged"),
    sa.Column("in_force", sa.BigInteger, nullable=False, server_default="0"),  # mapping version in force at the start
    sa.Column("basis", Json, nullable=False, server_default="{}"),  # marks of the other inputs of the plan
    sa.Column("undo_of", TextColumn, nullable=False, server_default=""),
    sa.Column("notes", Json, nullable=False, server_default="{}"),
    sa.Column("owner", TextColumn, nullable=False, server_default=""),  # process of the last page
    sa.Column("claims", sa.BigInteger, nullable=False, server_default="0"),  # fencing token: number of claims by a page
    sa.Column("approvals", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("pruned_at", Moment),  # when lines were deleted by retention, all or some
    sa.Column("number", sa.BigInteger, nullable=False, server_default="0"),  # start order, independent of the clock
    sa.Index("ix_runs_started", "started_at"),
    sa.Index("ix_runs_number", "number"),
    sa.Index("ix_runs_flow_state", "flow", "state", "number"),
)

staged_records = sa.Table(
    "staged_records",
    metadata,
    _text("run", primary_key=True),
    _text("stage", primary_key=True),
    _text("key", primary_key=True),
    _text("parent"),
    _text("title"),
    _text("number"),
    _text("mark"),
    sa.Column("taking_part", sa.Boolean, nullable=False),
    sa.Column("record", Json),
    sa.Column("issue", Json),
    sa.Column("skip", Json),
    sa.Column("group", TextColumn, nullable=False, server_default=""),
    sa.Column("source_hash", TextColumn, nullable=False, server_default=""),  # hash of the source; empty: unknown
    sa.Column("same", sa.Boolean, nullable=False, server_default=sa.false()),  # unchanged since the sides agreed
    sa.Index("ix_staged_records_parent", "run", "stage", "parent", "key"),
    sa.Index("ix_staged_records_number", "run", "stage", "number"),
    sa.Index("ix_staged_records_mark", "run", "stage", "mark"),
)

lines = sa.Table(
    "plan_lines",
    metadata,
    _text("run", primary_key=True),
    _number("seq", primary_key=True),
    _text("stage"),
    _text("action"),
    _text("step"),
    _text("kind"),
    _text("key"),
    _text("title"),
    _text("group"),
    _text("found_by"),  # case-folded text for searching
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
    sa.Column(
        "fields", TextColumn, nullable=False, server_default=""
    ),  # fields it changes: |article.ean|article.price_incl|
    sa.Column("price_moves", TextColumn, nullable=False, server_default=""),  # of selling prices: |up|down|
    sa.Column("calls", sa.BigInteger, nullable=False, server_default="0"),  # write calls it needs
    sa.Column("accepted", sa.Boolean, nullable=False, server_default=sa.false()),  # the target answered positively
    sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_plan_lines_run", ondelete="CASCADE"),
    sa.Index("ix_plan_lines_action", "run", "action", "seq"),
    sa.Index("ix_plan_lines_step", "run", "step", "stage", "seq"),
    sa.Index("ix_plan_lines_key", "key"),
)

plan_notes = sa.Table(
    "plan_notes",
    metadata,
    sa.Column("id", _COUNTED, primary_key=True, autoincrement=True),
    _text("run"),
    _text("text"),
    sa.Column("discards", sa.Boolean, nullable=False),  # gives the reason why the plan was discarded
    _text("by"),
    sa.Column("at", Moment, nullable=False),
    sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_plan_notes_run", ondelete="CASCADE"),
    sa.Index("ix_plan_notes_run", "run", "id"),
    sqlite_autoincrement=True,
)

saved_filters = sa.Table(
    "saved_filters",
    metadata,
    _text("person", primary_key=True),  # empty: shared, if there is no log-in
    _text("page", primary_key=True),
    _text("name", primary_key=True),
    sa.Column("parameters", Json, nullable=False),  # query parameters of the page
    sa.Column("changed_at", Moment, nullable=False),
)

excluded_lines = sa.Table(
    "excluded_lines",
    metadata,
    _text("run", primary_key=True),
    _number("seq", primary_key=True),
    _text("digest"),  # of the change, to exclude it from a replacing plan too
    _text("by"),
    sa.Column("excluded_at", Moment, nullable=False),
    sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_excluded_lines_run", ondelete="CASCADE"),
)

line_counts = sa.Table(
    "line_counts",
    metadata,
    _text("run", primary_key=True),
    _text("action", primary_key=True),
    _text("step", primary_key=True),
    _number("lines"),
    _number("weight"),
    sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_line_counts_run", ondelete="CASCADE"),
)

facets = sa.Table(
    "facets",
    metadata,
    _text("run", primary_key=True),
    _text("facet", primary_key=True),  # field, price, group, cause or kind
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
    sa.Column("started_at", Moment, nullable=False),
    _number("done_before"),
    sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_phases_run", ondelete="CASCADE"),
)

evidence = sa.Table(
    "evidence",
    metadata,
    _text("run", primary_key=True),
    _number("seq", primary_key=True),
    _text("flow"),
    _text("kind"),
    _text("key"),
    _text("reference"),
    _text("step"),
    _text("digest"),  # of the change as shown and written
    _text("by"),  # person who approved it
    sa.Column("booked_at", Moment, nullable=False),
    sa.Index("ix_evidence_booked", "kind", "booked_at"),
)

links = sa.Table(
    "links",
    metadata,
    _text("flow", primary_key=True),
    _text("kind", primary_key=True),
    _text("key", primary_key=True),
    _text("reference"),
    _text("owner"),  # key of the record that this one is part of
    _text("mark"),
    _text("marker"),
    sa.Column("agreed", Json),
    sa.Column("retired", sa.Boolean, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("unproven", sa.Boolean, nullable=False, server_default=sa.false()),  # written, but not read back
    sa.Column("evidence", Json),  # identifying values of both records
    sa.Column("source_hash", TextColumn, nullable=False, server_default=""),  # hashes of both sides when they
    sa.Column("target_hash", TextColumn, nullable=False, server_default=""),  # agreed; empty: compare the records
    sa.Index("ix_links_reference", "flow", "kind", "reference"),
    sa.Index("ix_links_mark", "flow", "kind", "mark"),
    sa.Index("ix_links_changed", "flow", "kind", "changed_at"),
)

distinctions = sa.Table(
    "distinctions",
    metadata,
    _text("flow", primary_key=True),
    _text("kind", primary_key=True),
    _text("key", primary_key=True),  # source record
    _text("reference", primary_key=True),  # target record that a person marked as another record
    _text("by"),
    sa.Column("decided_at", Moment, nullable=False),
)

customer_merges = sa.Table(
    "customer_merges",
    metadata,
    _text("flow", primary_key=True),  # flow of customers
    _text("debtor", primary_key=True),  # numbers of the customer that was merged; empty: none
    _text("relation", primary_key=True),
    _text("into_debtor"),  # numbers of the customer that stays
    _text("into_relation"),
    sa.Column("replaced", Json, nullable=False),  # pairs of numbers of the links that the merge removed or changed
    sa.Column("added", Json, nullable=False),  # those of the links that it added
    _text("by"),
    sa.Column("decided_at", Moment, nullable=False),
)

dismissed_customer_pairs = sa.Table(
    "dismissed_customer_pairs",
    metadata,
    _text("flow", primary_key=True),  # flow of customers
    _text("debtor", primary_key=True),  # numbers of both customers that are two persons; empty: none
    _text("relation", primary_key=True),
    _text("other_debtor", primary_key=True),
    _text("other_relation", primary_key=True),
    _text("by"),
    sa.Column("decided_at", Moment, nullable=False),
)

reverted_values = sa.Table(
    "reverted_values",
    metadata,
    _text("flow", primary_key=True),
    _text("kind", primary_key=True),
    _text("key", primary_key=True),
    _text("path", primary_key=True),
    sa.Column("value", Json),  # value that had been written
    _text("inputs"),  # source figures of a running total, if it is one
    _text("run"),  # run that reverted it
    _text("by"),
    sa.Column("reverted_at", Moment, nullable=False),
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
    _number("occurrences"),
    _text("run"),  # last run that found it
    _text("reason"),
    _text("by"),
    sa.Column("detail", TextColumn, nullable=False, server_default=""),  # distinguishes issue groups of one cause
    sa.Column("cents", sa.BigInteger),  # total of the document, if it concerns one
    sa.UniqueConstraint("flow", "key", "cause", "field", name="uq_issues_identity"),
    sa.Index("ix_issues_first_seen", "first_seen"),
    sa.Index("ix_issues_state", "state", "flow", "cause", "field"),
    sqlite_autoincrement=True,
)

dismissals = sa.Table(
    "dismissals",
    metadata,
    _text("flow", primary_key=True),
    _text("key", primary_key=True),  # of the source record
    sa.Column("issue", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("mark"),  # state of the record when its issue was dismissed
    sa.Index("ix_dismissals_issue", "issue"),
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

drift_checks = sa.Table(
    "drift_checks",
    metadata,
    _text("flow", primary_key=True),
    _text("kind", primary_key=True),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("ended_at", Moment, nullable=False),
    sa.Column("counts", Json, nullable=False),
    _text("error"),
    sa.Column("facts", Json, nullable=False),
)

drift_samples = sa.Table(  # sample of differences, including those of an unfinished check
    "drift_samples",
    metadata,
    _text("flow", primary_key=True),
    _text("kind", primary_key=True),
    sa.Column("started_at", Moment, primary_key=True),
    _text("key", primary_key=True),
    _text("title"),
    _text("reference"),
    sa.Column("edits", Json, nullable=False),
)

day_checks = sa.Table(
    "day_checks",
    metadata,
    sa.Column("date", sa.Date, primary_key=True),
    _text("branch", primary_key=True),
    _text("state"),
    sa.Column("checked_at", Moment, nullable=False),
    sa.Column("result", Json, nullable=False),
)

stock_movements = sa.Table(
    "stock_movements",
    metadata,
    _text("flow", primary_key=True),
    _number("number", primary_key=True),
    _text("branch"),
    _text("article"),
    _text("amount"),
    _text("type"),
    sa.Column("happened_at", Moment, nullable=False),
    sa.Column("documents", Json, nullable=False),
    _text("title"),
    sa.Column("delivered", sa.Boolean, nullable=False),
    _text("unread"),
    sa.Column("booked", sa.Boolean, nullable=False),
    sa.Index("ix_stock_movements_article", "flow", "booked", "article"),
)

reservations = sa.Table(
    "reservations",
    metadata,
    _text("flow", primary_key=True),
    _text("document", primary_key=True),
    _text("branch", primary_key=True),
    _text("article", primary_key=True),
    _text("amount"),
    _text("title"),
    sa.Column("booked", sa.Boolean, nullable=False),
    sa.Index("ix_reservations_article", "flow", "article"),
)

corrections = sa.Table(
    "corrections",
    metadata,
    _text("flow", primary_key=True),
    _text("kind", primary_key=True),
    _text("key", primary_key=True),
    _text("field", primary_key=True),
    _text("title"),
    sa.Column("was", Json, nullable=False),  # the source's own value at that time
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
    sa.Column("last_beat_at", Moment, nullable=False),
)

stopped_executors = sa.Table(
    "stopped_executors",
    metadata,
    _text("executor", primary_key=True),  # died without a message, and was not restarted
    sa.Column("last_beat_at", Moment, nullable=False),
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", _COUNTED, primary_key=True, autoincrement=True),
    sa.Column("active", TextColumn, unique=True),  # identity of an ongoing incident: unique
    _text("problem_type"),
    _text("cause"),
    _text("flow"),
    _text("of"),
    sa.Column("facts", Json, nullable=False),
    _number("number"),
    sa.Column("cents", sa.BigInteger),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Index("ix_incidents_started_at", "started_at"),
    sqlite_autoincrement=True,
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", _COUNTED, primary_key=True, autoincrement=True),
    _text("channel"),
    _text("key"),  # identity of a message within a channel
    _text("message_type"),
    sa.Column("incident", sa.BigInteger),
    sa.Column("facts", Json, nullable=False),
    _text("held"),  # why it waits: quiet, digest, silenced
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("claimed_until", Moment),  # claimed by a sending process until then
    _number("attempts"),
    sa.Column("sent_at", Moment),
    _text("error"),
    sa.UniqueConstraint("channel", "key", name="uq_deliveries_channel_key"),
    sa.Index("ix_deliveries_due", "sent_at", "due_at"),
    sqlite_autoincrement=True,
)

erasures = sa.Table(
    "erasures",
    metadata,
    _text("mark", primary_key=True),  # keyed hash of a number: holds no personal data
    _text("person"),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("done_at", Moment),
    sa.Column("lifted_at", Moment),
    sa.Index("ix_erasures_person", "person"),
)

people = sa.Table(
    "people",
    metadata,
    _text("ref", primary_key=True),  # the name in the audit log; never changed or reused
    _text("name"),
    sa.Column("grants", Json, nullable=False),  # names of roles and of additional rights
    sa.Column("issuer", TextColumn),  # identity provider and subject; empty until the first log-in
    sa.Column("subject", TextColumn),
    _text("password"),  # hash, for a local account
    _text("by"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("deactivated_at", Moment),  # deactivated since then
    sa.UniqueConstraint("issuer", "subject", name="uq_people_issuer_subject"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    _text("id", primary_key=True),
    sa.Column("key", TextColumn, nullable=False, unique=True),  # hash of the browser's token
    _text("person"),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
    sa.Index("ix_sessions_person", "person"),
)

invitations = sa.Table(
    "invitations",
    metadata,
    _text("key", primary_key=True),  # hash of the token in the link
    _text("person"),
    _text("by"),
    sa.Column("until", Moment, nullable=False),
    sa.Index("ix_invitations_person", "person"),
)

login_attempts = sa.Table(
    "login_attempts",
    metadata,
    _text("name", primary_key=True),  # hash of the entered name, whether such a person exists or not
    _number("failed"),
    sa.Column("until", Moment, nullable=False),  # log-in is blocked until then
)

first_approvals = sa.Table(
    "first_approvals",
    metadata,
    _text("run", primary_key=True),
    _text("fingerprint"),
    _text("by"),
    _text("session"),
    sa.Column("confirmed", Json, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
)

change_requests = sa.Table(
    "change_requests",
    metadata,
    _text("setting", primary_key=True),
    _text("flow"),
    _text("right"),
    sa.Column("before", Json, nullable=False),
    sa.Column("after", Json, nullable=False),
    sa.Column("reasons", Json, nullable=False),
    _text("by"),
    _text("session"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
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
    sqlite_autoincrement=True,  # a reused id would look like an event already in the log
)

audit = sa.Table(
    "audit",
    metadata,
    _number("seq", primary_key=True),
    sa.Column("at", Moment, nullable=False),
    _text("actor"),
    _text("action"),
    _text("flow"),
    _text("subject"),
    _text("line"),  # the sealed entry, byte for byte; the other columns are for queries
    sa.Index("ix_audit_action", "action", "seq"),
    sa.Index("ix_audit_actor", "actor", "seq"),
)

audit_head = sa.Table(
    "audit_head",
    metadata,
    _number("id", primary_key=True),
    _number("seq"),
    _text("hash"),
    _text("key"),
    _text("seal"),
)
