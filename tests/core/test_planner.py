"""The planner: which change a plan makes for one record."""

from dataclasses import dataclass, field, replace

from integration.core.flow import Flow, Ownership, Stage
from integration.core.issues import Issue, Skip
from integration.core.links import Link
from integration.core.plan import Action, Change, Policy, Unchanged
from integration.core.planner import Decision, Desired, WrittenOnce, plan_record
from integration.core.records import CurrentRecord, Kind, Record, Unreadable, Value
from integration.core.source_values import AS_REPORTED
from integration.core.system_roles import SystemRole

STAGE = Stage("articles", Kind.ARTICLE, Kind.PRODUCT)
FLOW = Flow("products", SystemRole.BOOKS, SystemRole.TILL, (STAGE,))


@dataclass
class Says:
    """Rules that reject one number, hold back another, and accept everything else."""

    flow: Flow = FLOW
    policy: Policy = field(default_factory=lambda: {"product.name": Ownership.KEEP_UNLESS_CHANGED})

    def objection(
        self, _stage: Stage, desired: Record, _current: CurrentRecord | None, _link: Link | None
    ) -> Issue | None:
        return Issue("sku_duplicate", desired.key) if desired.key == "objected" else None

    def remarks(
        self, _stage: Stage, desired: Record, _current: CurrentRecord | None, _link: Link | None
    ) -> tuple[Issue, ...]:
        return (Issue("price_group_of_till", desired.key),) if desired.key == "remarked" else ()

    def writable_part(self, _stage: Stage, desired: Record, _current: CurrentRecord | None) -> Record | Skip:
        return Skip("not_offered", desired.key) if desired.key == "held back" else desired


def product(key: str = "P1", **values: Value) -> Record:
    return Record(Kind.PRODUCT, key, values)


def plan_desired(
    desired: Record, current: Record | None = None, link: Link | None = None, stage: Stage = STAGE
) -> Decision:
    return plan_record(
        Says(), stage, Desired(desired, "Thee", "1", "kg"), CurrentRecord(current, "7") if current else None, link
    )


def link_to(record: Record, *, unproven: bool = False) -> Link:
    return Link(Kind.PRODUCT, record.key, "7", record, unproven=unproven)


def test_what_is_new_is_created_with_what_its_source_says_otherwise() -> None:
    change = plan_desired(product(name="The", **{AS_REPORTED + "name": "Thé"})).outcome
    assert isinstance(change, Change)
    assert (change.action, change.desired.values, change.source_values) == (
        Action.CREATE,
        {"name": "The"},
        {"name": "Thé"},
    )
    assert (change.title, change.group, change.unit) == ("Thee", "1", "kg")


def test_what_is_equal_is_left() -> None:
    assert isinstance(plan_desired(product(name="A"), product(name="A")).outcome, Unchanged)


def test_a_field_that_both_sides_changed_waits_alone() -> None:
    decision = plan_desired(product(name="B"), product(name="C"), link_to(product(name="A")))
    assert isinstance(decision.outcome, Unchanged)
    assert [(issue.cause, issue.field) for issue in decision.waiting_issues] == [("field_conflict", "name")]


def test_a_remark_stands_beside_what_is_written() -> None:
    decision = plan_desired(product("remarked", name="B"), product("remarked", name="A"), link_to(product(name="A")))
    assert isinstance(decision.outcome, Change)
    assert [issue.cause for issue in decision.waiting_issues] == ["price_group_of_till"]


def test_what_vanished_from_the_target_waits() -> None:
    outcome = plan_desired(product(name="B"), None, link_to(product(name="A"))).outcome
    assert isinstance(outcome, Issue)
    assert outcome.cause == "target_record_missing"


def test_a_flow_objects_or_holds_back_before_anything_is_compared() -> None:
    assert plan_desired(product("objected")) == Decision(Issue("sku_duplicate", "objected"))
    assert plan_desired(product("held back")) == Decision(Skip("not_offered", "held back"))


def test_what_is_held_and_cannot_be_read_waits() -> None:
    outcome = plan_desired(product(), Unreadable(Kind.PRODUCT, "P1", {}, field="PR_NAME", raw_value="?")).outcome
    assert isinstance(outcome, Issue)
    assert (outcome.cause, outcome.facts["system"]) == ("record_unreadable", "mplus")


def test_a_document_is_written_once() -> None:
    once = replace(STAGE, write_once=True)
    assert plan_desired(product(name="B"), product(name="A"), stage=once) == Decision(WrittenOnce())
    assert plan_desired(product(name="B"), None, link_to(product(name="A"), unproven=True), once) == Decision(
        WrittenOnce()
    )
    assert isinstance(plan_desired(product(name="B"), stage=once).outcome, Change)
