"""The mapping rules that are in use, the rule for articles, and the field ownership of documents."""

from collections.abc import Mapping

from integration.core.compiled import CompiledMapping, compile  # noqa: A004 - of a mapping
from integration.core.flow import Ownership
from integration.core.plan import Policy
from integration.core.rules import Mapping as Rules
from integration.core.rules import Rule, field_owners
from integration.flows.functions.toolbox import Tools
from integration.flows.orders.settings import LONGEST_REFERENCE
from integration.flows.orders.terms import TERMS

# Tables whose rules are inactive while the table is empty.
OPTIONAL = frozenset({*TERMS, "shipping_methods", "salespersons", "cost_centres", "price_lists"})


def in_use(rules: Rules, tables: Mapping[str, Mapping[str, str]]) -> Rules:
    """Return the rules without those that look up an empty optional table."""
    off = {name for name in OPTIONAL if not tables.get(name)}
    return Rules(rules.version, tuple(rule for rule in rules.rules if rule.table not in off))


def of_articles(rules: Rules, tools: Tools) -> CompiledMapping:
    """Return the rule that gives the article of a line. It is applied before all other rules."""
    article_rules = tuple(rule for rule in rules.rules if rule.target == "line.article")
    return compile(Rules(rules.version, article_rules or (Rule(target="line.article", source="code"),)), tools)


def document_policy(rules: Rules) -> Policy:
    """Return the field ownership: fields of documents and addresses are written on create only.

    References, dates, pointers and ids are always written, regardless of the mapping. Kinds that are no longer written
    are included, because their existing bookings may be credited.
    """
    owned = dict(field_owners(rules))
    for name, who in owned.items():
        if not name.startswith("debtor.") and who is not Ownership.NEVER:
            owned[name] = Ownership.ON_CREATE
    names = ("reference", "till_id", "date", "debtor", "debtor_number", "address")
    always = [f"{target}.{name}" for target in LONGEST_REFERENCE for name in names]
    always += ["address.debtor", "address.debtor_number", "line.vat_base", "sales_order.trade_invoice", "line.article"]
    return owned | dict.fromkeys(always, Ownership.ON_CREATE)
