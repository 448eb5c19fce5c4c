"""Issues: one reason why one record waits for a person. A value, never an exception."""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from integration.core.records import Place, Record, canonical


@dataclass(frozen=True, slots=True)
class Issue:
    """Why a record is parked.

    `cause` is a code of the catalogue, `facts` fill its sentences (texts, already without secrets). The same trouble
    tomorrow is the same issue: it is known by flow, key, cause and field.
    """

    cause: str
    key: str
    field: str = ""
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


def elsewhere(part: Record, parent: str, place: Place) -> Issue:
    """Return why an article waits that is wanted in the record of this key: the target has it or its number there."""
    facts = {
        "key": part.source, "article": part.source, "number": part.key, "held": place.number, "parent": parent,
        "product": f"{place.reference} ({place.name})" if place.name else place.reference,
    }  # fmt: skip
    if place.other:
        return Issue("article_number_taken", part.source, "number", facts | {"other": place.other})
    if place.number != part.key:
        return Issue("article_number_changed", part.source, "number", facts)
    return Issue("article_in_other_product", part.source, "parent", facts)


TELLING: Mapping[str, tuple[str, ...]] = {
    "payment_method_unmapped": ("method",),
    "vat_code_unmapped": ("code",),
    "revenue_account_unmapped": ("country", "code"),
    "value_unmapped": ("table", "value"),
    "deposit_account_missing": ("kind",),
    "article_missing": ("article",),
    "customer_ambiguous": ("customer", "candidates"),
    "customer_shared": ("customer", "number"),
    "customer_taken": ("customer", "number"),
    "debtor_blocked": ("debtor",),
    "needed_record_parked": ("needed",),
    "required_field_empty": ("field",),
    "field_too_long": ("field", "limit"),
    "field_unknown": ("field",),
    "branch_missing": ("branch",),
    "employee_unknown": ("employee",),
    "ledger_account_unusable": ("account",),
    "period_closed": ("period",),
    "currency_without_rate": ("currency",),
    "setting_invalid": ("setting",),
    "flow_setting_invalid": ("setting",),
    "mplus_rejected": ("message",),
    "accountview_rejected": ("message",),
    "read_refused": ("message",),
}
"""Which facts tell one trouble of a cause from another: what is the same in all of them is repaired at once."""


def telling(cause: str, facts: Mapping[str, str]) -> str:
    """Return what tells the trouble of a cause from others of it, as one text; the same text is the same repair."""
    return " · ".join(facts.get(name, "") for name in TELLING.get(cause, ()))


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a record takes no part: nobody has to act, but nobody has to wonder either."""

    reason: str
    key: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


PASSING = ("changed", "marker")
STOCK = ("stock", "warehouse:")
"""How names of values begin that change by themselves, without anybody having looked at the record."""


def source_mark(record: Record, passing: tuple[str, ...] = PASSING + STOCK) -> str:
    """Return a mark that becomes another one when somebody changes the record in its source.

    What is `passing` does not count: names of values begin so that change by themselves.
    """
    kept = {name: value for name, value in record.values.items() if not name.startswith(passing)}
    return hashlib.sha256(canonical(dataclasses.replace(record, values=kept)).encode()).hexdigest()[:32]
