"""The fields of a flow's source, as its own system has them: to choose from, and by what name people know them."""

from collections.abc import Sequence

from integration.core.flow import Flow
from integration.core.records import Field, Kind
from integration.flows.forms import SourceField
from integration.services import Application
from pages.components.shared.draft import asked
from pages.components.shared.inputs import Asking, code_field
from pages.components.shared.wording import field_name, text


def flow_as_set(app: Application, flow: str) -> Flow:
    """Return a flow with the kinds of record that its settings choose."""
    return app.flows.as_set(flow)


def source_kind(app: Application, flow: str) -> Kind:
    """Return the kind of record that a flow reads and counts."""
    whole = flow_as_set(app, flow)
    return whole.counted.source


def source_fields(app: Application, flow: str, kind: Kind) -> list[Field] | None:
    """Return the fields of the source as its dictionary has them, or None with the reason on screen."""
    source = app.flows[flow].source
    return asked(app, f"{source} {kind}", lambda: app.lists.fields(source, kind))


def field_label(fields: Sequence[Field], name: str) -> str:
    """Return how a field of the source is offered: its caption with its own name, or that it is not there."""
    found = next((one for one in fields if one.name == name), None)
    if found is not None:
        return f"{found.caption} ({found.wire or found.name})"
    return text("field_absent", field=field_name(name)) if name else text("field_none")


def source_field(asking: Asking, shape: SourceField) -> None:
    """Draw a choice of a field of the source and take what is on screen into the draft."""
    fields = source_fields(asking.app, asking.flow, shape.kind)
    if fields is None:
        return
    known = {one.name: field_label(fields, one.name) for one in fields}
    draft, now = asking.draft, str(asking.draft.value(shape.name))
    chosen = code_field(
        asking.label(shape.name),
        now,
        known,
        draft.key(shape.name),
        none=text("field_none"),
        labels=lambda one: field_label(fields, one),
    )
    draft.put(shape.name, chosen)
    if shape.missing and not chosen:
        draft.wrong[shape.name] = text(shape.missing)
