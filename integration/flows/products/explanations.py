"""Explanations of article values that are not from a mapping rule."""

from collections.abc import Sequence
from dataclasses import replace

from integration.core.errors import Reason
from integration.core.plan import Action, Change
from integration.core.records import Kind, Record, clean
from integration.core.rules import is_empty
from integration.core.traces import Trace, TraceStep, explained_trace
from integration.flows.prices import as_stored_at_till, is_term
from integration.flows.products.settings import ProductSettings
from integration.flows.products.variants import as_list

PICTURE = f"{Kind.PICTURE}.content"


def price_trace(target: str, trace: Trace, steps: Sequence[TraceStep]) -> Trace:
    """Return the trace of a sent price; `steps` lead from the mapped price to the sent one."""
    step_names = {step.operation.partition("(")[0].partition(" ")[0] for step in steps[1:]}
    moved = steps[0].value != steps[-1].value
    ways = ("rate", "add_vat", "remove_vat")
    names: list[str] = [name for name in ways if name in step_names] or (["round"] if moved else [])
    why = Reason(f"because_price_{'_'.join(names)}") if names else trace.reason
    return Trace(target, (*trace.steps, *steps[1:]), steps[-1].value, reason=why)


def till_trace(trace: Trace) -> Trace:
    """Return the trace of a field with the value as the till stores it."""
    value = as_stored_at_till(trace.target.partition(".")[2], clean(trace.value))
    return replace(trace, value=as_list(value) if trace.target == "product.groups" and trace.issue is None else value)


def pictured(record: Record, field: str) -> Trace:
    """Return the trace of a product's picture or of its removal."""
    content = record.values.get("content")
    return explained_trace(PICTURE, content, "picture_gone" if is_empty(content) else "picture", field=field)


def of_change(change: Change, settings: ProductSettings) -> dict[str, Reason]:
    """Return reasons that follow from a change itself, by path."""
    if change.action is Action.RETIRE:
        return {"": Reason("because_gone", {"articles": ", ".join(part.source for part in change.desired.parts)})}
    before = {part.key for part in change.before.parts} if change.before else set()
    inactive = {part.key for part in change.agreed.parts if part.values.get("active") is False}
    reasons: dict[str, Reason] = {}
    for path, field, value in change.desired.fields():
        part, _, name = path.rpartition("/")
        if is_term(field.partition(".")[2]) and value is None:
            reasons[path] = Reason("because_agreement_gone")
        elif name == "active" and value is False and part:
            is_new = part not in before and not settings.offer.create
            reasons[path] = Reason("because_no_offer" if is_new else "because_off_sale")
        elif name == "ean" and value is None and part in inactive:
            reasons[path] = Reason("because_ean_freed")
    return reasons
