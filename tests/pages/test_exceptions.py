"""The page of exceptions: every cause with its repair on the same screen, and the result of the repair."""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import count

import pytest
from stdnum import ean
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import MenuButton

from integration.application.application import Application
from integration.core.errors import PlanStaleError
from integration.core.issues import CauseGroup, IssueGroupKey, IssueState, unreadable_record_issue
from integration.core.plan import Action, Approval
from integration.core.plan_lines import PlanRow
from integration.core.position import Position, Task
from integration.core.records import Kind, WrongValueError, unreadable
from integration.core.rules import Rule
from integration.core.run import Mode, PreviewRequest, Run
from integration.core.states import RunState
from integration.services.runs.exceptions import ISSUE_COLUMNS, group_address
from pages.components.exceptions import cards
from pages.components.shared.application import person
from pages.components.shared.rows import named_facts
from pages.components.shared.wording import plain
from tests.pages.conftest import Open, commit_run, press, texts, wait_for_run
from tests.people import make_actor
from tests.stores import sandbox_of, stores_in
from tests.till_client import TillClient

ARTICLES = 100  # several of one name
DEBTOR = {"ACCT_NR": "1300", "CNT_CODE": "NL", "COUNTRY": "Nederland", "CUR_CODE": "EUR"}
REPAIR_HOUR = "9900002"  # sold by the till, and not in the books
_serial = count(1)


@pytest.fixture(scope="module")
def shop(connected_application: Application) -> Application:
    """A shop whose articles are at the till."""
    commit_run(
        connected_application,
        wait_for_run(
            connected_application, connected_application.runs.preview(PreviewRequest("products", make_actor("test")))
        ),
    )
    return connected_application


@pytest.fixture(scope="module")
def till_client(shop: Application) -> TillClient:
    assert shop.sandbox
    return TillClient(sandbox_of(shop))


@pytest.fixture(scope="module")
def article(shop: Application) -> str:
    """An article that both systems have."""
    assert shop.sandbox
    articles = sandbox_of(shop).state("articles", "mplus")
    return next(str(row["articleNumber"]) for row in articles if row.get("extArticleId") and row["vatCode"] == 2)


@pytest.fixture
def customer(till_client: TillClient) -> str:
    number = next(_serial)
    return till_client.customer(f"Klant {number}", f"klant.{number}@kaarten.example")


def preview_records(app: Application, flow: str, *keys: str) -> Run:
    """Preview some records by themselves."""
    return wait_for_run(app, app.runs.preview(PreviewRequest(flow, make_actor("test"), Mode.CHOSEN, keys)))


def waiting(app: Application, cause: str, flow: str = "orders", key: str = "") -> CauseGroup:
    """Return the open group of a cause, of a record where its key is given."""
    groups = [group for group in app.exceptions.groups(flow) if group.cause == cause]
    return next(group for group in groups if not key or key in keys_of(app, group))


def keys_of(app: Application, group: CauseGroup) -> set[str]:
    return {issue.issue.key for issue in app.exceptions.issues_of(group.group_key, limit=500)}


def is_open(app: Application, cause: IssueGroupKey) -> bool:
    return app.exceptions.group(cause) is not None


def discard_plan(app: Application, flow: str) -> None:
    """Discard the plan of a flow that waits."""
    run = last_run(app, flow)
    if run.state is RunState.READY:
        app.runs.discard(run.id, "test")


def open_cause(open_page: Open, group: CauseGroup, **address: str) -> AppTest:
    test = open_page("exceptions", cause=group_address(group.group_key), **address)
    assert not test.exception
    return test


def menu(test: AppTest, key: str) -> MenuButton[str]:
    return next(button for button in test.get("menu_button") if isinstance(button, MenuButton) and button.key == key)


def last_run(app: Application, flow: str = "orders") -> Run:
    """Return the newest run of a flow once it has come to rest."""
    return wait_for_run(app, app.runs.latest(flow, limit=1)[0].id)


def place_paid_orders(till_client: TillClient, article: str, customer: str, method: str, orders: int = 1) -> list[str]:
    """Return new orders that are paid in full with one method."""
    order_keys = []
    for _ in range(orders):
        order = till_client.order(article, relation=customer)
        till_client.pay_in_advance(order, method, 1)
        order_keys.append(order)
    return order_keys


@pytest.fixture
def make_unmapped_orders(
    shop: Application, till_client: TillClient, article: str, customer: str
) -> Iterator[Callable[[int], CauseGroup]]:
    """Make orders that were paid with a method without a row in the value table."""
    before = shop.rules.tables().get("payment_terms", {})
    shop.rules.set_table("payment_terms", {"CASH": "14"}, "test")
    every: list[str] = []

    def make_orders(orders: int) -> CauseGroup:
        keys = place_paid_orders(till_client, article, customer, "PIN", orders)
        every.extend(keys)
        preview_records(shop, "orders", *keys)
        return waiting(shop, "payment_method_unmapped", key=keys[0])

    yield make_orders
    shop.rules.set_table("payment_terms", before, "test")
    issues = stores_in(shop).issues.list("orders", "payment_method_unmapped", limit=100)
    keys = dict.fromkeys([*every, *(issue.issue.key for issue in issues)])
    run = preview_records(shop, "orders", *keys)
    if run.state is RunState.READY:  # a plan that is discarded opens its issues again
        commit_run(shop, run)


# ---- empty


@pytest.mark.long
def test_before_the_first_run_the_page_says_where_to_begin(fresh: Application, open_page: Open) -> None:
    fresh.connections.use_sandbox(make_actor("test"))
    assert fresh.runs.count() == 0

    page_text = texts(open_page("exceptions"))

    assert "Nothing has run yet" in page_text
    assert "Start with a preview" in page_text


@pytest.mark.long
def test_a_shop_in_which_nothing_waits_is_good_news(fresh: Application, open_page: Open) -> None:
    fresh.connections.use_sandbox(make_actor("test"))
    run = wait_for_run(fresh, fresh.runs.preview(PreviewRequest("customers", make_actor("test"))))
    assert run.counts.parked == 0

    page_text = texts(open_page("exceptions"))

    assert "Nothing needs your attention" in page_text
    assert "Every record that was read is proven, unchanged or skipped." in page_text


# ---- the list

SORTED = (("count", "count"), ("oldest", "first_seen"))


def cards_of(test: AppTest) -> list[str]:
    """Return the addresses of the causes that are shown, from above."""
    return [key.removeprefix("open-") for button in test.button if (key := str(button.key)).startswith("open-")]


def addresses_of(groups: Sequence[CauseGroup]) -> list[str]:
    return [group_address(group.group_key) for group in groups][:20]


def test_causes_are_sorted_by_money_and_each_says_how_many_and_since_when(
    shop: Application, till_client: TillClient, article: str, open_page: Open
) -> None:
    order = till_client.order(article, quantity=3)
    preview_records(shop, "orders", order)
    groups = shop.exceptions.groups()
    test = open_page("exceptions")

    assert not test.exception
    page_text = texts(test)
    assert cards_of(test) == addresses_of(groups)
    assert groups[0].cause == "customer_missing"
    assert groups[0].sold is not None
    assert f"€{groups[0].sold:,.2f} incl. VAT not booked" in page_text
    assert "Check digit of the EAN is wrong" in page_text
    assert [group.sold or 0 for group in groups] == sorted((group.sold or 0 for group in groups), reverse=True)
    counts, since = (
        [getattr(cause_group, name) for cause_group in shop.exceptions.groups(sort=sort)] for sort, name in SORTED
    )
    assert (counts, since) == (sorted(counts, reverse=True), sorted(since))
    assert shop.exceptions.groups(sort="newest")[0].first_seen == max(since)
    oldest = addresses_of(shop.exceptions.groups(sort="oldest"))
    assert cards_of(open_page("exceptions", sort="oldest")) == oldest != addresses_of(groups)


@pytest.mark.usefixtures("shop")
def test_filters_that_leave_nothing_can_be_cleared(open_page: Open) -> None:
    test = open_page("exceptions")
    test = test.text_input(key="_find").set_value("nothing is called so").run()
    assert "No cause fits these filters" in texts(test)

    test = press(test, "clear")

    assert not test.exception
    assert "No cause fits these filters" not in texts(test)


@pytest.mark.usefixtures("shop")
def test_next_and_previous_walk_through_the_causes(shop: Application, open_page: Open) -> None:
    places = [group_address(group.group_key) for group in shop.exceptions.groups()]
    test = open_cause(open_page, shop.exceptions.groups()[0])
    assert test.button(key="previous").disabled

    test = press(test, "next")
    assert test.query_params["cause"] == places[1]

    test = press(test, "previous")
    assert test.query_params["cause"] == places[0]


def test_far_down_the_page_begins_with_the_open_cause(shop: Application, open_page: Open) -> None:
    groups = shop.exceptions.groups()
    assert len(groups) > 5

    test = open_cause(open_page, groups[5])

    assert test.button(key="causes_above").label == "5 causes above"
    assert f"open-{group_address(groups[0].group_key)}" not in {button.key for button in test.button}
    assert not press(test, "causes_above").exception


@pytest.mark.usefixtures("shop")
def test_a_cause_that_is_gone_says_so(open_page: Open) -> None:
    assert "This cause is gone" in texts(open_page("exceptions", cause="never-was"))


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("status", ["mine", "dismissed", "corrected"])
def test_every_filter_has_an_empty_state_of_its_own(open_page: Open, status: str) -> None:
    page_text = texts(open_page("exceptions", status=status))

    titles = {
        "mine": "No cause is assigned to you",
        "dismissed": "Nothing is dismissed",
        "corrected": "No value is corrected",
    }
    assert titles[status] in page_text


# ---- a row of a value table


def test_one_row_repairs_every_order_of_a_cause_and_leads_to_its_preview(
    shop: Application, open_page: Open, make_unmapped_orders: Callable[[int], CauseGroup]
) -> None:
    group = make_unmapped_orders(3)
    assert group.count == 3
    test = open_cause(open_page, group)
    assert test.button(key="add_row").disabled
    assert re.search(r"Payment method PIN\b.* has no counterpart in AccountView", texts(test))

    test = test.selectbox(key="counterpart").set_value("14").run()
    assert test.button(key="add_row").label == "Add the row and preview 3 orders"
    test = press(test, "add_row")

    assert not test.exception
    assert shop.rules.tables()["payment_terms"]["PIN"] == "14"
    run = last_run(shop)
    assert (run.counts.read_count, run.counts.planned) == (3, 3)
    assert not is_open(shop, group.group_key)
    page_text = texts(open_page("exceptions"))
    assert "3 orders are in a preview and wait for your approval. Nothing has been written yet." in page_text

    committed_run = commit_run(shop, run)
    assert committed_run.counts.proven == 3
    assert "are in a preview and wait" not in texts(open_page("exceptions"))


def test_a_repair_that_does_not_help_all_says_how_many_and_why(
    shop: Application,
    till_client: TillClient,
    article: str,
    open_page: Open,
    make_unmapped_orders: Callable[[int], CauseGroup],
) -> None:
    group = make_unmapped_orders(2)
    nameless = till_client.order(article)
    till_client.pay_in_advance(nameless, "PIN", 1)
    with_default = {"default_debtor": "fallback", "debtor_number": "20001"}
    shop.flows.change("orders", with_default, make_actor("test"))
    preview_records(shop, "orders", nameless)
    assert shop.exceptions.group(group.group_key).count == 3  # type: ignore[union-attr]
    shop.flows.change("orders", {"default_debtor": "off", "debtor_number": ""}, make_actor("test"))
    test = open_cause(open_page, group)

    test = test.selectbox(key="counterpart").set_value("14").run()
    press(test, "add_row")

    run = last_run(shop)
    assert (run.counts.planned, run.counts.parked) == (2, 1)
    page_text = texts(open_page("exceptions"))
    assert "2 of 3 solved, 1 has another cause." in page_text
    assert "2 orders are in a preview" in page_text
    shop.runs.discard(run.id, "test")


def test_two_retried_causes_may_have_records_under_the_same_other_cause(
    shop: Application,
    till_client: TillClient,
    article: str,
    customer: str,
    open_page: Open,
    make_unmapped_orders: Callable[[int], CauseGroup],
) -> None:
    make_unmapped_orders(1)
    shop.rules.set_table("payment_terms", {"14": "14"}, "test")
    keys = place_paid_orders(till_client, article, customer, "CASH")
    for method in ("PIN", "CASH"):
        keys.append(till_client.order(article))
        till_client.pay_in_advance(keys[-1], method, 1)
    with_default = {"default_debtor": "fallback", "debtor_number": "20001"}
    shop.flows.change("orders", with_default, make_actor("test"))
    preview_records(shop, "orders", *keys)
    shop.flows.change("orders", {"default_debtor": "off", "debtor_number": ""}, make_actor("test"))
    shop.rules.set_table("payment_terms", {"PIN": "14", "CASH": "14"}, "test")

    retried = [group for group in shop.exceptions.groups("orders") if group.cause == "payment_method_unmapped"]
    for group in retried:
        shop.runs.try_again(group.flow, group.cause, make_actor("test"), group.field, group.detail)
        counts = last_run(shop).counts  # orders of other tests may be among them
        assert counts.planned
        assert counts.parked == 1

    test = open_page("exceptions")
    assert not test.exception
    assert len([button for button in test.button if button.label == "Show: Order has no customer"]) == len(retried) == 2


@pytest.mark.long
def test_a_repair_that_helps_nobody_says_so_on_the_same_card(
    shop: Application, open_page: Open, make_unmapped_orders: Callable[[int], CauseGroup]
) -> None:
    group = make_unmapped_orders(2)
    shop.runs.try_again(group.flow, group.cause, make_actor("test"), group.field, group.detail)
    last_run(shop)

    page_text = texts(open_cause(open_page, group))
    assert "0 of 2 solved, 2 still wait for this cause." in page_text


@pytest.mark.long
def test_a_cause_that_is_gone_closes_itself(
    shop: Application, make_unmapped_orders: Callable[[int], CauseGroup]
) -> None:
    group = make_unmapped_orders(1)
    (key,) = shop.exceptions.keys("orders", group.cause, group.field, group.detail)
    shop.rules.set_table("payment_terms", {"PIN": "14"}, "test")

    wait_for_run(shop, shop.runs.preview(PreviewRequest("orders", make_actor("test"), Mode.COMPLETE)))

    assert not is_open(shop, group.group_key)
    (issue,) = shop.issues.of_key("orders", key)
    assert issue.state is IssueState.CLOSED
    assert issue.reason == "gone"


# ---- as it was, or with today's mapping


@pytest.mark.long
def test_with_another_mapping_since_both_ways_of_trying_again_are_offered(
    shop: Application, open_page: Open, make_unmapped_orders: Callable[[int], CauseGroup]
) -> None:
    group = make_unmapped_orders(1)
    before, place = shop.drafts.current("orders"), f"more-{group_address(group.group_key)}"
    assert menu(open_cause(open_page, group), place).options[0] == "Try again"
    shop.drafts.remove_rule("orders", "sales_order.payment_condition", make_actor("test"))
    shop.drafts.publish("orders", make_actor("test"), "payment conditions left out")
    offered = menu(open_cause(open_page, group), place).options
    assert offered[:2] == [
        f"Try again with today's mapping (version {before + 1})", f"Try again as it was (mapping version {before})",
    ]  # fmt: skip

    menu(open_cause(open_page, group), place).click("as_it_was").run()
    as_it_was = last_run(shop)
    assert (as_it_was.mapping_version, as_it_was.counts.parked) == (before, 1)
    menu(open_cause(open_page, group), place).click("today").run()

    today = last_run(shop)
    assert (today.mapping_version, today.counts.planned) == (before + 1, 1)
    assert not is_open(shop, group.group_key)
    shop.drafts.take_version("orders", before, make_actor("test"))
    shop.drafts.publish("orders", make_actor("test"), "and back again")


@pytest.mark.long
def test_what_is_planned_as_it_was_can_be_committed_until_somebody_publishes(
    shop: Application, open_page: Open, make_unmapped_orders: Callable[[int], CauseGroup]
) -> None:
    group = make_unmapped_orders(2)
    version = shop.exceptions.mapping_version(group)
    shop.drafts.put_rule("orders", Rule(target="sales_order.remark", source="our_reference"), make_actor("test"))
    shop.drafts.publish("orders", make_actor("test"), "a remark")
    shop.tables.add("payment_terms", "PIN", "14", make_actor("test"))
    menu(open_cause(open_page, group), f"more-{group_address(group.group_key)}").click("as_it_was").run()
    run = last_run(shop)
    assert (run.mapping_version, run.counts.planned) == (version, 2)

    shop.drafts.take_version("orders", version, make_actor("test"))
    shop.drafts.publish("orders", make_actor("test"), "back")
    with pytest.raises(PlanStaleError) as refused:
        shop.runs.commit(run.id, Approval(run.fingerprint, "test"))
    assert refused.value.code == "mapping_published_since"


# ---- the default debtor


def test_each_branch_gets_a_default_debtor_of_its_own(
    shop: Application, till_client: TillClient, article: str, open_page: Open
) -> None:
    orders = [till_client.order(article, financialBranchNumber=branch) for branch in (1, 2)]
    preview_records(shop, "orders", *orders)
    group = waiting(shop, "customer_missing", key=orders[0])
    test = open_cause(open_page, group)
    test = test.segmented_control(key="code_way").set_value("branch").run()
    choices = [selectbox for selectbox in test.selectbox if str(selectbox.key).startswith("default_debtor-")]
    choices[0].select_index(1)
    choices[1].select_index(0)
    test = press(test.run(), "use_code")

    assert not test.exception
    settings = shop.flows.settings("orders").model_dump()
    assert settings["default_debtors_by_branch"].keys() == {"1"}
    assert settings["debtor_number"] == ""
    last_run(shop)
    group = waiting(shop, "customer_missing", key=orders[1])
    assert orders[0] not in [open_issue.issue.key for open_issue in shop.exceptions.issues_of(group.group_key)]
    test = open_cause(open_page, group)
    test = next(field for field in test.selectbox if str(field.key).startswith("default_debtor-")).select_index(1).run()
    test = press(test, "use_code")
    assert not test.exception
    assert shop.flows.settings("orders").model_dump()["default_debtors_by_branch"].keys() == {"1", "2"}
    last_run(shop)
    assert [group for group in shop.exceptions.groups("orders") if group.cause == "customer_missing"] == []
    shop.flows.change(
        "orders", {"default_debtors_by_branch": {}, "default_debtor": "off"}, make_actor("test")
    )  # fmt: skip
    discard_plan(shop, "orders")


# ---- articles


def test_a_headline_names_two_articles_and_counts_the_others(shop: Application) -> None:
    lacking = {"article": "NO-1, NO-2, NO-3, NO-4"}

    assert named_facts(shop, lacking, limit=2) == {"article": "NO-1, NO-2 and 2 more"}
    assert named_facts(shop, lacking) == lacking


@pytest.fixture
def unknown_article_cause(shop: Application, till_client: TillClient, customer: str) -> Iterator[CauseGroup]:
    """An order of something the till sells and the books do not have."""
    order = till_client.order(REPAIR_HOUR, relation=customer)
    preview_records(shop, "orders", order)
    yield waiting(shop, "article_not_linked", key=order)
    shop.rules.set_table("articles", {}, "test")
    shop.flows.change("orders", {"collective_article": ""}, make_actor("test"))
    discard_plan(shop, "orders")


def test_an_article_is_found_by_its_name_and_stands_in_from_now_on(
    shop: Application, open_page: Open, unknown_article_cause: CauseGroup, article: str
) -> None:
    shop.log.catch_up()
    name = shop.exceptions.article(article)
    assert name is not None
    test = open_cause(open_page, unknown_article_cause)
    test = test.text_input(key=f"article-{REPAIR_HOUR}").set_value("nobody sells this").run()
    assert "AccountView has no article nobody sells this." in texts(test)
    assert test.button(key="use_articles").disabled

    test = test.text_input(key=f"article-{REPAIR_HOUR}").set_value(str(name.values["name"])).run()
    test = test.radio(key=f"article-{REPAIR_HOUR}-alike").set_value(article).run()
    assert f"{article} is in AccountView" in texts(test)
    test = press(test, "use_articles")

    assert not test.exception
    assert shop.rules.tables()["articles"][REPAIR_HOUR] == article
    assert last_run(shop).counts.planned >= 1
    assert not is_open(shop, unknown_article_cause.group_key)


@pytest.mark.long
def test_a_collective_article_stands_in_for_all(
    shop: Application, open_page: Open, unknown_article_cause: CauseGroup, article: str
) -> None:
    test = open_cause(open_page, unknown_article_cause)
    test = test.segmented_control(key="article_way").set_value("all").run()
    test = test.text_input(key="article-").set_value(article).run()

    test = press(test, "use_articles")

    assert not test.exception
    assert shop.flows.settings("orders").model_dump()["collective_article"] == article
    assert last_run(shop).counts.planned >= 1


@pytest.mark.long
def test_an_article_to_be_created_first_is_reported_as_the_till_sold_it(
    shop: Application, open_page: Open, unknown_article_cause: CauseGroup
) -> None:
    test = open_cause(open_page, unknown_article_cause)
    test = test.segmented_control(key="article_way").set_value("create").run()
    assert not test.exception
    table_text = " ".join(str(cell) for cell in test.table[0].value.to_numpy().ravel())
    assert REPAIR_HOUR in table_text
    assert "Reparatie" in table_text
    assert shop.sandbox
    test = press(test, "again")
    assert f"AccountView has no article {REPAIR_HOUR}." in texts(test)
    like = next(row for row in sandbox_of(shop).state("ARTICLE") if row["ART_CODE"] == "10051")
    new = {"ART_CODE": REPAIR_HOUR, "ART_DESC1": "Reparatie per uur", "AG_CODE": like["AG_CODE"], "VAT_CODE": "1"}
    sandbox_of(shop).accountview.add("ARTICLE", {**new, "PX_SELL": 45, "UNT_CODE": like["UNT_CODE"]})

    test = press(test, "again")

    assert not test.exception
    assert last_run(shop).counts.planned >= 1
    sandbox_of(shop).accountview.remove("ARTICLE", REPAIR_HOUR)


# ---- customers


def test_two_relations_of_a_debtor_lead_to_their_merge(
    shop: Application, till_client: TillClient, open_page: Open
) -> None:
    debtor = {**DEBTOR, "SUB_NR": "30009", "ACCT_NAME": "Dubbel", "MAIL_BUS": "dub@bel.example", "CITY": "Zeist"}
    sandbox_of(shop).accountview.add("CONTACT", debtor)
    numbers = {till_client.customer("Dubbel", "dub@bel.example") for _ in range(2)}
    preview_records(shop, "customers", "30009")
    test = press(open_cause(open_page, waiting(shop, "customer_ambiguous", "customers", "30009")), "to_merges")
    assert not test.exception
    assert {name: test.query_params[name] for name in ("flow", "part")} == {"flow": "customers", "part": "merges"}
    pairs = test.selectbox(key="merge_pair").options
    assert all(str(number) in pairs[0] for number in numbers)  # pairs of exceptions are first


@pytest.mark.long
def test_one_of_several_customers_is_chosen_beside_what_differs(
    shop: Application, till_client: TillClient, article: str, open_page: Open
) -> None:
    assert shop.sandbox
    for number, city in (("30001", "Utrecht"), ("30002", "Zeist")):
        sandbox_of(shop).accountview.add(
            "CONTACT",
            {**DEBTOR, "SUB_NR": number, "ACCT_NAME": "Tweeling", "MAIL_BUS": "twee@ling.example", "CITY": city},
        )
    relation = till_client.customer("Tweeling", "twee@ling.example")
    orders = [till_client.order(article, relation=relation) for _ in range(2)]
    preview_records(shop, "orders", *orders)
    test = open_cause(open_page, waiting(shop, "needed_record_parked", key=orders[0]))
    assert "These need Tweeling, which is parked" in texts(test)
    group = waiting(shop, "customer_ambiguous")
    assert press(test, "to_needed").query_params["cause"] == group_address(group.group_key)
    test = open_cause(open_page, group)
    beside = test.table[0].value
    assert list(beside.columns[1:]) == ["This customer", "30001", "30002"]
    rows = {row[0].casefold(): row[1:] for row in beside.to_numpy().tolist()}
    assert next(row for row in rows.values() if "Utrecht" in row)[1:] == ["Utrecht", "Zeist"]
    assert [":green[:material/check:]" in cell for cell in rows[plain("e-mail")]] == [False, True, True]
    assert len({cell.removeprefix(":green[:material/check:] ") for cell in rows[plain("e-mail")]}) == 1
    assert rows["customer number"][0] == relation
    assert test.button(key="choose_customer").disabled

    (issue,) = shop.exceptions.issues_of(group.group_key)
    test = test.radio(key=f"candidate-{issue.id}").set_value("30002").run()
    test = press(test, "choose_customer")

    assert not test.exception
    run = last_run(shop)
    assert run.counts.planned == 2
    committed_run = commit_run(shop, run)
    assert committed_run.counts.proven == 2
    booked = [row["RPL_INV"] for row in sandbox_of(shop).state("SO_HDR") if row["RPL_INV"] in ("30001", "30002")]
    assert booked == ["30002", "30002"]
    assert not is_open(shop, group.group_key)

    later = till_client.order(article, relation=relation)
    assert commit_run(shop, preview_records(shop, "orders", later)).counts.proven == 1  # it is never asked again
    first_week = {task.name: task.is_done for task in shop.first_week.tasks()}
    assert (first_week["orders"], first_week["repair"]) == (True, not shop.issues.counts().get("orders"))
    while stores_in(shop).events.count():
        shop.log.catch_up()
    events = shop.log.ask("SELECT key, happened_at, facts FROM events WHERE event = 'linked_by_hand'")
    (row,) = [row for row in events.to_dict("records") if row["key"] == issue.issue.key]
    assert person().ref in str(row["facts"])
    assert row["happened_at"] is not None


# ---- a value


def test_a_value_is_put_right_here_and_holds_until_the_source_changes_it(shop: Application, open_page: Open) -> None:
    assert shop.sandbox
    group = waiting(shop, "ean_check_digit", "products")
    (first, second, *_) = shop.exceptions.issues_of(group.group_key)
    key, good = first.issue.key, f"871998000099{ean.calc_check_digit('871998000099')}"
    other = f"871998000098{ean.calc_check_digit('871998000098')}"
    test = open_cause(open_page, group)
    place = f"typed-values-{group_address(group.group_key)}"
    test.session_state[place] = {second.issue.key: other[:-1] + str(9 - int(other[-1]))}
    test = test.segmented_control(key="value-ean_check_digit").set_value("here").run()
    assert not test.exception
    assert f"{second.issue.key}: EAN" in texts(test)
    assert test.button(key="correct").disabled
    test.session_state[place] = {second.issue.key: other}

    field = shop.exceptions.field_to_correct("products", group.cause, group.field)
    assert field is not None
    shop.exceptions.correct("products", field, {key: good}, person(), {key: first.title})
    run = wait_for_run(
        shop, shop.runs.try_again("products", group.cause, make_actor("test"), group.field, group.detail)
    )
    assert run.counts.planned == 1
    assert key not in {entry.issue.key for entry in shop.exceptions.issues_of(group.group_key)}
    typed = test.run()  # what was typed stays with its record when somebody else repairs another one
    test = open_page("exceptions", status="corrected")
    assert not test.exception
    table = test.dataframe[0].value
    assert list(table["key"]) == [key]
    assert list(table["becomes"]) == [good]
    shop.runs.discard(run.id, "test")

    (correction,) = shop.corrections.list_corrections("products")
    assert not press(typed, "correct").exception
    shop.runs.discard(wait_for_run(shop, last_run(shop, "products").id).id, "test")
    assert {correction.key: correction.becomes for correction in shop.corrections.list_corrections("products")} == {
        key: good,
        second.issue.key: other,
    }
    shop.corrections.remove(
        "products",
        [correction for correction in shop.corrections.list_corrections("products") if correction.key != key],
        person().ref,
    )
    sandbox_of(shop).accountview.edit("ARTICLE", key, {"K9_EAN": "8719980000124"})
    assert shop.drafts.trace_record("products", key) != []
    assert not correction.holds_for(shop.exceptions.records("products", [key])[key])
    shop.corrections.remove("products", [correction], person().ref)
    assert shop.corrections.counts() == {}


# ---- deciding


def test_a_dismissed_cause_leaves_the_queue_and_comes_back_when_it_grows(
    shop: Application, till_client: TillClient, article: str, customer: str, open_page: Open,
    make_unmapped_orders: Callable[[int], CauseGroup],
) -> None:  # fmt: skip
    group = make_unmapped_orders(2)
    test = open_cause(open_page, group)
    test = menu(test, f"more-{group_address(group.group_key)}").click("dismiss").run()
    assert test.button(key="dismiss_now").disabled
    assert "These records stay parked without alerts" in texts(test)
    shop.exceptions.dismiss(group.group_key, "booked by hand", person())
    assert not is_open(shop, group.group_key)
    page_text = texts(open_page("exceptions", status="dismissed"))
    assert "booked by hand" in page_text

    (order,) = place_paid_orders(till_client, article, customer, "PIN")
    preview_records(shop, "orders", order)

    back = waiting(shop, "payment_method_unmapped", key=order)
    assert (back.group_key, back.count) == (group.group_key, 1)
    page_text = texts(open_page("exceptions"))
    assert f"{group.count} more of this cause were dismissed by an operator: booked by hand" in page_text

    test = press(open_page("exceptions", status="dismissed", cause=group_address(group.group_key)), "reopen")
    assert not test.exception
    assert waiting(shop, "payment_method_unmapped", key=order).count == group.count + 1


@pytest.mark.long
def test_one_record_is_dismissed_by_itself(
    shop: Application, open_page: Open, make_unmapped_orders: Callable[[int], CauseGroup]
) -> None:
    group = make_unmapped_orders(2)
    before = group.count
    first = shop.exceptions.issues_of(group.group_key)[0]

    assert shop.exceptions.dismiss(group.group_key, "just this one", person(), (first.id,)) == 1

    rest = shop.exceptions.group(group.group_key)
    assert rest is not None
    assert rest.count == before - 1
    assert "just this one" in texts(open_cause(open_page, group))
    shop.exceptions.reopen(group.group_key, person())


@pytest.mark.long
def test_a_cause_is_given_to_a_person_and_carries_a_note(
    shop: Application, open_page: Open, make_unmapped_orders: Callable[[int], CauseGroup]
) -> None:
    group = make_unmapped_orders(1)
    place = f"more-{group_address(group.group_key)}"
    test = menu(open_cause(open_page, group), place).click("assign").run()
    assert "an operator" in test.selectbox(key="assign_to").options
    test = menu(open_cause(open_page, group), place).click("note").run()
    assert not test.exception
    shop.issues.assign(group.group_key, person().ref, person().ref)
    shop.issues.annotate(group.group_key, "Asked the *shop*", person().ref)

    page_text = texts(open_page("exceptions", status="mine"))

    assert "With an operator" in page_text
    assert "Note: Asked the *shop*" in page_text
    shop.issues.assign(group.group_key, "", person().ref)


def test_a_cause_repaired_in_a_setting_links_to_the_setting(shop: Application, open_page: Open) -> None:
    group = waiting(shop, "currency_without_rate", "products")

    test = press(open_cause(open_page, group), "to_setting")

    assert not test.exception
    assert "General" in texts(test) or test.query_params["tab"] == "settings"


def test_what_is_shown_is_downloaded_record_by_record(
    shop: Application, make_unmapped_orders: Callable[[int], CauseGroup]
) -> None:
    group = make_unmapped_orders(2)

    lines = [dict(zip(ISSUE_COLUMNS, line, strict=True)) for line in shop.exceptions.listed([group], IssueState.OPEN)]

    assert [line["cause"] for line in lines] == ["payment_method_unmapped"] * group.count
    assert {line["detail"] for line in lines} == {"PIN"}
    assert all(isinstance(line["sold"], Decimal) and line["sold"] > 0 for line in lines)


def test_a_record_that_cannot_be_read_is_shown_as_it_came(
    fresh: Application, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores, raw = stores_in(fresh), "<order><price>veel</price></order>"
    issue = unreadable_record_issue(
        unreadable(Kind.ARTICLE, "1003", WrongValueError("PX_SELL", "veel"), raw), "accountview"
    )
    run = stores.runs.begin("products", Mode.COMPLETE, "test", 1)
    line = PlanRow(0, "articles", Action.PARK, Kind.PRODUCT, "1003", "1003", cause=issue.cause, cause_field=issue.field,
                   facts=issue.facts)  # fmt: skip
    stores.previews.keep_page(run.id, [line], [], 0, Position(Task.COMPARE))
    stores.previews.finish(run.id, "fingerprint", (), RunState.DONE, 1)
    (group,) = fresh.exceptions.groups()

    monkeypatch.setattr(cards, "_clicked_record", lambda *_, **_named: (0, set()))  # no test can click a cell
    test = open_page("exceptions", flow="products", cause=group_address(group.group_key))

    assert not test.exception
    assert "1003 cannot be read: the field PX_SELL in AccountView contains veel." in texts(test)
    assert [code_block.value for code_block in test.code] == [raw]
