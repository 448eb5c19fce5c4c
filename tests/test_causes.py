"""Every error is a code with facts, and has complete texts in each of the three languages."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from integration import words
from integration.connectors.mplus.client import REFUSALS
from integration.core.causes import CAUSES, Repair, RepairKind, Responsible
from integration.core.errors import IntegrationError, Reason
from integration.flows.registry import FLOWS
from integration.words.catalogues import PARTS, tables
from tests.size import nodes_of

ROOT = Path(__file__).parents[1]
PLACE = re.compile(r"{(\w+)}")
CODE = re.compile(r"[a-z]+(_[a-z]+)*")
KEY = re.compile(r"(reason|expected)_\w+")
SENTENCE = re.compile(r"[^\W\d_]{2,} [^\W\d_]{2,}")
ENGLISH = re.compile(r"\b(the|and|not|this|that|which|cannot|has|have|with|from|its|does|are|there)\b", re.IGNORECASE)
SAYS = {"Issue", "Skip", "Brake", "RecordRejected", "Finding", "DayRefusedError"}
OURS = {"RuleError", "Reason", "PydanticCustomError"}
FINDINGS = {"integration/core/days/check.py", "integration/core/days/report.py"}
"""Modules whose findings are of another sort than those of a connection: they are no causes."""

ADDED = {"key", "system", "run", "flow", "try_again"}
"""Facts that are added on the way: by the runner, by who asks a system for a flow, by `say`, or by who shows them."""

GENERAL_FACTS = {"system", "flow", "kind", "key", "operation", "document", "cause", "facts", "pages"}
"""Facts that any cause may have for the log, the exceptions and programs, and arguments that are no facts."""

KEPT: Mapping[str, set[str]] = {
    "right_missing": {"message"},  # in the words of the other system, which are not for operators
    "request_refused": {"field", "message", "value"},  # for whoever reads the log
    "answer_incomplete": {"object"},
    "record_unreadable": {"raw"},  # the exception shows it beside its sentences
    "key_unreadable": {"raw"},  # likewise
    "timeout_after_sending_write": {"reason"},
    "installation_moved": {"code"},  # of the command that confirms it
    "target_changed_since_plan": {"fields"},  # the plan shows them
    "totals_differ": {"rule"},  # the plan says it in words of its own
    "vat_code_unmapped": {"article"},
    "vat_rate_unknown": {"code"},  # the sentence tells it with its system
    "day_vat_account_missing": {"code"},  # the sentence tells it with its percentage
    "shipping_not_exact": {"code"},  # likewise
    "row_impossible": {"table"},  # whoever saves it sees the table
    "database_too_new": {"found", "known"},
    "lease_taken": {"name"},
    "run_active": {"by", "since"},
    "turnover_group_unknown": {"type"},  # the till's own word for it
    "day_drawer_account_missing": {"setting"},  # the repair asks for it
    "day_account_missing": {"account", "code"},  # empty where the till has none, or the group no VAT
    "day_method_account_missing": {"account"},  # likewise
    "day_cost_account_missing": {"account"},  # likewise
    "day_stock_account_missing": {"account"},  # likewise
    "document_changed_after_booking": {"before", "after", "source", "mark"},  # likewise
    "sale_beyond_order": {"source", "mark"},
    "customer_identity_changed": {"record", "evidence_json", "mark"},  # the answer is kept by them
    "article_identity_changed": {"record", "evidence_json", "mark"},
    "document_cancelled_after_booking": {"source", "mark"},
    "document_changed_after_credit": {"source", "mark"},
    "document_without_reference": {"source", "mark"},
    "quotation_changed": {"before", "after", "source", "mark"},
    "quotation_cancelled": {"before", "after", "source", "mark"},
    "credit_not_exact": {"source", "mark"},
    "booking_reversed": {"source", "mark"},  # the plan offers to book it again by them
    "day_booked_by_hand": {"mark"},
    "day_sale_elsewhere": {"mark"},
    "day_ledger_unreadable": {"mark"},
    "day_changed_after_booking": {"behind", "mark"},
    "day_changed_after_filing": {"behind", "mark"},  # the question shows them, or asks by them
}
"""Facts that deliberately occur in no sentence of a cause."""


@dataclass(frozen=True)
class CodeUse:
    """One place in the code with a code; `facts` are its literal names, `open` means that it adds others."""

    where: str
    code: str
    facts: frozenset[str]
    inside: frozenset[str]  # those of the reason among the facts
    open: bool


def texts(node: ast.expr) -> Iterator[str]:
    """Yield the texts written into an expression, also those of an f-string and of one of two."""
    match node:
        case ast.Constant(value=str(said)):
            yield said
        case ast.JoinedStr(values=parts):
            yield "".join(
                part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
        case ast.IfExp(body=body, orelse=orelse):
            yield from texts(body)
            yield from texts(orelse)


def subclasses(kind: type[IntegrationError]) -> Iterator[str]:
    yield kind.__name__
    for below in kind.__subclasses__():
        yield from subclasses(below)


@pytest.fixture(scope="module", autouse=True)
def _release_caches() -> Iterator[None]:
    """Release the parsed product after the last test of this file. Later garbage collections would visit its nodes."""
    yield
    for function in (nodes_of, modules, calls, fact_occurrences):
        function.cache_clear()


@cache
def modules() -> Mapping[str, tuple[ast.AST, ...]]:
    """Return the nodes of every module with texts for people; the sandbox has the texts of the systems."""
    paths = [*(ROOT / "integration").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), ROOT / "app.py"]
    return {str(path.relative_to(ROOT)): nodes_of(path) for path in sorted(paths) if "sandbox" not in path.parts}


@cache
def calls() -> tuple[tuple[str, str, ast.Call], ...]:
    """Return every call with its place and the name of the called function."""
    return tuple(_calls())


def _calls() -> Iterator[tuple[str, str, ast.Call]]:
    for where, nodes in modules().items():
        if where in FINDINGS:
            continue
        for node in nodes:
            if isinstance(node, ast.Call):
                callee = node.func
                name = callee.attr if isinstance(callee, ast.Attribute) else getattr(callee, "id", "")
                yield f"{where}:{node.lineno}", name, node


def telling(kinds: set[str]) -> Iterator[CodeUse]:
    """Yield the codes in calls of these functions, and the causes that any call receives."""
    for where, name, call in calls():
        if name == "ValueTable":  # says which cause a row of it repairs, and tells none
            continue
        expressions = [word.value for word in call.keywords if word.arg == "cause"]
        expressions += call.args[:1] if name in kinds else []
        reasons = [text for word in call.keywords if word.arg in ("message", "expected") for text in texts(word.value)]
        facts = frozenset(word.arg for word in call.keywords if word.arg)
        inside = frozenset(place for key in reasons if words.has_term(key) for place in places_of(key))
        more = len(call.args) > 1 or any(word.arg is None for word in call.keywords)
        for code in (code for expression in expressions for code in texts(expression)):
            if CODE.fullmatch(code):
                yield CodeUse(where, code, facts, inside, more)


@cache
def raised_causes() -> tuple[CodeUse, ...]:
    return tuple(telling(SAYS | set(subclasses(IntegrationError))))


def places(code: str) -> frozenset[str]:
    """Return the facts that the sentences of a cause have places for."""
    line = tables().causes[code]
    return frozenset(place for part in PARTS for place in PLACE.findall(line[f"en_{part}"]))


def places_of(key: str) -> frozenset[str]:
    """Return the facts that a text has places for."""
    return frozenset(PLACE.findall(tables().texts[key]["en"]))


def keys() -> list[str]:
    """Return every text that is a fact of an error."""
    return sorted(key for key in tables().texts if KEY.fullmatch(key))


def marked_facts(text: str) -> dict[str, str]:
    return {name: f"«{name}»" for name in PLACE.findall(text)}


# ---- what is told is a code


def test_every_code_that_is_reported_is_a_cause_of_the_catalogue() -> None:
    assert {mention.where: mention.code for mention in raised_causes() if mention.code not in CAUSES} == {}
    assert len(raised_causes()) > 100


def test_every_cause_of_the_catalogue_is_named_by_what_tells_it() -> None:
    codes = {
        node.value
        for where, nodes in modules().items()
        if where != "integration/core/causes.py"
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert CAUSES.keys() - codes == set()


def test_every_reason_that_the_code_names_has_its_text() -> None:
    reasons = {
        node.value: where
        for where, nodes in modules().items()
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and KEY.fullmatch(node.value)
    }
    assert {key: where for key, where in reasons.items() if not words.has_term(key)} == {}


def test_no_error_holds_a_sentence() -> None:
    sentences = {
        where: text
        for where, name, call in calls()
        if name in SAYS | OURS | set(subclasses(IntegrationError))
        for part in [*call.args, *(word.value for word in call.keywords)]
        for text in texts(part)
        if SENTENCE.search(text)
    }
    assert sentences == {}


def makers(nodes: tuple[ast.AST, ...], kinds: set[str]) -> Iterator[str]:
    """Yield the functions of a module that make an error from their parameters."""
    for function in (node for node in nodes if isinstance(node, ast.FunctionDef)):
        parameters = {parameter.arg for parameter in (*function.args.args, *function.args.kwonlyargs)}
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            if getattr(call.func, "attr", getattr(call.func, "id", "")) not in kinds:
                continue
            facts = [*call.args[1:], *(word.value for word in call.keywords)]
            names = {node.id for fact in facts for node in ast.walk(fact) if isinstance(node, ast.Name)}
            if names & parameters:
                yield function.name


def test_what_makes_an_error_is_given_no_sentence() -> None:
    kinds = set(subclasses(IntegrationError))
    made_by_module = {name: set(makers(nodes, kinds)) - kinds for name, nodes in modules().items()}
    sentences = {
        where: text
        for where, callee, call in calls()
        if callee in made_by_module[where.rpartition(":")[0]]
        for part in [*call.args, *(word.value for word in call.keywords)]
        for text in texts(part)
        if SENTENCE.search(text)
    }
    assert sentences == {}
    assert "_invalid" in set(makers(modules()["integration/services/configuration_file.py"], kinds))


def test_the_search_for_sentences_finds_them() -> None:
    parts = list(texts(ast.parse("f'no number {x} at all' if x else 'code'", mode="eval").body))
    assert [bool(SENTENCE.search(text)) for text in parts] == [True, False]


# ---- what waits for a person can be repaired

OF_TABLES = {
    "integration/cli/output.py",
    "integration/cli/demo.py",
    "integration/cli/prices_demo.py",
}  # cells without a value
UNREPAIRED = {
    "request_refused": "what the console asked was wrong: only who makes it can tell why",
    "undo_blocked": "the plan that undoes shows the three values, and who reads it changes the record itself",
}
ENDS_ANOTHER_WAY = ("choose Dismiss", "dismiss this exception", "closes automatically")


def parking() -> set[str]:
    """Return every cause that parks a record and that somebody acts on."""
    codes = {mention.code for mention in telling({"Issue", "RecordRejected", "DayRefusedError", "RejectedError"})}
    codes |= {*REFUSALS.values(), "record_unreadable", "key_unreadable", "period_closed", "picture_refused"}
    of_a_look = {"flow_field_unknown", "known_not_found", "object_missing", "prefix_in_use", "read_refused"}
    return {code for code in codes - of_a_look if CAUSES[code].who is not Responsible.NOBODY}


def test_every_cause_that_parks_a_record_has_a_repair() -> None:
    repaired = {code for code in parking() for flow in FLOWS.values() if has_repair(flow.repair_of(code))}
    assert parking() - repaired == UNREPAIRED.keys()


def has_repair(repair: Repair) -> bool:
    return bool(repair.by or repair.tab)


def test_what_is_put_right_in_a_system_says_in_which_and_how_it_goes_on() -> None:
    elsewhere = {
        code: tables().causes[code]["en_do"] for code, cause in CAUSES.items() if cause.repair.by is RepairKind.SYSTEM
    }
    codes = {code for code, do in elsewhere.items() if re.search(r"{system}|AccountView|MplusKASSA|the till", do)}
    going_on = {code for code, do in elsewhere.items() if any(end in do for end in ("{try_again}", *ENDS_ANOTHER_WAY))}
    assert elsewhere.keys() == codes & going_on


def test_a_repair_leads_to_no_setting_or_table_that_its_flow_does_not_have() -> None:
    branches = FLOWS["products"].repair_of("branch_missing")
    assert (branches.tab, FLOWS["products"].has_place(branches)) == ("tables", True)
    assert not FLOWS["customers"].has_place(FLOWS["customers"].repair_of("branch_missing"))
    assert FLOWS["customers"].has_place(FLOWS["customers"].repair_of("read_back_differs")), "every flow has fields"


def test_a_repair_on_the_page_of_another_flow_names_a_setting_that_exists() -> None:
    elsewhere = {repair for flow in FLOWS.values() for repair in flow.repairs.values() if repair.flow}
    assert {(repair.flow, repair.name) for repair in elsewhere} == {("orders", "reference_prefix")}
    assert [repair for repair in elsewhere if not FLOWS[repair.flow].has_place(repair)] == []


def test_no_fact_is_a_dash_in_the_place_of_one_that_is_missing() -> None:
    dashes = {
        f"{where}:{node.lineno}"
        for where, nodes in modules().items()
        if where.startswith("integration/") and where not in {"integration/words/__init__.py", *OF_TABLES}
        for node in nodes
        if isinstance(node, ast.Constant) and node.value == words.MISSING
    }
    assert dashes == set()


# ---- every fact is told

BESIDE_A_VALUE = {"target", "value", "found", "source", "system"}  # what a page knows of a value that has a reason


def test_a_reason_is_given_the_facts_that_its_text_has_places_for() -> None:
    lacking = {
        mention.where: missing
        for mention in telling(OURS)
        if not mention.open and mention.code not in CAUSES
        if (
            missing := places_of(mention.code)
            - mention.facts
            - (BESIDE_A_VALUE if mention.code.startswith("because_") else set())
        )
    }
    assert lacking == {}


def test_an_error_is_given_the_facts_that_its_sentences_have_places_for() -> None:
    lacking = {
        mention.where: (mention.code, sorted(missing))
        for mention in raised_causes()
        if not mention.open
        if (missing := places(mention.code) - mention.facts - ADDED)
    }
    assert lacking == {}


def test_a_fact_of_an_error_is_reported_or_kept_for_the_log_alone() -> None:
    unseen = {
        mention.where: (mention.code, sorted(hidden))
        for mention in raised_causes()
        if (
            hidden := mention.facts
            - mention.inside
            - places(mention.code)
            - GENERAL_FACTS
            - KEPT.get(mention.code, set())
        )
    }
    assert unseen == {}


# ---- in every language


def wrong_with(text: str, english: str, facts: Mapping[str, str], language: str) -> list[str]:
    """Return the faults of a filled text: a lost mark, a placeholder, or English words."""
    lost = [mark for mark in facts.values() if mark.casefold() not in text.casefold()]
    placeholders = PLACE.findall(text)
    bare = re.sub("«.*?»", "", text)
    foreign = ["English"] if language != "en" and (text == english or ENGLISH.search(bare)) else []
    return lost + placeholders + foreign


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_cause_is_told_whole_and_in_one_language(language: str) -> None:
    wrong = {}
    for code, line in tables().causes.items():
        explanation = words.say(code, marked_facts(" ".join(line[f"en_{part}"] for part in PARTS)), language)
        for part, sentence in zip(PARTS, (explanation.problem, explanation.data, explanation.do), strict=True):
            english = line[f"en_{part}"]
            if defects := wrong_with(sentence, english, marked_facts(english), language):
                wrong[code, part] = defects
    assert wrong == {}


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_every_reason_inside_an_error_is_told_whole_and_in_one_language(language: str) -> None:
    wrong = {}
    for key in keys():
        english = tables().texts[key]["en"]
        inside = "message" if key.startswith("reason_") else "expected"
        code = "expression_failed" if inside == "message" else "setting_invalid"
        facts = {"setting": "«setting»", "field": "«field»", "key": "«key»", **marked_facts(english)}
        error = IntegrationError(code, **{**facts, inside: key})
        explanation = words.say(error.code, error.facts, language)
        reason = words.reason(Reason(key, facts), language)
        same = english if english.startswith(("https:", "postgresql:")) else ""
        defects = wrong_with(reason, english if english != same else "", marked_facts(english), language)
        if defects or reason not in f"{explanation.problem} {explanation.do}":
            wrong[key] = defects
    assert wrong == {}


def test_a_reason_has_no_fact_of_the_same_name_as_what_it_stands_in() -> None:
    outer = {"key", "field", "message", "expected", "system", "setting", "flow", "target"}
    assert {key: shared for key in keys() if (shared := outer & places_of(key))} == {}


def test_what_another_system_said_or_was_kept_as_a_sentence_stays_as_it_is() -> None:
    facts = {"setting": "orders becomes", "flow": "orders", "expected": "a code under objects.trade_invoices first"}
    assert "Verwacht: a code under objects.trade_invoices first." in words.say("flow_setting_invalid", facts, "nl").do
    assert words.say("mplus_rejected", {"message": "Prijs ontbreekt"}, "de").problem.endswith("Prijs ontbreekt")
    assert words.reason(Reason("reason_nobody_knows")) == "reason_nobody_knows"


@pytest.mark.parametrize(
    ("setting", "label"),
    [("branches", "Filiaal van de kassa"), ("branches.1", "Filiaal van de kassa"), ("never", "never")],
)
def test_a_setting_of_a_flow_is_called_as_on_its_page(setting: str, label: str) -> None:
    text = words.say("flow_setting_invalid", {"flow": "stock", "setting": setting}, "nl").problem
    assert text.startswith(f"De instelling {label}")


# ---- with the facts that are really given

HANDED_ON: Mapping[str, set[str]] = {"_unavailable": {"system", "host", "operation"}}
"""Functions that make an error of a code they are given, with the facts they add."""

POSITIONAL = {"Issue": 3, "Skip": 2}
"""After which arguments the facts of these come."""

ON_THE_WAY: Mapping[str, set[str]] = {
    "integration/connectors/mplus": {"number", "article", "customer"},  # by `about`, of every trouble with a write
    "integration/connectors/accountview": {"document"},  # by `translated`, likewise
    "integration/core/days": {"document"},  # by the flow: the day, where no document of it is named
}
"""Facts that are added to an error where it is caught."""


def keys_in(node: ast.expr | None, inside: Mapping[str, ast.expr]) -> set[str] | None:
    """Return the names of facts in an expression, or None if only a run would show them."""
    match node:
        case ast.Dict(keys=names, values=values):
            fact_names: set[str] = set()
            for name, value in zip(names, values, strict=True):
                more = keys_in(value, inside) if name is None else {str(getattr(name, "value", ""))}
                if more is None:
                    return None
                fact_names |= more
            return fact_names
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            left_keys, right_keys = keys_in(left, inside), keys_in(right, inside)
            return None if left_keys is None or right_keys is None else left_keys | right_keys
        case ast.Name(id=name) if name in inside:
            return keys_in(
                inside[name], {other_name: value for other_name, value in inside.items() if other_name != name}
            )
        case _:
            return None


def names_before(call: ast.Call, function: ast.FunctionDef) -> dict[str, ast.expr]:
    """Return the expressions that the names of a function stand for at a call."""
    inside: dict[str, ast.expr] = {}
    for node in sorted(ast.walk(function), key=lambda child: getattr(child, "lineno", 0)):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if node.lineno < call.lineno:
                inside[name] = value
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name))]):  # one by one, under names made up there
                inside.pop(name, None)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if node.lineno < call.lineno:
                inside[name] = value
            case ast.AugAssign(target=ast.Name(id=name), op=ast.BitOr(), value=value) if node.lineno < call.lineno:
                inside[name] = ast.BinOp(inside.get(name, value), ast.BitOr(), value)
    return inside


def fact_expressions(call: ast.Call, name: str) -> list[ast.expr]:
    """Return the expressions that hold facts of a call."""
    if name not in POSITIONAL:
        return [word.value for word in call.keywords if word.arg is None]
    return [*call.args[POSITIONAL[name] :], *(word.value for word in call.keywords if word.arg == "facts")]


@cache
def fact_occurrences() -> tuple[tuple[str, str, frozenset[str]], ...]:
    """Return each place with a code, the code, and its facts, as far as the code shows them."""
    return tuple(_fact_occurrences())


def _fact_occurrences() -> Iterator[tuple[str, str, frozenset[str]]]:
    names = (SAYS - {"Brake"}) | set(subclasses(IntegrationError)) | set(HANDED_ON)
    for where, nodes in modules().items():
        on_the_way = {fact for place, more in ON_THE_WAY.items() if where.startswith(place) for fact in more}
        for function in (node for node in nodes if isinstance(node, ast.FunctionDef)):
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call) and node.args):
                callee = call.func
                name = callee.attr if isinstance(callee, ast.Attribute) else getattr(callee, "id", "")
                if name not in names:
                    continue
                inside = names_before(call, function)
                opened = [keys_in(expression, inside) for expression in fact_expressions(call, name)]
                if None in opened:
                    continue
                plain = {word.arg for word in call.keywords if word.arg}
                facts = plain.union(
                    on_the_way, ADDED, HANDED_ON.get(name, set()), *(fact_names or set() for fact_names in opened)
                )
                for code in texts(call.args[0]):
                    if code in CAUSES:
                        yield f"{where}:{call.lineno}", code, frozenset(facts)


def test_every_cause_in_the_code_is_raised_with_its_facts() -> None:
    assert {
        where: (code, sorted(lost)) for where, code, facts in fact_occurrences() if (lost := places(code) - facts)
    } == {}
    assert len(fact_occurrences()) > 150
