"""What the flow of products is asked in the set-up."""

from integration.core.errors import Reason
from integration.core.texts import is_till_number
from integration.flows.questions import Known, Lack, Proposal, Question, usual, vat_question
from integration.flows.systems import BOOKS, TILL, books

EXAMPLES = 3  # codes that a sentence names
CODES = books("article_codes")


def _unfit(known: Known) -> list[str]:
    """Return the article codes seen that cannot be an article number of the till as they are."""
    return [code for code in known.of(CODES) if not is_till_number(code)]


def _numbering(known: Known) -> Proposal:
    seen, unfit = len(known.of(CODES)), len(_unfit(known))
    facts = {"number": str(seen - unfit), "total": str(seen)}
    if not seen:
        return Proposal({"sku_rule": "code", "sku_field": ""}, Reason("proposed_sku_usual"))
    rule = "code" if unfit * 2 <= seen else "allotted"
    return Proposal({"sku_rule": rule, "sku_field": ""}, Reason(f"proposed_sku_{rule}", facts))


def _numberless(known: Known) -> Lack | None:
    unfit = _unfit(known) if known.settings["sku_rule"] == "code" else []
    if not unfit:
        return None
    facts = {"number": str(len(unfit)), "total": str(len(known.of(CODES)))}
    return Lack(Reason("lack_numbers", {**facts, "codes": ", ".join(unfit[:EXAMPLES])}), stops=False)


QUESTIONS = (
    Question("number", _numbering, ("sku_rule", "sku_field"), lists=(CODES,), lacks=_numberless),
    Question("price", usual("proposed_price", "price_basis", "price_sent"), ("price_basis", "price_sent")),
    vat_question("vat_codes", BOOKS, TILL),
)
