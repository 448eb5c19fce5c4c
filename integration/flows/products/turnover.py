"""Turnover groups of articles at the till: by article group, VAT code, or both."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

from integration.core.errors import Reason
from integration.core.flow import Ownership
from integration.core.grouping import group_by_key
from integration.core.plan import Change, Policy
from integration.core.records import Record, Value
from integration.core.rules import EMPTY, Rule, as_text
from integration.core.traces import Trace, TraceStep, by_row
from integration.flows.forms import (
    MissingSetting,
    Proposal,
    Question,
    SetupContext,
    codes_missing_rows,
    invalid_rows,
    single_code,
)
from integration.flows.settings import Choice, KeyPart, ValueTable, books_list, till_list

TURNOVER_GROUP = "turnover_group"
TARGET = f"article.{TURNOVER_GROUP}"
GROUPS, PARENTS, VAT_CODES = books_list("article_groups"), books_list("article_group_parents"), books_list("vat_codes")
TURNOVER_GROUPS, REVENUE_GROUPS, THEIR_VAT_CODES = (
    till_list(name) for name in ("turnover_groups", "revenue_groups", "turnover_vat_codes")
)

TABLE = ValueTable(
    "turnover_groups",
    GROUPS,
    TURNOVER_GROUPS,
    looks_up=True,
    dimensions=(
        KeyPart("article_group", (Choice(GROUPS),), is_required=True),
        KeyPart("vat_code", (Choice(VAT_CODES),)),
    ),
    separator="/",
)


@dataclass(frozen=True, slots=True)
class GroupTurnover:
    """Assigns turnover groups to articles by rows of the value table, unless a mapping rule does so.

    `group` and `vat_code` are the source fields that rows are looked up by. `owner` decides whether the table also
    applies to articles that already have a turnover group at the till.
    """

    rows: Mapping[str, str]
    owner: Ownership
    has_rules: bool
    group: str = "group"
    vat_code: str = "vat_code"

    @classmethod
    def from_mapping(cls, rules: Iterable[Rule], rows: Mapping[str, str], owner: Ownership) -> Self:
        """Return the assignment for a mapping, with the fields that its rules read as group and as VAT code."""
        sources = {rule.target: rule.source for rule in rules}
        places = {"group": sources.get("product.groups"), "vat_code": sources.get("article.vat_code")}
        return cls(rows, owner, TARGET in sources, **{name: field for name, field in places.items() if field})

    def policy(self, owned: Policy) -> Policy:
        """Return the policy of a flow, with the owner of the turnover group if no rule sets it.

        A group that the till has is removed from the desired record before the comparison; a missing one is filled.
        """
        always = self.owner is Ownership.KEEP_EQUAL
        return {TARGET: self.owner if always else Ownership.KEEP_UNLESS_CHANGED, **owned}

    def with_turnover_group(self, record: Record, mapped: Mapping[str, Value]) -> dict[str, Value]:
        """Return the mapped values of an article with its turnover group; without one if there is no row."""
        value = mapped.get(TURNOVER_GROUP) if self.has_rules else self._row(record)[1]
        others = {name: mapped_value for name, mapped_value in mapped.items() if name != TURNOVER_GROUP}
        return others if value is None or value in EMPTY else {**others, TURNOVER_GROUP: value}

    def without_existing_group(self, part: Record, existing: Record) -> Record:
        """Return the desired article without its turnover group if the article at the till has one."""
        has_one = bool(as_text(existing.values.get(TURNOVER_GROUP)).strip())
        if self.has_rules or self.owner is Ownership.KEEP_EQUAL or not has_one:
            return part
        return _without_turnover_group(part)

    def reversible(self, change: Change) -> Change:
        """Return a change without turnover groups that were empty before.

        The till may keep a field that an update leaves out, so clearing the group cannot be guaranteed.
        """
        before = {part.key: part.values for part in change.before.parts} if change.before else {}
        filled = {key for key, values in before.items() if values.get(TURNOVER_GROUP, "") in EMPTY}

        def without_group(record: Record) -> Record:
            parts = (_without_turnover_group(part) if part.key in filled else part for part in record.parts)
            return replace(record, parts=tuple(part for part in parts if part.values))

        previous = without_group(change.before) if change.before else None
        return replace(change, desired=without_group(change.desired), before=previous) if filled else change

    def traces(self, record: Record) -> Iterator[Trace]:
        """Yield the trace of the turnover group of an article, if a row gives it."""
        key, value = self._row(record)
        if value and not self.has_rules:
            steps = (
                TraceStep(self.group, self._field_text(record, self.group)),
                TraceStep(f"table {TABLE.name} {key}", value),
            )
            why = by_row(TABLE.name, key)
            yield Trace(TARGET, steps, value, reason=why)

    def _row(self, record: Record) -> tuple[str, str]:
        part_values = {
            "article_group": self._field_text(record, self.group),
            "vat_code": self._field_text(record, self.vat_code),
        }
        key = TABLE.row(self.rows, **part_values)
        return key, self.rows.get(key, "")

    def _field_text(self, record: Record, field: str) -> str:
        return as_text(record.values.get(field)).strip()


def _without_turnover_group(part: Record) -> Record:
    return replace(part, values={name: value for name, value in part.values.items() if name != TURNOVER_GROUP})


# ---- question of the set-up


def _groups_by_name(context: SetupContext) -> dict[str, str]:
    """Return, by article group, the turnover group with the same name, or with that of the nearest parent group."""
    groups, parents = context.codes_of_list(GROUPS), context.codes_of_list(PARENTS)
    numbers_by_name = group_by_key(
        (name.strip().casefold(), number) for number, name in context.codes_of_list(REVENUE_GROUPS).items()
    )

    def nearest(code: str) -> str:
        above = {code}
        while code:
            if number := single_code(numbers_by_name.get(groups.get(code, "").strip().casefold(), ())):
                return number
            code = parents.get(code, "")
            if code in above:  # a cycle of groups
                return ""
            above.add(code)
        return ""

    return {code: number for code in groups if (number := nearest(code))}


def _groups_by_vat_code(context: SetupContext) -> dict[str, str]:
    """Return, by VAT code of the books, the only turnover group with the corresponding VAT code of the till."""
    theirs, revenue = context.codes_of_list(THEIR_VAT_CODES), context.codes_of_list(REVENUE_GROUPS)
    rows = {}
    for code, other in context.tables.get("vat_codes", {}).items():
        number = single_code(group for group, vat_code in theirs.items() if vat_code == other and group in revenue)
        if number and code in context.codes_of_list(VAT_CODES):
            rows[TABLE.key({"vat_code": code})] = number
    return rows


def _propose_turnover_groups(context: SetupContext) -> Proposal | None:
    rows = {**_groups_by_vat_code(context), **_groups_by_name(context), **context.tables.get(TABLE.name, {})}
    return Proposal(rows, Reason("proposed_turnover_groups")) if rows else None


def _missing_turnover_groups(context: SetupContext) -> MissingSetting | None:
    """Return the article groups without a turnover group.

    An empty table that a person accepted means that the till assigns turnover groups itself.
    """
    if not context.tables.get(TABLE.name):
        is_answered = QUESTION.name in context.answered
        return None if is_answered else MissingSetting(Reason("lack_turnover_groups_all"), stops=False)
    if wrong := invalid_rows(context, TABLE):
        return MissingSetting(Reason("lack_rows_impossible", {"rows": ", ".join(wrong)}), stops=False)
    missing, names = codes_missing_rows(context, TABLE, GROUPS), context.codes_of_list(GROUPS)
    codes = ", ".join(f"{code} {names[code]}" for code in missing)
    return MissingSetting(Reason("lack_turnover_groups", {"codes": codes}), stops=False) if missing else None


QUESTION = Question(
    "turnover",
    _propose_turnover_groups,
    table=TABLE.name,
    lists=(GROUPS, PARENTS, VAT_CODES, TURNOVER_GROUPS, REVENUE_GROUPS, THEIR_VAT_CODES),
    find_missing=_missing_turnover_groups,
)
