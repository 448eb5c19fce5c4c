"""Logic of the flow `stock`: quantities of the books become levels of the branches of the till.

Levels are absolute, and nothing is created: the till has a level of 0 for every article with stock management.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from integration.core.compiled import compile  # noqa: A004 - of a mapping
from integration.core.errors import ConfigurationError, Reason
from integration.core.flow import Ownership, Stage
from integration.core.issues import Issue, Skip
from integration.core.link_evidence import Evidence
from integration.core.money import number_in_text
from integration.core.movements import COUNTED, NO_MOMENT, Movement
from integration.core.plan import Change
from integration.core.records import CurrentRecord, Kind, Record, Unreadable, Value, is_till_number
from integration.core.rules import EMPTY, RuleError, as_text, field_owners, rule_error, rules_from
from integration.core.staged_records import StagedRecord, UnparsedRecord
from integration.core.traces import Trace, TraceStep, explained_trace
from integration.flows.functions.toolbox import Tools
from integration.flows.settings import RecordRejected, excluded_by_filter
from integration.flows.spec import FlowLogic, TargetRecord
from integration.flows.stock.sales import TERMS, Sales, Tally
from integration.flows.stock.settings import (
    AMOUNT,
    BRANCH,
    FLOW,
    FORMULA,
    GROUP,
    MANAGED,
    QUANTITY,
    StockSettings,
    formula_of,
)

Tallied = Callable[[str], Tally | None]
FINEST = Decimal("0.001")  # precision of levels at the till
ZERO = Decimal(0)
IDENTIFYING = ("name", "ean")  # article fields that identify a linked article; never written
INPUTS = "inputs"  # field of a level: its source figures and safety stock as text; never written
SAFETY = "safety_stock"  # trace step and input of a level
UNIT = "unit"  # article field that is shown with a level; never written


class StockLogic(FlowLogic):
    """The logic of the flow `stock`, for one version of its settings, mapping and value tables."""

    def __init__(
        self,
        settings: StockSettings,
        mapping_body: Mapping[str, Any],
        version: int,
        tables: Mapping[str, Mapping[str, str]],
        numbers: Callable[[Collection[str]], Mapping[str, str]],
        sales: Sales | None = None,
        evidence: Callable[[Collection[str]], Mapping[str, Evidence]] = lambda _: {},
    ) -> None:
        """Prepare everything that does not depend on a record.

        `numbers` returns the till's article numbers of linked codes, and `evidence` what identified those articles.
        `sales` provides the movements that the books lack; without it, levels are the figures of the books. Raises
        ConfigurationError if the mapping or the formula cannot be used.
        """
        mapping, tools = rules_from(mapping_body), Tools(tables)
        owned = field_owners(mapping)
        if unknown := sorted(owned.keys() - {AMOUNT, MANAGED}):
            raise rule_error(
                unknown[0], Reason("reason_choice", {"value": unknown[0], "options": f"{AMOUNT}, {MANAGED}"})
            )
        self.flow = FLOW
        self.settings = settings
        self.mapping_version = version
        self.policy = {AMOUNT: Ownership.KEEP_EQUAL, MANAGED: Ownership.KEEP_EQUAL, **owned}
        self._text, self._formula = formula_of(settings, tools)
        self._numbers = numbers
        self._evidence = evidence
        self._sales = sales if settings.sales != "off" else None
        self._levels = compile(mapping, tools, {Kind.LEVEL})
        self.reads = settings.fields_read() | self._levels.reads
        self._branches = tuple(Record(Kind.LEVEL, branch, {}) for branch in self._sent_branches)

    def evidence_of_unlinked(self, keys: Collection[str]) -> Mapping[str, Evidence]:
        """Return by article code what identified the till's article when the flow `products` last read it."""
        return self._evidence(keys) if keys else {}

    # ---- what the till sold

    def before_reading(self, stage: Stage) -> None:
        """Mark the sales that the books have, before their figures are read."""
        if self._sales is not None:
            self._sales.settle()

    def read_failures(self, stage: Stage) -> Sequence[Issue]:
        """Return the movements of the till that count in no level because their article is unknown."""
        return (
            [_unplaced_issue(movement) for movement in self._sales.movements_without_article()] if self._sales else []
        )

    # ---- each record by itself

    def stage(self, stage: Stage, records: Sequence[Record]) -> list[StagedRecord]:
        """Return each article with its levels; see `FlowLogic`.

        Raises ConfigurationError if no branch of the till is chosen.
        """
        if not self.settings.branches and self.settings.managed != "off":
            raise ConfigurationError(
                "flow_setting_invalid", flow="stock", setting="branches", expected="expected_branch"
            )
        skips = {record.key: self._skip_if_excluded(record) for record in records}
        linked = self._numbers([key for key, skip in skips.items() if skip is None])
        numbers = {key: self._number(key, linked) for key, skip in skips.items() if skip is None}
        tallied = self._sales.read_tallies(list(filter(None, numbers.values()))) if self._sales else _no_tally
        return [self._article(record, skips[record.key], numbers.get(record.key, ""), tallied) for record in records]

    def unparsed(self, stage: Stage, keys: Collection[str]) -> dict[str, UnparsedRecord]:
        """Return the till number, the branches and the missing movements of each article."""
        linked = self._numbers(keys)
        numbers = {key: number for key in keys if (number := self._number(key, linked))}
        tallied = self._sales.read_tallies(list(numbers.values())) if self._sales else _no_tally
        return {key: self._unparsed_article(key, number, tallied(number)) for key, number in numbers.items()}

    def _unparsed_article(self, key: str, number: str, tally: Tally | None) -> UnparsedRecord:
        desired = Record(Kind.STOCK, key, self._lookup_values(number, tally), self._branches)
        return UnparsedRecord(desired, number, _other_inputs(number, tally))

    @property
    def _sent_branches(self) -> Mapping[str, str]:
        return {} if self.settings.managed == "off" else self.settings.branches

    def _lookup_values(self, number: str, tally: Tally | None) -> dict[str, Value]:
        """Return the values for the lookup of an article at the till."""
        return {"number": number} | ({} if tally is None else {COUNTED: tally.stock_counted.as_value()})

    def _number(self, key: str, linked: Mapping[str, str]) -> str:
        return linked.get(key) or (_as_number(key) if self.settings.unlinked == "code" else "")

    def _skip_if_excluded(self, record: Record) -> Skip | None:
        if record.values.get("blocked") is True:
            return Skip("blocked", record.key, {"key": record.key})
        return excluded_by_filter(record, self.settings.filters)

    def _article(self, record: Record, skip: Skip | None, number: str, tallied: Tallied) -> StagedRecord:
        key, title = record.key, as_text(record.values.get("name")) or record.key
        if skip is None and not number:
            skip = _absent_skip(key)
        if skip is not None:
            return StagedRecord(key, key, title, skip=skip)
        tally = tallied(number)
        values = self._lookup_values(number, tally)
        if self.settings.managed != "leave":
            values["managed"] = self.settings.managed == "on"
        for name in (UNIT, *IDENTIFYING):
            if text := as_text(record.values.get(name)).strip():
                values[name] = text
        values["external_id"] = key
        try:
            levels = tuple(
                Record(Kind.LEVEL, branch, self._level_values(branch, source, record, tally))
                for branch, source in self._sent_branches.items()
            )
        except RecordRejected as rejected:
            return StagedRecord(key, key, title, number, issue=rejected.issue(key))
        desired, beside = Record(Kind.STOCK, key, values, levels), _other_inputs(number, tally)
        return StagedRecord(key, key, title, number, record=desired, other_inputs=beside)

    # ---- one level

    def _level_values(self, branch: str, source: str, record: Record, tally: Tally | None) -> dict[str, Value]:
        """Return a level with its source figures in the books and its safety stock. Raises RecordRejected."""
        steps: list[TraceStep] = []
        quantity = self._quantity(source, record, steps)
        inputs = " ".join(f"{step.operation}={_input_text(step.value)}" for step in steps)
        if safety := self._safety_stock(branch, record):
            inputs += f" {SAFETY}={_input_text(safety)}"
        return {"amount": self._level(branch, source, record, quantity, steps, tally), INPUTS: inputs}

    def _level(
        self, branch: str, source: str, record: Record, quantity: Decimal, steps: list[TraceStep], tally: Tally | None
    ) -> Decimal:
        """Return the level of a branch from a quantity of the books, and append its computation to `steps`.

        Raises RecordRejected.
        """
        if tally is not None and self._sales is not None:
            sharing, since = self._sharing_branches(source), self._sales.counting_start(record)
            if (wrong := tally.unreadable(sharing, since)) is not None:
                raise self._unreadable_rejection(record, wrong)
            is_named = "stock_reserved" in record.values
            orders_left = self.settings.leaves_when_booked(source, reserved_is_named=is_named)
            if not orders_left and (unknown_state := tally.unknown_invoice_state(sharing, since)) is not None:
                raise self._invoice_state_rejection(*unknown_state)
            for term in tally.terms(sharing, since, orders_left=orders_left):
                quantity += term.amount
                steps.append(TraceStep(term.name, term.display_text()))
            if (left_out := tally.uncounted_movements(sharing, since)) is not None:
                steps.append(TraceStep(left_out.name, left_out.display_text()))
        quantity = self._without_safety_stock(branch, record, quantity, steps)
        values = {**record.values, QUANTITY: quantity, BRANCH: branch}
        mapped = self._levels.apply(replace(record, values=values))
        for issue in mapped.issues:
            raise RecordRejected(issue.cause, issue.field, **{**issue.facts, "system": self.flow.target})
        amount = _parse_quantity(mapped.values.get(AMOUNT, quantity), record.key)
        if amount != quantity:
            steps.append(TraceStep(AMOUNT, amount))
        facts = {"article": record.key, "branch": branch}
        return self._whole_level(self._non_negative_level(amount, facts, steps), facts, steps)

    def _safety_stock(self, branch: str, record: Record) -> Decimal:
        return self.settings.safety_stock_of(branch, as_text(record.values.get(GROUP)).strip())

    def _without_safety_stock(self, branch: str, record: Record, quantity: Decimal, steps: list[TraceStep]) -> Decimal:
        """Return the quantity minus the safety stock: never below zero unless negative levels are sent."""
        safety = self._safety_stock(branch, record)
        sends_negative = self.settings.negative == "send"
        if not safety or (quantity <= 0 and not sends_negative):
            return quantity
        steps.append(TraceStep(SAFETY, f"-{_amount_text(safety)}"))
        rest = quantity - safety
        if rest >= 0 or sends_negative:
            return rest
        steps.append(TraceStep("max(0)", ZERO))
        return ZERO

    def _unreadable_rejection(self, record: Record, movement: Movement) -> RecordRejected:
        facts = {"key": record.key, "field": movement.unread, "value": f"stockId {movement.number}", "raw": ""}
        return RecordRejected("record_unreadable", AMOUNT, system=self.flow.target, **facts)

    def _invoice_state_rejection(self, order: str, wrong: Unreadable) -> RecordRejected:
        facts = {"key": order, "field": wrong.field, "value": wrong.raw_value, "raw": wrong.raw}
        return RecordRejected("record_unreadable", AMOUNT, system=self.flow.source, **facts)

    def _sharing_branches(self, source: str) -> tuple[str, ...]:
        """Return the branches that share the same figure; empty means all branches."""
        if source == FORMULA:
            return ()
        return tuple(branch for branch, other in self.settings.branches.items() if other == source)

    def _quantity(self, source: str, record: Record, steps: list[TraceStep]) -> Decimal:
        """Return the quantity of the books for a branch: the result of the formula, or the value of a field.

        Raises RecordRejected.
        """
        if source != FORMULA:
            value = record.values.get(source)
            steps.append(TraceStep(source, value))
            return _parse_quantity(value, record.key)
        steps += [TraceStep(name, record.values.get(name)) for name in sorted(self._formula.names)]
        try:
            value = self._formula(record.values)
        except RuleError as error:
            issue = error.issue(record.key, AMOUNT)
            raise RecordRejected(issue.cause, AMOUNT, **issue.facts) from None
        if self.settings.unreserved and "stock_reserved" not in record.values:
            steps.append(TraceStep("without_reservations", value))
        elif self._text not in self._formula.names:
            steps.append(TraceStep(self._text, value))
        return _parse_quantity(value, record.key)

    def _non_negative_level(self, amount: Decimal, facts: Mapping[str, str], steps: list[TraceStep]) -> Decimal:
        """Return a level below zero as the settings require. Raises RecordRejected."""
        if amount >= 0 or self.settings.negative == "send":
            return amount
        if self.settings.negative == "park":
            raise RecordRejected("stock_negative", AMOUNT, **facts, quantity=_amount_text(amount))
        steps.append(TraceStep("max(0)", ZERO))
        return ZERO

    def _whole_level(self, amount: Decimal, facts: Mapping[str, str], steps: list[TraceStep]) -> Decimal:
        """Return a fractional level as the settings require; finer values than the till counts are never sent.

        Raises RecordRejected.
        """
        whole = Decimal(int(amount.to_integral_value(ROUND_FLOOR)))
        if amount == whole:
            return whole
        if self.settings.fractional == "round_down":
            steps.append(TraceStep("round_down", whole))
            return whole
        if self.settings.fractional == "park" or amount % FINEST:
            raise RecordRejected("stock_fractional", AMOUNT, **facts, quantity=_amount_text(amount))
        return Decimal(_amount_text(amount))

    # ---- target records

    def shape(
        self,
        stage: Stage,
        members: Sequence[StagedRecord],
        duplicates: Mapping[str, tuple[str, ...]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> TargetRecord:
        """Return the only article of a parent; articles with the same till number are all parked."""
        (member,) = members
        if member.record is None:
            return TargetRecord.from_single_member(member)
        others = [key for key in duplicates.get(member.number, ()) if key != member.key]
        if others:
            facts = {"key": member.key, "article": member.key, "other": ", ".join(others), "value": member.number}
            issue = Issue("sku_duplicate", member.key, "number", facts | {"number": member.number})
            return TargetRecord(None, member.title, parked=(issue,))
        values = {name: value for name, value in member.record.values.items() if name != UNIT}
        levels = tuple(replace(level, values={"amount": level.values["amount"]}) for level in member.record.parts)
        inputs = {f"{level.key}/amount": as_text(level.values[INPUTS]) for level in member.record.parts}
        unit = as_text(member.record.values.get(UNIT))
        return TargetRecord(replace(member.record, values=values, parts=levels), member.title, unit=unit, inputs=inputs)

    def writable_part(self, stage: Stage, desired: Record, current: CurrentRecord | None) -> Record | Skip:
        """Return the levels, or why none is set: the till does not have the article, or does not manage its stock."""
        if current is None:
            return _absent_skip(desired.key)
        if current.record.values.get("managed") is False and self.settings.managed == "leave":
            return Skip("stock_not_managed", desired.key, {"key": desired.key, "article": desired.key})
        return desired

    def reversible(self, change: Change) -> Change:
        """Return the reversible part of an update: not the levels that the till did not report before."""
        before = change.before.parts if change.before else ()
        unreported_branches = {part.key for part in before if part.values.get("amount", ZERO) is None}

        def without_unreported_levels(record: Record) -> Record:
            return replace(record, parts=tuple(part for part in record.parts if part.key not in unreported_branches))

        previous = without_unreported_levels(change.before) if change.before else None
        return (
            replace(change, desired=without_unreported_levels(change.desired), before=previous)
            if unreported_branches
            else change
        )

    # ---- why

    def trace(self, stage: Stage, record: Record) -> list[Trace]:
        """Return the trace of each branch's level; of the formula alone while no branch is chosen."""
        number = self._number(record.key, self._numbers([record.key]))
        tally = self._sales.stored_tallies([number])(number) if self._sales and number else None
        branches = (self.settings.branches or {"": FORMULA}).items()
        levels = [self._level_trace(branch, source, record, tally) for branch, source in branches]
        managed = self.settings.managed
        managed_traces = (
            [] if managed == "leave" else [explained_trace(MANAGED, managed == "on", "setting", setting="managed")]
        )
        return [*([] if managed == "off" else levels), *managed_traces, *_purchases(record)]

    def _level_trace(self, branch: str, source: str, record: Record, tally: Tally | None) -> Trace:
        target = f"{branch}/amount" if branch else AMOUNT
        steps = [TraceStep(BRANCH, branch)] if branch else []
        try:
            quantity = self._quantity(source, record, steps)
            amount = self._level(branch, source, record, quantity, steps, tally)
        except RecordRejected as rejected:
            return Trace(target, tuple(steps), None, rejected.issue(record.key))
        return Trace(target, tuple(steps), amount, reason=self._reason(source, steps), part=branch)

    def _reason(self, source: str, steps: Sequence[TraceStep]) -> Reason:
        """Return the reason of a level."""
        step_names = {step.operation for step in steps}
        if SAFETY in step_names:
            return Reason("because_level_safety")
        if "max(0)" in step_names:
            return Reason("because_level_negative")
        if "round_down" in step_names:
            return Reason("because_level_whole")
        if not step_names.isdisjoint(TERMS):
            return Reason("because_level_counted")
        if AMOUNT in step_names:
            return Reason("because_level_ruled")
        if source != FORMULA:
            return Reason("because_source", {"field": source})
        alone = self._text in self._formula.names
        return (
            Reason("because_source", {"field": self._text})
            if alone
            else Reason("because_formula", {"formula": self._text})
        )


def _unplaced_issue(movement: Movement) -> Issue:
    """Return the issue of a movement that counts in no level, in the till's own field names."""
    fields = {
        "stockId": str(movement.number or "?"),
        "branchNumber": movement.branch,
        "timestamp": f"{movement.at:%Y-%m-%d %H:%M} UTC" if movement.at != NO_MOMENT else "",
        "document": movement.title or next(iter(movement.documents), ""),
    }
    description = " · ".join(f"{name} {value}" for name, value in fields.items() if value)
    return Issue("movement_unreadable", description, facts={"movement": description})


def _purchases(record: Record) -> list[Trace]:
    """Return the quantity on order at suppliers and its expected date, for display; it counts in no level."""
    ordered, expected = record.values.get("stock_ordered"), record.values.get("stock_expected")
    if not isinstance(ordered, Decimal) or not ordered:
        return []
    steps = [TraceStep("ordered_not_for_sale", ordered)]
    steps += [TraceStep("stock_expected", expected)] if expected else []
    return [Trace("stock_ordered", tuple(steps), None)]


def _other_inputs(number: str, tally: Tally | None) -> str:
    """Return the inputs of a level other than the books' record, as text: its movements and the till number."""
    if tally is None:
        return number
    documents = {key for lacking in (*tally.movements, *tally.reservations) for key in lacking.documents}
    return repr(
        (
            number,
            tally.movements,
            tally.reservations,
            tally.unbooked_transfers,
            tally.unbooked_deliveries,
            *sorted(documents & tally.unclear.keys()),
        )
    )


def _no_tally(_: str) -> None:
    """Return None: without sales settings, movements do not count."""


def _parse_quantity(value: Value, key: str) -> Decimal:
    """Return a quantity as a number. Raises RecordRejected for an invalid one."""
    if value in EMPTY:
        raise _formula_rejection(key, "reason_empty_result")
    try:
        number = value if isinstance(value, Decimal) else number_in_text(as_text(value))
    except ValueError:
        raise _formula_rejection(key, "reason_no_number", value=as_text(value)[:40]) from None
    if not number.is_finite():
        raise _formula_rejection(key, "reason_no_number", value=str(number))
    return number


def _formula_rejection(key: str, message: str, **facts: str) -> RecordRejected:
    return RecordRejected("expression_failed", AMOUNT, key=key, field=AMOUNT, message=message, **facts)


def _amount_text(amount: Decimal) -> str:
    """Return an amount without trailing zeros."""
    return f"{amount.normalize():f}"


def _input_text(value: Value) -> str:
    """Return a figure as text that does not depend on trailing zeros in the source."""
    return _amount_text(value) if isinstance(value, Decimal) else as_text(value)


def _as_number(code: str) -> str:
    """Return an article code that is a valid till number, else an empty string."""
    return code if is_till_number(code) else ""


def _absent_skip(key: str) -> Skip:
    return Skip("not_at_the_till", key, {"key": key, "article": key})
