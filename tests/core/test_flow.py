"""Flows: the kinds that stages write, the counted stage, and the kind of its links."""

from dataclasses import replace

from integration.core.flow import Flow, Stage
from integration.core.records import Kind, Record
from integration.core.system_roles import SystemRole, assign_roles

GROUPS = Stage("groups", Kind.GROUP, Kind.GROUP, is_counted=False)
PRODUCTS = Stage("articles", Kind.ARTICLE, Kind.PRODUCT, parts=Kind.ARTICLE)
ORDERS = Stage("orders", Kind.ORDER, Kind.SALES_ORDER)


def test_a_flow_knows_its_stages_by_name_and_begins_with_the_first() -> None:
    flow = Flow("products", SystemRole.BOOKS, SystemRole.TILL, (GROUPS, PRODUCTS))
    assert (flow.order, flow.stage("articles"), flow.stage("")) == (("groups", "articles"), PRODUCTS, GROUPS)


def test_the_first_stage_that_counts_is_the_one_whose_records_are_counted() -> None:
    assert Flow("products", SystemRole.BOOKS, SystemRole.TILL, (GROUPS, PRODUCTS)).counted_stage is PRODUCTS


def test_articles_are_linked_though_products_are_written() -> None:
    assert Flow("products", SystemRole.BOOKS, SystemRole.TILL, (GROUPS, PRODUCTS)).linked_kinds == (Kind.ARTICLE,)
    assert Flow("orders", SystemRole.BOOKS, SystemRole.TILL, (ORDERS,)).linked_kinds == (Kind.SALES_ORDER,)


def test_stages_follow_one_another_and_what_is_derived_is_not_read() -> None:
    debtors = Stage("debtors", Kind.ORDER, Kind.DEBTOR, is_counted=False, derived=True)
    flow = Flow("orders", SystemRole.BOOKS, SystemRole.TILL, (debtors, ORDERS))

    assert (flow.next_stage(debtors), flow.next_stage(ORDERS)) == (ORDERS, None)
    assert (flow.next_read_stage(None), flow.next_read_stage(ORDERS)) == (ORDERS, None)


def test_a_kind_is_made_of_what_its_first_stage_reads_that_is_not_off() -> None:
    flow = Flow(
        "orders",
        SystemRole.BOOKS,
        SystemRole.TILL,
        (replace(ORDERS, off=True), Stage("invoices", Kind.INVOICE, Kind.SALES_ORDER)),
    )
    assert (flow.read_for(Kind.SALES_ORDER), flow.read_for(Kind.DEBTOR)) == (Kind.INVOICE, Kind.INVOICE)


def test_of_what_is_off_nothing_is_expected_though_its_links_are_still_those_of_records() -> None:
    flow = Flow(
        "orders",
        SystemRole.BOOKS,
        SystemRole.TILL,
        (replace(ORDERS, off=True), Stage("invoices", Kind.INVOICE, Kind.POSTING)),
    )
    assert (flow.linked_kinds, flow.expected_kinds) == ((Kind.SALES_ORDER, Kind.POSTING), (Kind.POSTING,))


def test_a_write_is_repeatable_if_the_target_keeps_the_record_under_our_key() -> None:
    assert replace(PRODUCTS, own_key=True).is_repeatable(is_new=True)
    assert PRODUCTS.is_repeatable(is_new=False)
    assert not PRODUCTS.is_repeatable(is_new=True)


def test_a_document_and_a_record_that_cannot_be_checked_are_never_repeatable() -> None:
    base_stage = replace(PRODUCTS, own_key=True)
    for stage in (
        replace(base_stage, write_once=True),
        replace(base_stage, one_by_one=True),
        replace(base_stage, unverifiable=True),
    ):
        assert not stage.is_repeatable(is_new=False)


def test_a_flow_names_the_systems_of_its_roles_and_the_kinds_that_a_source_must_have() -> None:
    assign_roles({SystemRole.BOOKS: "accountview", SystemRole.TILL: "mplus"})
    flow = Flow("products", SystemRole.BOOKS, SystemRole.TILL, (GROUPS, PRODUCTS))
    assert (flow.source, flow.target) == (SystemRole.BOOKS.system, SystemRole.TILL.system)
    assert flow.expected_kinds == (Kind.ARTICLE,)


def test_a_parked_record_waits_for_links_of_its_own_flow_that_do_not_change_daily_and_of_other_flows() -> None:
    levels, prices = Stage("levels", Kind.ARTICLE, Kind.STOCK, volatile=True), (("prices", Kind.RELATION),)
    flow = Flow("products", SystemRole.BOOKS, SystemRole.TILL, (GROUPS, PRODUCTS, levels), other_links=prices)
    own = (("products", Kind.GROUP), ("products", Kind.PRODUCT), ("products", Kind.ARTICLE))
    assert flow.link_inputs == (*own, ("prices", Kind.RELATION))


def test_a_record_needs_each_record_of_a_list_and_none_where_a_field_is_empty() -> None:
    stage = replace(PRODUCTS, needs={"groups": Kind.GROUP, "debtor": Kind.DEBTOR})
    record = Record(Kind.PRODUCT, "1", {"groups": ("A", "B"), "debtor": None})
    assert list(stage.needed_records(record)) == [(Kind.GROUP, "A"), (Kind.GROUP, "B")]
