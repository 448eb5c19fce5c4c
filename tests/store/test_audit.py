"""Audit entries, written in the transaction of their action, in a chain that reveals every change."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from integration.core.chain import Break, Head, canonical_line, digest, entry_hash, head_text, verify_lines
from integration.core.errors import ConfigurationError
from integration.core.issues import Issue, IssueGroupKey, IssueOccurrence
from integration.core.records import Correction, Kind
from integration.core.run import Mode
from integration.store.audit import ANCHORED, AuditSearch, AuditStore
from integration.store.configuration import Configuration, ConfigurationStore
from integration.store.corrections import Corrections
from integration.store.database import Database
from integration.store.issues import Issues
from integration.store.rules import MappingStore
from integration.store.runs import RunStore
from integration.store.sealing import sealer_of
from integration.store.settings import StoredSettings, put_in
from integration.store.tables import audit as table
from integration.store.tables import audit_head
from tests.clocks import Clock

SEALER = sealer_of(b"a key that lies outside the database")
KEYS = {SEALER.id: SEALER.key}


@pytest.fixture
def database(database: Database) -> Database:
    """An open database of a console that has a key."""
    database.sealer = SEALER
    return database


@pytest.fixture
def audit(database: Database, clock: Clock) -> AuditStore:
    """The audit of the database."""
    return AuditStore(database, clock)


@pytest.fixture
def settings(database: Database, clock: Clock) -> StoredSettings:
    """The settings of the database."""
    return StoredSettings(database, clock)


def find_break(audit: AuditStore) -> Break | None:
    return audit.verify(KEYS, most=1_000_000).broken


def loosen(database: Database) -> None:
    """Remove the triggers that protect audit entries, as the owner of the database can."""
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("DROP TRIGGER audit_kept ON audit"))
        else:
            for verb in ("update", "delete"):
                connection.execute(sa.text(f"DROP TRIGGER audit_no_{verb}"))


# ---- what is kept


def test_a_setting_is_kept_with_what_changed_in_it(audit: AuditStore, settings: StoredSettings) -> None:
    settings.put("flow:products", {"on": True, "filters": [{"target": "a", "is": 1}], "minutes": 5}, "anna")
    settings.put("flow:products", {"on": False, "filters": [{"target": "a", "is": 2}], "minutes": 5}, "ben")
    entry = audit.entries()[0]
    assert (entry.seq, entry.actor, entry.action, entry.subjects) == (2, "ben", "setting_changed", ("flow:products",))
    assert (entry.before, entry.after) == ({"on": "true", "filters[a].is": "1"}, {"on": "false", "filters[a].is": "2"})
    settings.forget("flow:products", "ben")
    assert audit.entries()[0].before["minutes"] == "5"
    assert find_break(audit) is None


def test_what_is_not_kept_is_not_in_the_audit(audit: AuditStore, database: Database, settings: StoredSettings) -> None:
    def half_way() -> None:
        with database.write() as connection:
            put_in(connection, audit.clock(), "flow:stock", {"on": True}, "anna")
            raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        half_way()
    settings.put("flow:orders", {"on": True}, "anna")
    assert [entry.subjects for entry in audit.entries()] == [("flow:orders",)]


def test_a_mapping_is_kept_rule_by_rule(audit: AuditStore, database: Database, clock: Clock) -> None:
    rules = MappingStore(database, clock)
    rules.publish("products", {"rules": [{"target": "name", "source": "a"}, {"target": "ean", "source": "b"}]}, "x", "")
    rules.publish(
        "products", {"rules": [{"target": "ean", "source": "c"}, {"target": "name", "source": "a"}]}, "x", "w"
    )
    entry = audit.entries()[0]
    assert (entry.reason, entry.facts) == ("w", {"version": "2"})
    assert (entry.before, entry.after) == ({"rules[ean].source": "b"}, {"rules[ean].source": "c"})


def test_a_plan_and_its_approval_name_the_run(audit: AuditStore, database: Database, clock: Clock) -> None:
    runs = RunStore(database, clock)
    run = runs.begin("products", Mode.CHANGES, "anna", 1)
    runs.request_cancel(run.id, "ben")
    runs.discard(run.id, "ben")
    other = runs.begin("products", Mode.CHANGES, "schedule", 1)
    actions = [(entry.action, entry.actor, entry.run) for entry in audit.entries()]
    assert actions == [("run_discarded", "ben", run.id), ("stop_asked", "ben", run.id), ("run_started", "anna", run.id)]
    assert other.by == "schedule"


def test_of_a_dismissed_group_there_is_one_entry(audit: AuditStore, database: Database, clock: Clock) -> None:
    issues = Issues(database, clock)
    issues.open("orders", "", [IssueOccurrence(Issue("article_missing", f"20263-{n}", "line", {})) for n in range(150)])
    group = issues.list("orders", "article_missing", limit=200)
    issues.dismiss_all({issue.id: {} for issue in group}, "asked at info@example.com", "anna")
    entry = audit.entries()[0]
    assert (entry.action, entry.count, len(entry.subjects), len(entry.facts["digest"])) == (
        "issue_dismissed",
        150,
        100,
        64,
    )
    assert entry.reason.startswith("asked at ~")
    assert "example" not in entry.reason


@pytest.mark.parametrize(
    ("field", "was", "becomes", "is_plain"),
    [
        ("email", "jan@example.com", "janneke@example.com", False),
        ("phone", "0612345678", "0698765432", False),
        ("name", "Jansen", "De Vries", False),
        ("payment_method", "PIN2", "PIN", True),
        ("price_excl", "12.50", "13.50", True),
        ("description", "Tent of mrs Jansen", "Tent", False),
    ],
)
def test_of_personal_values_of_a_record_there_are_pseudonyms(
    audit: AuditStore, database: Database, clock: Clock, field: str, was: str, becomes: str, is_plain: bool
) -> None:
    correction = Correction(Kind.ORDER, "20263-1187", field, was, becomes, "Order of Jansen")
    Corrections(database, clock).keep("orders", [correction], "anna")
    entry = audit.entries()[0]
    assert (entry.action, entry.subjects) == ("value_corrected", ("20263-1187",))
    if is_plain:
        assert (entry.before, entry.after) == ({field: was}, {field: becomes})
    else:
        text = json.dumps([dict(entry.before), dict(entry.after)])
        assert not any(word in text for word in (was, becomes, "Jansen"))
        assert entry.after[field] == SEALER.pseudonym(becomes) != entry.before[field]


def test_a_draft_and_notes_of_our_own_are_not_in_the_audit(audit: AuditStore, settings: StoredSettings) -> None:
    settings.put("draft:orders", {"body": {}}, "anna")
    settings.put("retention_done", {"at": "now"}, "retention")
    assert audit.entries() == []


def test_entries_are_filtered(audit: AuditStore, settings: StoredSettings, clock: Clock) -> None:
    settings.put("flow:orders", {"on": True}, "anna")
    clock.now += timedelta(days=1)
    settings.put("flow:stock", {"on": True}, "ben")
    audit.note("log_asked", "ben", sql="SELECT 1")
    assert audit.actors_and_actions() == (["anna", "ben"], ["log_asked", "setting_changed"])
    numbers = [(entry.seq) for entry in audit.entries(AuditSearch(actor="ben", action="setting_changed"))]
    assert numbers == [2]
    assert [entry.seq for entry in audit.entries(AuditSearch(text="FLOW:O"))] == [1]
    assert [entry.seq for entry in audit.entries(AuditSearch(until=clock.now))] == [1]
    assert audit.count(AuditSearch(since=clock.now)) == 2
    assert [entry.seq for entry in audit.entries(offset=1, limit=1)] == [2]


def test_the_database_refuses_to_change_an_entry(
    audit: AuditStore, settings: StoredSettings, database: Database
) -> None:
    settings.put("flow:orders", {"on": True}, "anna")
    columns = ", ".join(column.name for column in table.columns if column.name not in ("seq", "actor"))
    changes: list[sa.Executable] = [table.update().values(actor="nobody"), table.delete()]
    if database.engine.dialect.name == "sqlite":
        changes += [
            sa.text(f"{verb} INTO audit ({place}, actor, {columns}) SELECT {values}, 'nobody', {columns} FROM audit")  # noqa: S608 - names of our own
            for verb in ("INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE")
            for place, values in (("seq", "seq"), ("rowid, seq", "rowid, seq + 1"))
        ]
    for change in changes:
        with pytest.raises(sa.exc.DBAPIError, match="never changed"), database.write() as connection:
            connection.execute(change)
    assert find_break(audit) is None


def test_a_head_that_is_missing_is_a_cut(audit: AuditStore, settings: StoredSettings, database: Database) -> None:
    for number in range(3):
        settings.put("flow:orders", {"minutes": number}, "anna")
    with database.write() as connection:
        connection.execute(audit_head.delete())
    assert find_break(audit) == Break("cut", 4)
    assert audit.verify(KEYS, Head(3, audit.hash_of(3))).broken == Break("cut", 4)
    assert verify_lines(audit.lines()) == (Head(3, audit.hash_of(3)), Break("cut", 4))
    with pytest.raises(ConfigurationError, match="audit_head_missing"):
        settings.put("one", {"a": 9}, "anna")  # nothing is done that is not audited
    assert (settings.get("one"), audit.count()) == (None, 3)
    settings.remember("look", {"a": 1})  # what nobody decided goes on


# ---- what somebody changes is found


@pytest.fixture
def audit_of_ten(audit: AuditStore, settings: StoredSettings, database: Database, clock: Clock) -> AuditStore:
    """An audit of ten entries, of which nothing keeps its owner from changing them."""
    for number in range(10):
        clock.now += timedelta(minutes=1)
        settings.put("flow:orders", {"minutes": number}, "anna")
    loosen(database)
    return audit


def change_rows(database: Database, statement: sa.Executable) -> None:
    with database.write() as connection:
        connection.execute(statement)


def rewrite_history(database: Database, first: int, key: bytes) -> None:
    """Rewrite the history after an entry with matching hashes, as a person with the key and the algorithm can."""
    with database.write() as connection:
        before = connection.execute(sa.select(table.c.line).where(table.c.seq == first - 1)).scalar_one()
        head = Head(first - 1, digest(before.encode()))
        for row in connection.execute(sa.select(table).where(table.c.seq >= first).order_by(table.c.seq)).all():
            entry = {**json.loads(row.line)["entry"], "actor": "nobody", "previous": head.hash}
            content = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode()
            line = canonical_line(content, SEALER.id, key)
            connection.execute(table.update().where(table.c.seq == row.seq).values(line=line.decode(), actor="nobody"))
            head = Head(row.seq, digest(line))
        connection.execute(
            audit_head.update().values(seq=head.seq, hash=head.hash, seal=entry_hash(head_text(head), key))
        )


Tamper = Callable[[Database], None]


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (
            lambda db: change_rows(db, table.update().where(table.c.seq == 4).values(actor="nobody")),
            Break("altered", 4),
        ),
        (lambda db: change_rows(db, table.delete().where(table.c.seq == 4)), Break("missing", 4)),
        (lambda db: change_rows(db, table.delete().where(table.c.seq == 1)), Break("missing", 1)),
        (lambda db: change_rows(db, table.delete().where(table.c.seq > 7)), Break("cut", 8)),
        (lambda db: change_rows(db, table.delete()), Break("cut", 1)),
        (lambda db: change_rows(db, audit_head.update().values(seq=9)), Break("added", 10)),
        (lambda db: change_rows(db, audit_head.update().values(seal="a" * 64)), Break("head_altered", 10)),
        (lambda db: change_rows(db, table.insert().values(
            seq=-5, at=sa.select(table.c.at).where(table.c.seq == 1).scalar_subquery(), actor="", action="", flow="",
            subject="", line="{}")), Break("altered", 1)),
        (lambda db: rewrite_history(db, 6, b"a key that somebody made up"), Break("altered", 6)),
    ],
)  # fmt: skip
def test_tampering_is_found_and_named(
    audit_of_ten: AuditStore, database: Database, tamper: Tamper, expected: Break
) -> None:
    assert find_break(audit_of_ten) is None
    tamper(database)
    assert find_break(audit_of_ten) == expected


def test_a_tail_that_is_cut_with_the_head_of_that_time_is_found_by_the_head_that_was_sent(
    audit_of_ten: AuditStore, settings: StoredSettings, database: Database
) -> None:
    with database.read() as connection:
        earlier = connection.execute(sa.select(audit_head)).one()
    settings.put("flow:orders", {"minutes": 99}, "anna")
    anchor = audit_of_ten.anchor("start")
    assert anchor is not None
    change_rows(database, table.delete().where(table.c.seq > earlier.seq))
    change_rows(database, audit_head.update().values(seq=earlier.seq, hash=earlier.hash, seal=earlier.seal))
    assert find_break(audit_of_ten) is None
    assert audit_of_ten.hash_of(anchor.head.seq) != anchor.head.hash


def test_all_columns_and_bytes_of_an_entry_are_watched(audit_of_ten: AuditStore, database: Database) -> None:
    with database.read() as connection:
        row = connection.execute(sa.select(table).where(table.c.seq == 5)).one()
    others = {"at": row.at + timedelta(microseconds=1), "flow": "stock", "action": "approved", "subject": "x"}
    for name, value in others.items():
        change_rows(database, table.update().where(table.c.seq == 5).values({name: value}))
        assert find_break(audit_of_ten) == Break("altered", 5), name
        change_rows(database, table.update().where(table.c.seq == 5).values({name: getattr(row, name)}))
    for line in _altered_lines(row.line, every=len(row.line) // 12):
        change_rows(database, table.update().where(table.c.seq == 5).values(line=line))
        chain_break = find_break(audit_of_ten)
        assert chain_break is not None
        assert chain_break.seq == 5, line
    change_rows(database, table.update().where(table.c.seq == 5).values(line=row.line))
    assert find_break(audit_of_ten) is None


def _altered_lines(line: str, every: int) -> Iterator[str]:
    for at in range(0, len(line), every):
        yield line[:at] + chr(ord(line[at]) ^ 1) + line[at + 1 :]


@pytest.mark.long
def test_each_changed_byte_in_a_sample_of_ten_thousand_actions_is_detected(
    audit: AuditStore, database: Database
) -> None:
    """Each change is looked for from the entry before it on, and at the end in the whole."""
    for start in range(0, 10_000, 200):
        actions = {f"flow:{number}": {"minutes": number} for number in range(start, start + 200)}
        ConfigurationStore(database, audit.clock).keep(Configuration(settings=actions), f"person {start % 7}", "")
    whole = audit.verify(KEYS, most=20_000)
    assert (whole.head.seq, whole.is_whole, audit.count()) == (10_000, True, 10_000)
    loosen(database)
    after = Head(4_999, audit.hash_of(4_999))
    with database.read() as connection:
        line = connection.execute(sa.select(table.c.line).where(table.c.seq == 5_000)).scalar_one()
    for flip in _altered_lines(line, every=1):
        change_rows(database, table.update().where(table.c.seq == 5_000).values(line=flip))
        chain_break = audit.verify(KEYS, after, most=3).broken
        assert chain_break is not None, flip
        assert chain_break.seq == 5_000
    assert find_break(audit) == chain_break
    change_rows(database, table.update().where(table.c.seq == 5_000).values(line=line))
    change_rows(database, table.delete().where(table.c.seq > 9_990))
    assert find_break(audit) == Break("cut", 9_991)
    rewrite_history(database, 9_000, b"a key that somebody made up")
    assert find_break(audit) == Break("altered", 9_000)


# ---- several at once


def test_entries_of_several_writers_follow_one_another(database: Database, clock: Clock) -> None:
    writers, per_writer = 4, 10
    together = threading.Barrier(writers)

    def write(number: int) -> None:
        settings = StoredSettings(database, clock)
        together.wait()
        for at in range(per_writer):
            settings.put(f"flow:{number}", {"minutes": at}, f"writer {number}")

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    audit = AuditStore(database, clock)
    assert find_break(audit) is None
    assert audit.count() == writers * per_writer


def test_writers_never_wait_in_a_circle(database: Database, clock: Clock) -> None:
    """One writer changes two settings and another the second of them: each locks the head after its settings."""
    together = threading.Barrier(2)

    def write(names: tuple[str, ...]) -> None:
        together.wait()
        for at in range(10):
            ConfigurationStore(database, clock).keep(
                Configuration(settings={name: {"n": at} for name in names}), names[0], ""
            )

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, [("a", "b"), ("b",)]))
    assert find_break(AuditStore(database, clock)) is None


# ---- taken away, and the heads of days


def test_the_lines_of_a_file_are_verified_without_a_key(audit_of_ten: AuditStore) -> None:
    lines = list(audit_of_ten.lines())
    assert len(lines) == 11
    assert verify_lines(lines) == (Head(10, audit_of_ten.hash_of(10)), None)


def test_a_day_is_closed_once(audit_of_ten: AuditStore, settings: StoredSettings) -> None:
    first = audit_of_ten.anchor("start")
    assert first is not None
    assert audit_of_ten.anchor("start") == first
    audit_of_ten.stamp(first, b"a stamp", "stamps.example.com", "start")
    assert audit_of_ten.anchor("start") == audit_of_ten.anchors()[0]
    assert audit_of_ten.stamps() == [(first.head.seq, first.head.hash, b"a stamp")]
    settings.put("flow:orders", {"minutes": 99}, "anna")
    second = audit_of_ten.anchor("start")
    assert second is not None
    assert [(anchor.head.seq, anchor.stamps) for anchor in audit_of_ten.anchors()] == [
        (second.head.seq, 0),
        (first.head.seq, 1),
    ]
    assert audit_of_ten.entries(AuditSearch(action=ANCHORED))[0].seq == second.head.seq
    assert find_break(audit_of_ten) is None


def test_without_a_key_no_entry_is_lost_and_the_missing_key_is_reported(database: Database, clock: Clock) -> None:
    database.sealer = None
    StoredSettings(database, clock).put("flow:orders", {"on": True}, "anna")
    assert find_break(AuditStore(database, clock)) == Break("unsealed", 1)


def test_a_cause_is_named_with_its_group(audit: AuditStore, database: Database, clock: Clock) -> None:
    Issues(database, clock).assign(IssueGroupKey("orders", "article_missing", "line", "4711"), "ben", "anna")
    entry = audit.entries()[0]
    assert (entry.action, entry.code, entry.facts) == (
        "cause_assigned",
        "article_missing",
        {"detail": "4711", "assigned": "ben"},
    )
