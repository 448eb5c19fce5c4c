"""Every cause: its code, who acts on it, which facts tell one trouble of it from another, and what repairs it.

The sentences of a cause are in `data/words/errors.csv` under its code. A flow that repairs a cause in another place
than the others says so itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from integration.core.records import Kind


class Who(StrEnum):
    """Who acts on a cause."""

    NOBODY = "nobody"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
    DEVELOPER = "developer"


class By(StrEnum):
    """What a person does about a cause where it is shown."""

    ROW = "row"  # add the row that a value table lacks
    ARTICLES = "articles"  # create articles in the books, or let another stand in for them
    CHOICE = "choice"  # say which record of the target is meant
    VALUE = "value"  # correct a field of the source, or let another value hold
    DOUBT = "doubt"  # say whether the target has what was sent to it
    NEEDED = "needed"  # repair the record that this one waits for


@dataclass(frozen=True, slots=True)
class Repair:
    """What repairs a cause: by what where it is shown, and under which tab of the flow, with the field there.

    Without `name` it is the field, table or setting that the trouble names.
    """

    by: By | None = None
    tab: str = ""  # settings, filters, tables, brakes or fields; empty: nowhere on the page of the flow
    name: str = ""
    kind: Kind | None = None  # of the records of which one is chosen
    every: bool = False  # a row may stand for every code


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause. `telling` names the facts that tell its troubles apart: what has them alike is repaired at once."""

    code: str
    who: Who
    telling: tuple[str, ...] = ()
    repair: Repair = Repair()


NOBODY, OPERATOR, ADMINISTRATOR, DEVELOPER = Who
VALUE, VALUE_OR_FIELDS = Repair(By.VALUE), Repair(By.VALUE, "fields")
DOUBT = Repair(By.DOUBT)
FIELDS, BRAKES = Repair(tab="fields"), Repair(tab="brakes", name="brakes")


def _setting(name: str) -> Repair:
    return Repair(tab="settings", name=name)


def _row(table: str, *, every: bool = False) -> Repair:
    return Repair(By.ROW, "tables", table, every=every)


CAUSES: Mapping[str, Cause] = {
    cause.code: cause
    for cause in (
        Cause("host_unknown", ADMINISTRATOR),
        Cause("connection_refused", ADMINISTRATOR),
        Cause("certificate_invalid", ADMINISTRATOR),
        Cause("proxy_unreachable", ADMINISTRATOR),
        Cause("proxy_refused", ADMINISTRATOR),
        Cause("proxy_login_needed", ADMINISTRATOR),
        Cause("address_not_api", ADMINISTRATOR),
        Cause("timeout_before_sending", NOBODY),
        Cause("timeout_after_sending_read", NOBODY),
        Cause("connection_cut", NOBODY),
        Cause("timeout_after_sending_write", NOBODY),
        Cause("access_expired", NOBODY),
        Cause("too_many_requests", NOBODY),
        Cause("service_unavailable", NOBODY),
        Cause("server_error", NOBODY),
        Cause("answer_unreadable", DEVELOPER),
        Cause("answer_too_large", ADMINISTRATOR),
        Cause("answer_incomplete", NOBODY),
        Cause("flag_unknown", DEVELOPER),
        Cause("nothing_in_another_way", NOBODY),
        Cause("nothing_but_nothing", ADMINISTRATOR),
        Cause("filter_ignored", ADMINISTRATOR),
        Cause("record_unreadable", OPERATOR, ("field",)),
        Cause("accountview_login_needed", ADMINISTRATOR),
        Cause("accountview_client_rejected", ADMINISTRATOR),
        Cause("accountview_login_unasked", OPERATOR),
        Cause("accountview_login_refused", OPERATOR),
        Cause("company_not_available", ADMINISTRATOR),
        Cause("right_missing", ADMINISTRATOR),
        Cause("object_missing", ADMINISTRATOR),
        Cause("field_unknown", OPERATOR, ("field",), FIELDS),
        Cause("flow_field_unknown", ADMINISTRATOR),
        Cause("rule_field_unknown", OPERATOR),
        Cause("filter_field_unknown", OPERATOR),
        Cause("setting_field_unknown", OPERATOR),
        Cause("accountview_rejected", OPERATOR, ("message",)),
        Cause("read_refused", ADMINISTRATOR, ("message",)),
        Cause("administration_locked", OPERATOR),
        Cause("period_closed", OPERATOR, ("period",)),
        Cause("debtor_blocked", OPERATOR, ("debtor",)),
        Cause("ledger_account_unusable", OPERATOR, ("account",), _setting("daybook")),
        Cause("field_too_long", OPERATOR, ("field", "limit"), VALUE_OR_FIELDS),
        Cause("required_field_empty", OPERATOR, ("field",), VALUE_OR_FIELDS),
        Cause("characters_not_supported", OPERATOR, repair=VALUE),
        Cause("mplus_credentials_rejected", ADMINISTRATOR),
        Cause("request_refused", DEVELOPER),
        Cause("mplus_rejected", OPERATOR, ("message",)),
        Cause("article_number_taken", OPERATOR),
        Cause("article_number_changed", OPERATOR, repair=_setting("sku_rule")),
        Cause("article_in_other_product", OPERATOR, repair=_setting("parent_field")),
        Cause("relation_number_taken", OPERATOR),
        Cause("no_stock_article", OPERATOR),
        Cause("target_record_missing", OPERATOR),
        Cause("branch_missing", OPERATOR, ("branch",), _setting("branches")),
        Cause("product_update_not_allowed", OPERATOR, repair=FIELDS),
        Cause("employee_unknown", OPERATOR, ("employee",), _setting("default_employee")),
        Cause("read_back_differs", OPERATOR, repair=FIELDS),
        Cause("read_back_missing", OPERATOR, repair=DOUBT),
        Cause("never_answered", OPERATOR, repair=DOUBT),
        Cause("look_unproven", OPERATOR),
        Cause("target_changed_since_plan", OPERATOR),
        Cause("sku_not_numeric", OPERATOR, repair=_setting("sku_rule")),
        Cause("sku_leading_zero", OPERATOR, repair=_setting("sku_rule")),
        Cause("sku_duplicate", OPERATOR, repair=_setting("sku_rule")),
        Cause("ean_check_digit", OPERATOR, repair=VALUE_OR_FIELDS),
        Cause("ean_duplicate", OPERATOR, repair=VALUE),
        Cause("currency_without_rate", OPERATOR, ("currency",), _setting("rates")),
        Cause("price_missing", OPERATOR, repair=VALUE),
        Cause("vat_code_unmapped", OPERATOR, ("code",), _row("vat_codes")),
        Cause("vat_code_missing", OPERATOR, repair=VALUE),
        Cause("payment_method_unmapped", OPERATOR, ("method",), _row("payment_methods")),
        Cause("revenue_account_unmapped", OPERATOR, ("country", "code"), _row("revenue_accounts", every=True)),
        Cause("deposit_account_missing", OPERATOR, ("group", "sort"), _row("balance_accounts")),
        Cause("turnover_group_unknown", OPERATOR, ("group",), _row("balance_accounts")),
        Cause("gift_card_unclear", OPERATOR, ("method",), _setting("gift_cards")),
        Cause("voucher_too_large", OPERATOR),
        Cause("voucher_on_order", OPERATOR, repair=_setting("becomes")),
        Cause("reference_of_before", OPERATOR),
        Cause("word_unknown", OPERATOR, ("field", "word")),
        Cause("word_missing", OPERATOR, ("field",)),
        Cause("value_unmapped", OPERATOR, ("table", "value"), Repair(By.ROW, "tables")),
        Cause("article_missing", OPERATOR, ("article",), Repair(By.ARTICLES, "settings", "collective_article")),
        Cause("customer_ambiguous", OPERATOR, ("customer", "candidates"), Repair(By.CHOICE)),
        Cause("customer_missing", OPERATOR, repair=_setting("default_debtor")),
        Cause("email_too_long", OPERATOR, repair=VALUE_OR_FIELDS),
        Cause("vat_number_invalid", OPERATOR, repair=VALUE),
        Cause("totals_differ", OPERATOR, repair=_setting("rounding_limit")),
        Cause("refund_before_order", NOBODY),
        Cause("document_changed_after_booking", OPERATOR),
        Cause("document_cancelled_after_booking", OPERATOR),
        Cause("reference_found_twice", OPERATOR),
        Cause("document_doubled", OPERATOR),
        Cause("stock_negative", OPERATOR, repair=_setting("negative")),
        Cause("stock_fractional", OPERATOR, repair=_setting("fractional")),
        Cause("variant_duplicate", OPERATOR, repair=VALUE_OR_FIELDS),
        Cause("field_conflict", OPERATOR, repair=FIELDS),
        Cause("expression_failed", OPERATOR, repair=VALUE_OR_FIELDS),
        Cause("source_record_gone", OPERATOR),
        Cause("plan_stale", OPERATOR),
        Cause("fingerprint_differs", OPERATOR),
        Cause("plan_discarded", OPERATOR),
        Cause("plan_replaced", OPERATOR),
        Cause("plan_says_the_same", NOBODY),
        Cause("plan_not_waiting", OPERATOR),
        Cause("choice_changed", OPERATOR),
        Cause("nothing_to_commit", OPERATOR),
        Cause("plan_not_approved", OPERATOR),
        Cause("nothing_to_undo", OPERATOR),
        Cause("mapping_published_since", OPERATOR),
        Cause("names_changed_since", OPERATOR),
        Cause("plan_already_committed", OPERATOR),
        Cause("brake_changes", OPERATOR, repair=BRAKES),
        Cause("brake_price", OPERATOR, repair=BRAKES),
        Cause("brake_stock_zero", OPERATOR, repair=BRAKES),
        Cause("brake_new_debtors", OPERATOR, repair=BRAKES),
        Cause("brake_retirements", OPERATOR, repair=BRAKES),
        Cause("brake_source_empty", OPERATOR),
        Cause("source_empty", OPERATOR),
        Cause("run_active", NOBODY),
        Cause("in_doubt", OPERATOR),
        Cause("worker_lost", NOBODY),
        Cause("nothing_moves", ADMINISTRATOR),
        Cause("no_heartbeat", ADMINISTRATOR),
        Cause("log_behind", ADMINISTRATOR),
        Cause("record_too_slow", OPERATOR),
        Cause("retries_exhausted", OPERATOR),
        Cause("undo_blocked", OPERATOR),
        Cause("unexpected_error", DEVELOPER),
        Cause("page_failed", DEVELOPER),
        Cause("part_failed", DEVELOPER),
        Cause("setting_invalid", ADMINISTRATOR, ("setting",)),
        Cause("flow_setting_invalid", ADMINISTRATOR, ("setting",), Repair(tab="settings")),
        Cause("mapping_missing", ADMINISTRATOR),
        Cause("rule_invalid", ADMINISTRATOR),
        Cause("secret_key_wrong", ADMINISTRATOR),
        Cause("database_locked", ADMINISTRATOR),
        Cause("database_unreachable", ADMINISTRATOR),
        Cause("disk_full", ADMINISTRATOR),
        Cause("log_owned_elsewhere", ADMINISTRATOR),
        Cause("log_broken", ADMINISTRATOR),
        Cause("version_too_old", ADMINISTRATOR),
        Cause("alert_not_delivered", ADMINISTRATOR),
        Cause("role_insufficient", ADMINISTRATOR),
        Cause("audit_broken", ADMINISTRATOR),
        Cause("database_too_new", ADMINISTRATOR),
        Cause("lease_taken", NOBODY),
        Cause("lab_at_work", NOBODY),
        Cause("lab_nothing_to_write", OPERATOR),
        Cause("lab_failed", DEVELOPER),
        Cause("cancelled", OPERATOR),
        Cause("preview_cancelled", OPERATOR),
        Cause("question_refused", OPERATOR),
        Cause("question_wrong", OPERATOR),
        Cause("question_wrong_at", OPERATOR),
        Cause("question_function", OPERATOR),
        Cause("question_large", OPERATOR),
        Cause("question_slow", OPERATOR),
        Cause("blocked", NOBODY, repair=_setting("blocked")),
        Cause("filtered_out", NOBODY, repair=Repair(tab="filters", name="filters")),
        Cause("create_switched_off", NOBODY, repair=_setting("content")),
        Cause("groups_not_sent", NOBODY, repair=_setting("groups")),
        Cause("needed_record_missing", OPERATOR),
        Cause("needed_record_parked", OPERATOR, ("needed",), Repair(By.NEEDED)),
        Cause("undo_keeps", NOBODY),
        Cause("already_in_target", NOBODY),
        Cause("document_cancelled", NOBODY),
        Cause("not_at_the_till", NOBODY, repair=_setting("unlinked")),
        Cause("stock_not_managed", NOBODY, repair=_setting("managed")),
        Cause("left_out_by_number", NOBODY, repair=_setting("leave_out")),
        Cause("not_a_debtor", NOBODY, repair=_setting("accounts")),
        Cause("customer_shared", OPERATOR, ("customer", "number"), Repair(By.CHOICE)),
        Cause("customer_taken", OPERATOR, ("customer", "number"), Repair(By.CHOICE, "settings", "other_external_id")),
        Cause("document_empty", NOBODY),
        Cause("debtor_creation_off", OPERATOR, repair=_setting("create_debtors")),
    )
}


def cause(code: str) -> Cause:
    """Return the cause of a code; one that nobody knows is an error of our own."""
    return CAUSES.get(code) or CAUSES["unexpected_error"]


def telling(code: str, facts: Mapping[str, str]) -> str:
    """Return what tells the trouble of a cause from others of it, as one text; the same text is the same repair."""
    return " · ".join(facts.get(name, "") for name in cause(code).telling)
