"""The flow of customers as one value: debtors of the books become relations of the till."""

from integration.core.causes import By, Repair
from integration.core.records import Kind
from integration.flows.customers.logic import EXTERNAL_ID, Customers
from integration.flows.customers.settings import FLOW, CustomerSettings
from integration.flows.forms import Codes, Pick, Question, Rows, Section, Switch, Together, Words, usual
from integration.flows.settings import ValueTable, books
from integration.flows.spec import MAPPINGS, FlowSpec, Needs

VAT_METHODS = ("", "inclusive", "exclusive", "shifted", "none")

SECTIONS = (
    Section(
        "settings_who",
        (
            Codes("accounts", books("collective_accounts"), "choose_all_debtors"),
            Codes("leave_out", none="choose_nobody"),
            Pick("blocked", ("skip", "inactive")),
        ),
    ),
    Section(
        "settings_customers_written",
        (
            Switch("create"),
            Pick("empty", ("keep", "clear")),
            Pick("other_external_id", ("park", "accept"), "taken"),
        ),
    ),
    Section(
        "settings_new_customers",
        (
            Together((Pick("default_vat_method", VAT_METHODS, "vat"), Words("default_price_group", 10))),
            Rows(
                "by_country",
                "col_country",
                {"vat_method": VAT_METHODS, "vat_method_with_number": VAT_METHODS, "price_group": None},
                capitals=True,
                words="vat",
            ),
        ),
        ("new_customers_about",),
    ),
)


QUESTIONS = (
    Question(
        "who",
        usual("proposed_all_debtors", "accounts", "leave_out"),
        ("accounts", "leave_out"),
        lists=(books("collective_accounts"),),
    ),
    Question("new", usual("proposed_vat_method", "default_vat_method"), ("default_vat_method",)),
)


CUSTOMERS = FlowSpec(
    flow=FLOW,
    settings=CustomerSettings,
    make=lambda settings, body, version, tables, _: Customers(settings, body, version, tables),
    mapping=MAPPINGS / "customers.toml",
    parts=((Kind.RELATION, None),),
    found_by=frozenset({EXTERNAL_ID}),
    tables=(ValueTable("price_groups"),),
    repairs={
        "create_switched_off": Repair(tab="settings", name="create"),
        "customer_ambiguous": Repair(By.CHOICE, kind=Kind.RELATION),
        "customer_shared": Repair(By.CHOICE, kind=Kind.RELATION),
        "customer_taken": Repair(By.CHOICE, "settings", "other_external_id", Kind.RELATION),
    },
    mirrors={Kind.RELATION: ("orders", Kind.DEBTOR)},
    objects=("debtors",),
    needs=lambda _: Needs((Kind.DEBTOR,)),
    sections=SECTIONS,
    questions=QUESTIONS,
    brakes=("changes", "changes_percent", "retirements"),
    filter_first="country",
    noun="customer",
    turn=3,  # a debtor that an order brought is a customer then
)
