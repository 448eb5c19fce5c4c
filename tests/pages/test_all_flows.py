"""Every flow on the pages: its tabs, its plan, an order as a tree, and the undo of a run."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from integration import words
from integration.application.application import Application
from integration.core.causes import CAUSES
from integration.core.plan import Action
from integration.core.plan_lines import PlanRow
from integration.core.records import Kind
from integration.core.reverted_values import VALUE_REVERTED
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState
from integration.flows.forms import MultiSelect, Select, names, single_fields
from integration.flows.registry import FLOWS as SPECS
from pages.components.shared.wording import plain
from tests.bookkeeping_shop import TABLES
from tests.consoles import Console
from tests.pages.conftest import Open, commit_run, press, texts, wait_for_run
from tests.people import make_actor
from tests.test_settlement_stories import book_invoice, book_receipt, invoice

FLOWS = ["products", "stock", "customers", "orders"]
TABS = ["settings", "filters", "fields", "tables", "schedule", "brakes"]
STEMS = (
    *("flow", "many", "one", "flow_does", "flow_creates", "figure_linked"),
    *("why_of", "why_unknown", "check_flow"),
)
OF_NOUNS = ("noun", "btn_dismiss", "btn_row", "btn_again", "btn_value", "btn_decide", "try_waits")
ELSEWHERE_ASKED = {"on", "schedule_minutes", "calendar", "nightly_complete", "auto_approve", "filters", "brakes"}


@pytest.fixture(scope="module")
def shop(connected_application: Application) -> Application:
    """A shop whose articles are at the till, so that its orders can be booked."""
    commit_run(
        connected_application,
        wait_for_run(
            connected_application, connected_application.runs.preview(PreviewRequest("products", make_actor("test")))
        ),
    )
    return connected_application


@pytest.fixture
def orders(shop: Application) -> Iterator[Run]:
    """A plan of orders that waits."""
    run = wait_for_run(shop, shop.runs.preview(PreviewRequest("orders", make_actor("test"), Mode.COMPLETE)))
    assert run.state is RunState.READY
    yield run
    if shop.runs.get(run.id).state is RunState.READY:
        shop.runs.discard(run.id, "test")


def an_order(app: Application, run: Run, *, with_address: bool = False) -> PlanRow:
    return next(
        row
        for row in app.plans.rows(run.id, "create", limit=500)
        if row.kind is Kind.SALES_ORDER
        and row.change
        and (not with_address or row.change.desired.values.get("address"))
    )


# ---- flows


@pytest.mark.parametrize("flow", list(SPECS))
def test_every_setting_of_a_flow_is_asked_for(flow: str) -> None:
    setting_names = {name.partition(".")[0] for section in SPECS[flow].sections for name in names(section.shapes)} - {
        ""
    }

    assert setting_names == SPECS[flow].settings.model_fields.keys() - ELSEWHERE_ASKED


@pytest.mark.parametrize("flow", list(SPECS))
def test_every_stage_of_a_flow_has_a_name_of_its_own(flow: str) -> None:
    names_of_stages = SPECS[flow].flow.order
    assert len(set(names_of_stages)) == len(names_of_stages)


@pytest.mark.parametrize("flow", list(SPECS))
def test_every_setting_and_every_option_has_a_word(flow: str) -> None:
    missing = []
    for section in SPECS[flow].sections:
        for name in names(section.shapes):
            keys = (f"setting_{flow}_{name}".replace(".", "_"), f"setting_{name}".replace(".", "_"))
            if name and not any(words.has_term(key) for key in keys):
                missing.append(name)
        for shape in single_fields(section.shapes):
            if isinstance(shape, Select | MultiSelect):
                option_keys = [f"{shape.words or shape.name}_{option}" for option in shape.options if option]
                missing += [key for key in option_keys if not words.has_term(key)]

    assert missing == []


@pytest.mark.parametrize("flow", list(SPECS))
def test_every_section_question_part_and_decision_of_a_flow_has_its_words(flow: str) -> None:
    spec = SPECS[flow]
    keys = [
        *(f"{stem}_{flow}" for stem in STEMS),
        *(section.title for section in spec.sections if section.title),
        *(f"question_{flow}_{question.name}" for question in spec.questions),
        *(f"fields_{kind}" for kind, _ in spec.parts),
        *(f"kind_{stage.target}" for stage in spec.flow.stages),
        *(f"{stem}_{spec.noun}_{form}" for stem in OF_NOUNS for form in ("one", "other")),
        *(
            decision_key
            for repair in spec.repairs.values()
            for option in repair.options
            for decision_key in (f"decision_{option}", f"decision_{spec.noun}_{option}_about")
        ),
    ]

    assert [key for key in keys if not words.has_term(key)] == []


@pytest.mark.parametrize("flow", list(SPECS))
def test_every_field_that_a_flow_works_out_has_a_caption(flow: str) -> None:
    computed = [(f"field_{field.kind}_{field.name}", f"field_{field.name}") for field in SPECS[flow].computed]

    assert [keys for keys in computed if not any(words.has_term(key) for key in keys)] == []


def test_every_repair_on_a_flow_page_leads_to_a_setting_that_exists() -> None:
    settings_by_flow = {
        flow: {name.partition(".")[0] for section in SPECS[flow].sections for name in names(section.shapes)}
        for flow in SPECS
    }
    settings = [cause.repair.name for cause in CAUSES.values() if cause.repair.tab == "settings" and cause.repair.name]
    repairs = [
        (flow, repair) for flow, spec in SPECS.items() for repair in spec.repairs.values() if repair.tab == "settings"
    ]
    ours = [(repair.flow or flow, repair.name) for flow, repair in repairs]

    assert [
        name for name in settings if not any(name in setting_names for setting_names in settings_by_flow.values())
    ] == []
    assert [link for link in ours if link[1] not in settings_by_flow[link[0]]] == []


def test_every_brake_of_a_flow_is_a_setting_and_has_its_sentence() -> None:
    guards = [guard for spec in SPECS.values() for guard in spec.settings.guards]

    assert [brake.code for brake in guards if not words.has_sentences(brake.code)] == []
    assert [
        brake.name
        for brake in guards
        if not (words.has_term(f"brake_{brake.name}") and words.has_term(f"brake_{brake.name}_on"))
    ] == []


def test_the_tables_a_flow_knows_have_a_name_and_the_causes_that_wait_for_a_row_have_sentences() -> None:
    tables = [table for spec in SPECS.values() for table in spec.tables]

    assert [value_table.name for value_table in tables if not words.has_term(f"table_{value_table.name}")] == []
    assert [cause for value_table in tables for cause in value_table.causes if not words.has_sentences(cause)] == []


@pytest.mark.long
@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("flow", ["stock", "customers", "orders", "payments"])
def test_every_tab_of_every_flow_opens_and_has_nothing_to_save(open_page: Open, flow: str, tab: str) -> None:
    test = open_page("flows", flow=flow, tab=tab)

    assert not test.exception
    assert "Save changes" not in texts(test)
    assert "failure" not in test.session_state


def test_a_number_of_zero_is_no_change(shop: Application, open_page: Open) -> None:
    assert shop.flows.settings("customers").model_dump()["no_credit_limit"] == 0

    test = open_page("flows", flow="customers", tab="settings")

    assert test.number_input(key="customers-no_credit_limit-0").value == 0
    assert "save" not in {button.key for button in test.button}


def test_choices_of_a_setting_come_from_the_systems_and_are_saved(shop: Application, open_page: Open) -> None:
    before = shop.flows.settings("stock").model_dump()["branches"]
    shop.flows.change("stock", {"branches": {"1": "formula"}}, make_actor("test"))
    test = open_page("flows", flow="stock", tab="settings")
    assert "Result of the formula" in test.selectbox(key="stock-branches-2-0").options

    test = test.selectbox(key="stock-branches-2-0").set_value("formula").run()
    test = press(test, "save")

    assert not test.exception
    assert shop.flows.settings("stock").model_dump()["branches"] == {"1": "formula", "2": "formula"}
    shop.flows.change("stock", {"branches": before}, make_actor("test"))


def test_what_does_not_go_together_is_said_beside_the_setting(shop: Application, open_page: Open) -> None:
    test = open_page("flows", flow="orders", tab="settings")
    test = test.selectbox(key="orders-default_debtor-0").set_value("fallback").run()
    assert "Number of the default debtor" in [field.label for field in test.selectbox]

    test = press(test, "save")

    assert "Enter or choose a default debtor" in texts(test)
    assert "Takes effect" not in texts(test)  # the bar says that nothing was saved
    assert "Not saved: something is still wrong or missing" in texts(test)
    assert shop.flows.settings("orders").model_dump()["default_debtor"] == "off"


def test_a_level_is_worked_out_step_by_step_for_an_article(shop: Application, open_page: Open) -> None:
    before = shop.flows.settings("stock").model_dump(include={"branches", "safety_stock"})
    safety = [{"branch": "1", "quantity": 3}]
    shop.flows.change("stock", {"branches": {"1": "formula"}, "safety_stock": safety}, make_actor("test"))
    test = open_page("flows", flow="stock", tab="settings")
    assert "Save changes" not in texts(test)
    test.text_input(key="example-stock").set_value("10011")

    test = press(test, "example-show-stock")

    assert not test.exception
    explanation = test.table[-1].value
    assert explanation.iloc[0, 0] == "Branch 1"
    assert "available stock" in str(explanation.iloc[0, 1])
    assert "safety stock: -3" in str(explanation.iloc[0, 1])
    shop.flows.change("stock", before, make_actor("test"))


@pytest.mark.usefixtures("shop")
def test_filters_of_documents_show_who_takes_part(open_page: Open) -> None:
    test = press(open_page("flows", flow="orders", tab="filters"), "sift")

    assert not test.exception
    numbers = {metric.label: int(metric.value) for metric in test.metric}
    assert numbers["Take part"] > 0


@pytest.mark.usefixtures("shop")
def test_why_a_document_has_its_values_is_reported(open_page: Open, orders: Run, shop: Application) -> None:
    row = an_order(shop, orders)
    test = open_page("flows", flow="orders", tab="fields")
    test.text_input(key="why_code").set_value(row.key)

    test = press(test, "why_show")

    assert not test.exception
    assert "Price" in set(test.dataframe[-1].value.iloc[:, 0])


@pytest.mark.usefixtures("shop")
def test_the_overview_has_a_card_for_each_flow(open_page: Open) -> None:
    page_text = texts(open_page())

    assert [name for name in ("Products", "Stock", "Customers", "Orders") if f"**{name}**" not in page_text] == []


# ---- an order as a tree


def test_an_order_opens_as_a_tree_with_both_totals(shop: Application, open_page: Open, orders: Run) -> None:
    row = an_order(shop, orders, with_address=True)
    assert row.change is not None

    test = open_page("preview", plan=orders.id, show="create", record=str(row.seq))

    assert not test.exception
    labels = [expander.label for expander in test.expander]
    for part in ("Debtor", "Delivery address", "Sales order", "Totals"):
        assert any(part in label for label in labels), part
    sold = row.change.agreed.values["sold_incl"]
    assert isinstance(sold, Decimal)
    total = words.amount_text(sold)
    totals = test.table[-1].value
    assert list(totals.iloc[-1])[1:] == [f"**{total}**", f"**{total}**", "**0.00**"]
    assert "Both systems have the same total" in texts(test)
    assert row.title in set(test.dataframe[0].value["key"])
    codes = [str(line.values["article"]) for line in row.change.desired.parts]
    article_names = shop.plans.article_names(codes)
    assert set(article_names) <= set(codes)
    assert any(article_names.values())
    lines = test.table[-2].value["Article"]
    assert list(lines) == [
        f"{code} :small[:gray[{plain(article_names[code])}]]" if code in article_names else code for code in codes
    ]


def test_the_kinds_of_a_plan_of_orders_are_named(shop: Application, open_page: Open, orders: Run) -> None:
    assert shop.plans.count(orders.id, "create")

    test = open_page("preview", plan=orders.id, show="create")

    kinds = {
        caption.partition(" · ")[0] for caption in test.dataframe[0].value["what"]
    }  # totals take the room of a column
    assert {"Debtor", "Sales order"} <= kinds


def test_a_document_without_a_customer_leads_to_the_default_debtor(
    shop: Application, open_page: Open, orders: Run
) -> None:
    row = next(
        row_candidate
        for row_candidate in shop.plans.rows(orders.id, "park", limit=500)
        if row_candidate.cause == "customer_missing"
    )

    test = open_page("preview", plan=orders.id, show="park", record=str(row.seq))

    assert "has no customer to invoice" in texts(test)
    assert "Open the setting" in texts(test)


# ---- taking back


@pytest.fixture(scope="module")
def finished_run(shop: Application) -> Run:
    """A run that wrote customers."""
    run = commit_run(shop, wait_for_run(shop, shop.runs.preview(PreviewRequest("customers", make_actor("test")))))
    assert run.counts.proven
    return run


def test_a_done_run_is_reversed_by_a_plan_that_says_so(shop: Application, finished_run: Run, open_page: Open) -> None:
    test = press(open_page("runs", run=finished_run.id), "undo")

    assert not test.exception
    back = wait_for_run(shop, shop.runs.latest("customers", limit=1)[0].id)
    assert (back.mode, back.state) == (Mode.UNDO, RunState.READY)
    page_text = texts(open_page("preview", plan=back.id, show="all"))
    assert "This plan undoes run" in page_text
    assert "undo of an earlier run" in page_text
    assert "Undo" in set(open_page("runs").dataframe[0].value["mode"])
    retired = next(row for row in shop.plans.rows(back.id, "retire", limit=1))
    assert retired.action is Action.RETIRE
    shop.runs.discard(back.id, "test")


@pytest.mark.long
def test_what_was_reversed_is_marked_in_the_next_plan_and_waits_for_a_person(
    shop: Application, finished_run: Run, open_page: Open
) -> None:
    undone = commit_run(shop, wait_for_run(shop, shop.runs.undo(finished_run.id, make_actor("Anna"))))
    assert "complete" in {button.key for button in open_page("preview", plan=undone.id).button}

    plan = wait_for_run(shop, shop.runs.preview(PreviewRequest("customers", make_actor("test"), Mode.COMPLETE)))
    test = open_page("preview", plan=plan.id, show="all", cause=VALUE_REVERTED)
    page_text = texts(test)
    assert "was undone on" in page_text
    assert f"by {undone.approval.by if undone.approval else ''}" in page_text
    assert test.button(key="commit").disabled
    assert "Open in Exceptions" not in page_text  # it waits in the plan itself
    lines = shop.plans.rows(plan.id, "changes", limit=1_000)
    assert {row.seq for row in lines if row.cause == VALUE_REVERTED} == set(plan.excluded)
    shop.choices.take(plan.id, list(plan.excluded), "test")
    assert commit_run(shop, shop.runs.get(plan.id)).counts.proven == undone.counts.proven


def test_a_run_that_wrote_nothing_cannot_be_reversed(shop: Application, open_page: Open) -> None:
    run = wait_for_run(shop, shop.runs.preview(PreviewRequest("stock", make_actor("test"))))
    shop.runs.discard(run.id, "test")

    assert "undo" not in {button.key for button in open_page("runs", run=run.id).button}


def test_the_stock_of_a_branch_is_shown_with_its_name(shop: Application, open_page: Open) -> None:
    run = wait_for_run(shop, shop.runs.preview(PreviewRequest("stock", make_actor("test"))))

    test = open_page("preview", plan=run.id, show="update")

    assert not test.exception
    assert "Branch 1 · De Ketting Utrecht" in texts(test)
    assert test.dataframe[0].value["what"].str.match(r"De Ketting \w+: ").all()
    shop.runs.discard(run.id, "test")


@pytest.mark.long
def test_a_plan_of_payments_what_waits_of_it_and_the_life_of_one_are_shown(
    connected_application: Application, open_page: Open
) -> None:
    console = Console(connected_application)
    for name, rows in TABLES.items():
        connected_application.rules.set_table(name, dict(rows), "test")
    chosen = {"daybook": "700", "collective_account": "1300", "orders": "nothing", "invoices": "posting"}
    connected_application.flows.change("orders", chosen, make_actor("test"))
    connected_application.flows.change("payments", {"method": "IDEAL"}, make_actor("test"))
    for came_in in (12100, 12200):  # the second is too much
        key = invoice(console)
        book_receipt(console, book_invoice(console, key), came_in)
    run = console.preview("payments")
    (row,) = [line for line in connected_application.plans.rows(run.id, limit=50) if line.change]
    pages = [open_page("preview", plan=run.id, record=str(row.seq)), open_page("exceptions")]

    assert [(bool(page.exception), "failure" in page.session_state) for page in pages] == [(False, False)] * 2
    assert "does not add up" in texts(pages[1])
    console.commit(run)
    connected_application.log.catch_up()
    history = "".join(table.value.to_csv() for table in open_page("logs", record=f"payments:{row.key}").table)
    assert row.change is not None
    facts = {name: str(row.change.agreed.values[name]) for name in ("item", "customer", "debtor_number")}
    assert [name for name, value in facts.items() if value not in history] == []
