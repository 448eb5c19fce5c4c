"""What a cause is called: in one sentence that is true of all its records."""

from integration.core.causes import cause
from integration.core.queue import CauseGroup
from integration.services import Application
from integration.words import has_term, told_by
from pages.components.shared.wording import field_term, plain, say, system_name, text

CONSTANT = frozenset({"system", "flow", "target_system", "source_system"})
"""Facts that are the same in every record of a flow."""


def headline(app: Application, group: CauseGroup) -> str:
    """Return what is wrong, escaped: of one record all that is known, of several what they share."""
    facts = {"system": app.flows[group.flow].target, **group.facts}
    what = plain(say(group.cause, facts).what)
    shared = {*cause(group.cause).telling, *CONSTANT, *(["field"] if group.field else [])}
    if group.count == 1:
        return what
    if has_term(key := f"headline_{group.cause}"):
        return plain(text(key, **_written(facts, group.field)))
    return what if told_by(group.cause) <= shared else text("cause_example", what=what)


def _written(facts: dict[str, str], field: str) -> dict[str, str]:
    """Return facts as a headline has them: systems and fields by their names, and no key of one record."""
    named = facts.get("field") or field
    shared = {name: fact for name, fact in facts.items() if name != "key"}
    return {
        **shared,
        "system": system_name(facts["system"]),
        **({"field": field_term(named.rpartition("/")[2])} if named else {}),
    }
