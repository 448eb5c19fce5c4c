"""What a flow has to be told before it runs: its questions, the answer we propose to each, and what is missing."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from integration.core.errors import Reason
from integration.core.texts import is_till_number

Listed = tuple[str, str]
"""A system, and a list of codes that it keeps."""

STEPS = ("accountview", "mplus", "flows", "questions", "ready")
"""The steps of the set-up in their order."""

SALES_DAYBOOK = "verkoopboek"  # as AccountView calls it in a new administration
ROUNDING = re.compile("afronding|betalingsverschil", re.IGNORECASE)  # what the account is called in Dutch books
EXAMPLES = 3  # codes that a sentence names


def _books(name: str) -> Listed:
    return "accountview", name


def _till(name: str) -> Listed:
    return "mplus", name


class State(StrEnum):
    """How far a question is: nobody knows the answer, we propose one, or a person has said so."""

    OPEN = "open"
    PROPOSED = "proposed"
    ANSWERED = "answered"


class Weight(IntEnum):
    """What a line of the readiness list means for the flow; what weighs most comes first."""

    STOPS = 0  # the flow cannot run
    PARKS = 1  # it runs, and some records will wait for a person
    UNSEEN = 2  # it runs as we propose; nobody has looked at it
    DONE = 3


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer and why: settings by name, or the rows of a value table."""

    values: Mapping[str, Any]
    why: Reason


@dataclass(frozen=True, slots=True)
class Lack:
    """What a flow misses as it is set now, and whether that stops it or parks some of its records."""

    why: Reason
    stops: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a flow when its questions are weighed. A list that could not be read is not there."""

    settings: Mapping[str, Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lists: Mapping[Listed, Mapping[str, str]] = field(default_factory=dict)
    answered: Collection[str] = ()

    def of(self, listed: Listed) -> Mapping[str, str]:
        """Return codes and captions of a list."""
        return self.lists.get(listed, {})


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the set-up: the settings or the value table it answers, and the lists it is answered from."""

    name: str
    propose: Callable[[Known], Proposal | None]
    settings: tuple[str, ...] = ()
    table: str = ""
    lists: tuple[Listed, ...] = ()
    lacks: Callable[[Known], Lack | None] = lambda _: None
    arises: Callable[[Mapping[str, Any]], bool] = lambda _: True

    def now(self, known: Known) -> Mapping[str, Any]:
        """Return the answer that is in force."""
        if self.table:
            return known.tables.get(self.table, {})
        return {name: known.settings[name] for name in self.settings}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a flow as it stands."""

    flow: str
    question: Question
    state: State
    proposal: Proposal | None
    lack: Lack | None

    @property
    def weight(self) -> Weight:
        """Return what it means for the flow."""
        if self.lack is not None:
            return Weight.STOPS if self.lack.stops else Weight.PARKS
        return Weight.DONE if self.state is State.ANSWERED else Weight.UNSEEN


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the readiness list: what it means, and the step and question it leads to."""

    weight: Weight
    step: str
    asked: Asked | None = None


def same_rates(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    """Return which VAT code is which: only where exactly one code on each side has the rate."""
    table = {}
    for code, rate in ours.items():
        same_here = [other for other, value in ours.items() if value == rate]
        there = [other for other, value in theirs.items() if value == rate]
        if len(same_here) == 1 and len(there) == 1:
            table[code] = there[0]
    return table


def branch_sources(branches: Collection[str], warehouses: Collection[str]) -> dict[str, str]:
    """Return where the stock of each branch comes from; nothing where that is not plain.

    The only branch gets what the formula gives; else each branch the warehouse of its number, where all have one.
    """
    if len(branches) == 1:  # of several nobody knows which one the stock of the books is for
        return {next(iter(branches)): "formula"}
    if branches and set(branches) == set(warehouses):
        return {code: f"warehouse:{code}" for code in branches}
    return {}


def sales_daybook(daybooks: Mapping[str, str]) -> str:
    """Return the sales daybook; nothing where more or fewer than one is called so."""
    return _only(code for code, name in daybooks.items() if name.casefold() == SALES_DAYBOOK)


def _only(codes: Iterable[str]) -> str:
    found = list(codes)
    return found[0] if len(found) == 1 else ""


# ---- value tables ---------------------------------------------------------------------------------------------------


def _without_row(known: Known, table: str, codes: Listed) -> list[str]:
    """Return the codes of a list for which no row stands, whatever country or VAT number a key has beside the code."""
    covered = {part for key in known.tables.get(table, {}) for part in (key, *key.split(":"))}
    return [code for code in known.of(codes) if code not in covered]


def _rowless(table: str, codes: Listed, *, needed: bool) -> Callable[[Known], Lack | None]:
    """Return what a table lacks: each code wants a row, and a flow that `needed` the table stops without any."""

    def lacks(known: Known) -> Lack | None:
        rows, missing = known.tables.get(table, {}), _without_row(known, table, codes)
        if not rows:
            return Lack(Reason(f"lack_{table}_all"), stops=True) if needed else None
        if not missing or "*" in rows:
            return None
        return Lack(Reason(f"lack_{table}", {"codes": ", ".join(missing)}), stops=False)

    return lacks


def _same_rate(table: str, ours: str, theirs: str) -> Callable[[Known], Proposal | None]:
    """Return the proposal of a table of VAT codes: only when it leaves no code without a counterpart."""

    def propose(known: Known) -> Proposal | None:
        rates = known.of((ours, "vat_rates")), known.of((theirs, "vat_rates"))
        rows = {**same_rates(*rates), **known.tables.get(table, {})}
        whole = not _without_row(Known({}, tables={table: rows}, lists=known.lists), table, (ours, "vat_codes"))
        return Proposal(rows, Reason("proposed_same_rate")) if rows and whole else None

    return propose


def _revenue(known: Known) -> Proposal | None:
    account = _only(known.of(_books("revenue_accounts")))
    return Proposal({"*": account}, Reason("proposed_only_one")) if account else None


def _terms(known: Known) -> Proposal | None:
    rows = known.tables.get("payment_methods", {})
    if rows and _without_row(known, "payment_methods", _till("payment_methods")):
        return None
    return Proposal(rows, Reason("proposed_terms"))


# ---- products and stock ---------------------------------------------------------------------------------------------


def _unfit(known: Known) -> list[str]:
    """Return the article codes seen that cannot be an article number of the till as they are."""
    return [code for code in known.of(_books("article_codes")) if not is_till_number(code)]


def _numbering(known: Known) -> Proposal:
    seen, unfit = len(known.of(_books("article_codes"))), len(_unfit(known))
    facts = {"number": str(seen - unfit), "total": str(seen)}
    if not seen:
        return Proposal({"sku_rule": "code", "sku_field": ""}, Reason("proposed_sku_usual"))
    rule = "code" if unfit * 2 <= seen else "allotted"
    return Proposal({"sku_rule": rule, "sku_field": ""}, Reason(f"proposed_sku_{rule}", facts))


def _numberless(known: Known) -> Lack | None:
    unfit = _unfit(known) if known.settings["sku_rule"] == "code" else []
    if not unfit:
        return None
    facts = {"number": str(len(unfit)), "total": str(len(known.of(_books("article_codes"))))}
    return Lack(Reason("lack_numbers", {**facts, "codes": ", ".join(unfit[:EXAMPLES])}), stops=False)


def _branches(known: Known) -> Proposal | None:
    branches = known.of(_till("branches"))
    sources = branch_sources(branches, known.of(_books("warehouses")))
    if not sources:
        return None
    why = "proposed_only_branch" if len(branches) == 1 else "proposed_same_warehouse"
    return Proposal({"branches": sources}, Reason(why))


def _branchless(known: Known) -> Lack | None:
    if known.settings["branches"] or known.settings["managed"] == "off":
        return None
    return Lack(Reason("lack_branches"), stops=True)


# ---- orders ---------------------------------------------------------------------------------------------------------


def _documents(known: Known) -> Proposal:
    daybook = sales_daybook(known.of(_books("daybooks")))
    return Proposal({"documents": "order", "becomes": "order", "daybook": daybook}, Reason("proposed_orders"))


def _collective(known: Known) -> Proposal | None:
    account = _only(known.of(_books("debtor_accounts")))
    if account:
        return Proposal({"collective_account": account}, Reason("proposed_account_of_debtors"))
    account = _only(known.of(_books("collective_accounts")))
    return Proposal({"collective_account": account}, Reason("proposed_only_one")) if account else None


def _accountless(known: Known) -> Lack | None:
    settings = known.settings
    if settings["collective_account"] or not settings["create_debtors"] or settings["default_debtor"] == "forced":
        return None
    return Lack(Reason("lack_collective_account"), stops=False)


def _nobody(known: Known) -> Proposal | None:
    if known.settings["documents"] == "receipt":  # most have no customer, and only the shop knows for whom they count
        return None
    return Proposal({"default_debtor": "off", "debtor_number": ""}, Reason("proposed_no_default_debtor"))


def _customerless(known: Known) -> Lack | None:
    if known.settings["documents"] != "receipt" or known.settings["default_debtor"] != "off":
        return None
    return Lack(Reason("lack_default_debtor"), stops=False)


def _completion(known: Known) -> Proposal | None:
    usual = known.defaults.get("default_employee", "")
    employees, branch = known.of(_till("employees")), _only(known.of(_till("branches")))
    if employees and usual not in employees:
        return None
    name = employees.get(usual, "")
    why = Reason("proposed_employee", {"name": name}) if name else Reason("proposed_employee_unseen")
    return Proposal({"default_employee": usual, "default_branch": branch}, why)


def _rounding(known: Known) -> Proposal:
    account = _only(code for code, name in known.of(_books("ledgers")).items() if ROUNDING.search(name))
    values = {**{name: known.defaults[name] for name in ("rounding_limit", "rounding_article")}}
    why = "proposed_rounding_account" if account else "proposed_rounding"
    return Proposal({**values, "rounding_account": account}, Reason(why))


def _usual(why: str, *settings: str) -> Callable[[Known], Proposal]:
    """Return the proposal of what is set in a new installation."""
    return lambda known: Proposal({name: known.defaults[name] for name in settings}, Reason(why))


def _posts(settings: Mapping[str, Any]) -> bool:
    return bool(settings["becomes"] == "posting")


def _orders(settings: Mapping[str, Any]) -> bool:
    return not _posts(settings)


# ---- the questions --------------------------------------------------------------------------------------------------

QUESTIONS: Mapping[str, tuple[Question, ...]] = {
    "products": (
        Question(
            "number", _numbering, ("sku_rule", "sku_field"), lists=(_books("article_codes"),), lacks=_numberless
        ),
        Question("price", _usual("proposed_price", "price_basis", "price_sent"), ("price_basis", "price_sent")),
        Question(
            "vat", _same_rate("vat_codes", "accountview", "mplus"), table="vat_codes",
            lists=(_books("vat_codes"), _books("vat_rates"), _till("vat_codes"), _till("vat_rates")),
            lacks=_rowless("vat_codes", _books("vat_codes"), needed=True),
        ),
    ),
    "stock": (
        Question(
            "branches", _branches, ("branches",), lists=(_till("branches"), _books("warehouses")), lacks=_branchless
        ),
        Question("formula", _usual("proposed_formula", "formula", "expression"), ("formula", "expression")),
        Question("managed", _usual("proposed_managed", "managed"), ("managed",)),
    ),
    "customers": (
        Question(
            "who", _usual("proposed_all_debtors", "accounts", "leave_out"), ("accounts", "leave_out"),
            lists=(_books("collective_accounts"),),
        ),
        Question("new", _usual("proposed_vat_method", "default_vat_method"), ("default_vat_method",)),
    ),
    "orders": (
        Question(
            "documents", _documents, ("documents", "becomes", "daybook"), lists=(_books("daybooks"),)
        ),
        Question(
            "vat", _same_rate("vat_codes_sales", "mplus", "accountview"), table="vat_codes_sales",
            lists=(_till("vat_codes"), _till("vat_rates"), _books("vat_codes"), _books("vat_rates")),
            lacks=_rowless("vat_codes_sales", _till("vat_codes"), needed=True),
        ),
        Question(
            "revenue", _revenue, table="revenue_accounts", arises=_posts,
            lists=(_books("vat_codes"), _books("revenue_accounts")),
            lacks=_rowless("revenue_accounts", _books("vat_codes"), needed=True),
        ),
        Question(
            "account", _collective, ("collective_account",), lacks=_accountless,
            lists=(_books("debtor_accounts"), _books("collective_accounts")),
        ),
        Question("debtor", _nobody, ("default_debtor", "debtor_number"), lacks=_customerless),
        Question(
            "payment", _terms, table="payment_methods", lists=(_till("payment_methods"), _books("payment_conditions")),
            lacks=_rowless("payment_methods", _till("payment_methods"), needed=False),
        ),
        Question(
            "article", _usual("proposed_collective_article", "collective_article"), ("collective_article",),
            arises=_orders,
        ),
        Question(
            "rounding", _rounding, ("rounding_limit", "rounding_article", "rounding_account"),
            lists=(_books("ledgers"),),
        ),
        Question(
            "completion", _completion, ("default_employee", "default_branch"),
            lists=(_till("employees"), _till("branches")),
        ),
    ),
}  # fmt: skip
"""What each flow is asked in the set-up. Everything else has an answer that suits most, and stands under Flows."""


def lists_of(flow: str) -> tuple[Listed, ...]:
    """Return the lists from which the questions of a flow are answered."""
    return tuple(dict.fromkeys(each for question in QUESTIONS[flow] for each in question.lists))


def question_of(flow: str, name: str) -> Question:
    """Return a question by its name. Raises KeyError when the flow has none of that name."""
    found = next((one for one in QUESTIONS[flow] if one.name == name), None)
    if found is None:
        raise KeyError(f"{flow} asks nothing called {name}")
    return found


def weigh(flow: str, known: Known) -> tuple[Asked, ...]:
    """Return the questions that arise for a flow as it is set, each with its state, what we propose and what lacks."""
    return tuple(_weighed(flow, one, known) for one in QUESTIONS[flow] if one.arises(known.settings))


def _weighed(flow: str, question: Question, known: Known) -> Asked:
    lack, proposal = question.lacks(known), _proposal(question, known)
    if question.name in known.answered and not (lack and lack.stops):
        return Asked(flow, question, State.ANSWERED, proposal, lack)
    return Asked(flow, question, State.PROPOSED if proposal else State.OPEN, proposal, lack)


def _proposal(question: Question, known: Known) -> Proposal | None:
    """Return what we propose; an answer that somebody gave elsewhere is not talked out of."""
    proposal, now = question.propose(known), question.now(known)
    usual = {} if question.table else {name: known.defaults.get(name) for name in question.settings}
    if now == usual or (proposal is not None and proposal.values == now):
        return proposal
    return None if question.table and question.lacks(known) else Proposal(now, Reason("proposed_as_set"))


def readiness(well: Mapping[str, bool], asked: Mapping[str, Sequence[Asked]]) -> tuple[Line, ...]:
    """Return what is missing and what is there, what weighs most first.

    `well` says of each system whether it is connected and its check found nothing wrong; `asked` has the questions of
    the chosen flows.
    """
    lines = [Line(Weight.DONE if well[system] else Weight.STOPS, system) for system in well]
    lines.append(Line(Weight.DONE if asked else Weight.STOPS, "flows"))
    lines += [Line(one.weight, "questions", one) for questions in asked.values() for one in questions]
    return tuple(sorted(lines, key=lambda line: line.weight))


def done(well: Mapping[str, bool], asked: Mapping[str, Sequence[Asked]]) -> dict[str, bool]:
    """Return of each step whether it is done."""
    every = [one for questions in asked.values() for one in questions]
    steps = {
        **well, "flows": bool(asked), "questions": bool(every) and all(one.state is State.ANSWERED for one in every)
    }  # fmt: skip
    return {**steps, "ready": all(line.weight is not Weight.STOPS for line in readiness(well, asked))}
