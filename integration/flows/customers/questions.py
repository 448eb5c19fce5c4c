"""What the flow of customers is asked in the set-up."""

from integration.flows.questions import Question, usual
from integration.flows.systems import books

QUESTIONS = (
    Question(
        "who",
        usual("proposed_all_debtors", "accounts", "leave_out"),
        ("accounts", "leave_out"),
        lists=(books("collective_accounts"),),
    ),
    Question("new", usual("proposed_vat_method", "default_vat_method"), ("default_vat_method",)),
)
