"""All causes of issues: code, responsible role, facts that group issues, and repair.

The sentences of a cause are in `data/words/errors.csv` under its code. A flow overrides the repair of a cause if its
repair is at another place. This file is long because the list of causes is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from integration.core.conflicts import SOURCE, TARGET
from integration.core.link_evidence import ARTICLE_CHANGED, CUSTOMER_CHANGED, OTHER_RECORD, SAME_RECORD
from integration.core.records import Kind


class Responsible(StrEnum):
    """Role that must act on a cause."""

    NOBODY = "nobody"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
    DEVELOPER = "developer"


class Severity(StrEnum):
    """Severity of a cause for the people who are alerted, in ascending order."""

    NOTICE = "notice"  # ends by itself, or needs no action
    WARNING = "warning"  # a person must act soon
    CRITICAL = "critical"  # the console or money is at risk

    def reaches(self, least: "Severity") -> bool:
        """Return True if this severity is equal to or higher than `least`."""
        graver = tuple(Severity)
        return graver.index(self) >= graver.index(least)


class RepairKind(StrEnum):
    """Action by which a person removes a cause, at the place where the cause is shown."""

    ROW = "row"  # add the row that a value table lacks
    ROWS = "rows"  # add all rows that value tables lack, at once
    SETTING = "setting"  # choose the code that a setting lacks
    ARTICLES = "articles"  # create articles in the books, or choose a substitute
    CHOICE = "choice"  # choose the intended record of the target
    VALUE = "value"  # correct a field of the source, or set another value
    DOUBT = "doubt"  # say whether the target has the write that is in doubt
    FLOW = "flow"  # run another flow first that writes the record this one depends on
    NEEDED = "needed"  # repair the record that this one depends on
    DECISION = "decision"  # choose one of a few options
    CONFLICT = "conflict"  # choose whose value of a field counts
    DAY = "day"  # compare the day on both sides
    PROOF = "proof"  # ask the target again
    SYSTEM = "system"  # correct it in one of the two systems, as the sentence of the cause says, and try again
    AGAIN = "again"  # try again: the obstacle is read again


@dataclass(frozen=True, slots=True)
class Repair:
    """Repair of a cause: the action where the cause is shown, and the tab of the flow with the field to change.

    An empty `name` means the field, table or setting that the issue names. `flow` is the flow that has the tab, if
    that is not the flow that met the cause.
    """

    by: RepairKind | None = None
    tab: str = ""  # settings, filters, tables, brakes or fields; empty: no place on the page of the flow
    name: str = ""
    kind: Kind | None = None  # kind of the records to choose from
    every: bool = False  # one row may cover all codes
    options: tuple[str, ...] = ()  # the options that a person chooses from
    flow: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause. Issues with equal `grouping_facts` form one group, and one repair removes them all.

    `listing` names facts that are listed for all records of a group, although one repair serves the group.

    A cause with `apart` is found by a check and not by a run: only that check closes its issues. `graver` overrides
    the severity that follows from the responsible role. `command` is the command of the terminal that repairs the
    cause; it may name facts.
    """

    code: str
    who: Responsible
    grouping_facts: tuple[str, ...] = ()
    repair: Repair = Repair()
    apart: bool = False
    graver: Severity | None = None
    listing: tuple[str, ...] = ()
    command: str = ""

    @property
    def severity(self) -> Severity:
        """The severity, by `graver` or else by the responsible role."""
        return self.graver or _GRAVE[self.who]


NOBODY, OPERATOR, ADMINISTRATOR, DEVELOPER = Responsible
_GRAVE = {
    NOBODY: Severity.NOTICE,
    OPERATOR: Severity.WARNING,
    ADMINISTRATOR: Severity.CRITICAL,
    DEVELOPER: Severity.CRITICAL,
}
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
OTHER_ARTICLE = Repair(RepairKind.ARTICLES, "settings", "collective_article")
VALUE, VALUE_OR_FIELDS = Repair(RepairKind.VALUE), Repair(RepairKind.VALUE, "fields")
DOUBT, SYSTEM, AGAIN, DAY = (
    Repair(RepairKind.DOUBT),
    Repair(RepairKind.SYSTEM),
    Repair(RepairKind.AGAIN),
    Repair(RepairKind.DAY),
)
NEEDED = Repair(RepairKind.NEEDED)
IDENTITY = Repair(RepairKind.DECISION, options=(SAME_RECORD, OTHER_RECORD))
FIELDS, BRAKES = Repair(tab="fields"), Repair(tab="brakes", name="brakes")


def _setting(name: str) -> Repair:
    return Repair(tab="settings", name=name)


def _system_or(tab: str, name: str = "") -> Repair:
    return Repair(RepairKind.SYSTEM, tab, name)


def _row(table: str, *, every: bool = False) -> Repair:
    return Repair(RepairKind.ROW, "tables", table, every=every)


def _code_of(setting: str) -> Repair:
    return Repair(RepairKind.SETTING, "settings", setting)


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
        Cause("timeout_before_sending", NOBODY, graver=WARNING),
        Cause("timeout_after_sending_read", NOBODY, graver=WARNING),
        Cause("connection_cut", NOBODY, graver=WARNING),
        Cause("timeout_after_sending_write", NOBODY),
        Cause("access_expired", NOBODY),
        Cause("too_many_requests", NOBODY, graver=WARNING),
        Cause("service_unavailable", NOBODY, graver=WARNING),
        Cause("server_error", NOBODY, graver=WARNING),
        Cause("answer_unreadable", DEVELOPER),
        Cause("answer_too_large", ADMINISTRATOR),
        Cause("answer_incomplete", NOBODY),
        Cause("list_out_of_order", NOBODY),
        Cause("list_row_unreadable", ADMINISTRATOR, ("object",)),
        Cause("nothing_in_another_way", NOBODY),
        Cause("nothing_but_nothing", ADMINISTRATOR),
        Cause("filter_ignored", ADMINISTRATOR),
        Cause("known_not_found", ADMINISTRATOR),
        Cause("prefix_in_use", ADMINISTRATOR, repair=_setting("reference_prefix")),
        Cause("kind_unknown", ADMINISTRATOR, ("name",), AGAIN),
        Cause("record_unreadable", OPERATOR, ("field",), SYSTEM),
        Cause("key_unreadable", OPERATOR, ("field",), SYSTEM),
        Cause("not_connected", OPERATOR),
        Cause("movement_unreadable", OPERATOR, repair=SYSTEM),
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
        Cause("accountview_rejected", OPERATOR, ("message",), _system_or("fields")),
        Cause("read_refused", ADMINISTRATOR, ("message",)),
        Cause("administration_locked", OPERATOR),
        Cause("period_closed", OPERATOR, ("period",), _system_or("settings", "late")),
        Cause("period_unknown", OPERATOR, repair=_system_or("fields")),
        Cause("debtor_blocked", OPERATOR, ("debtor",), SYSTEM),
        Cause("ledger_account_unusable", OPERATOR, ("account",), _setting("daybook")),
        Cause("field_too_long", OPERATOR, ("field", "limit"), VALUE_OR_FIELDS),
        Cause("required_field_empty", OPERATOR, ("field",), VALUE_OR_FIELDS),
        Cause("date_implausible", OPERATOR, ("field",), _system_or("settings", "years_back")),
        Cause("characters_not_supported", OPERATOR, repair=VALUE),
        Cause("mplus_credentials_rejected", ADMINISTRATOR),
        Cause("request_refused", DEVELOPER),
        Cause("operation_unknown", ADMINISTRATOR, ("operation",)),
        Cause("license_missing", ADMINISTRATOR, ("message",)),
        Cause("mplus_rejected", OPERATOR, ("message",), _system_or("fields")),
        Cause("article_number_taken", OPERATOR, repair=SYSTEM),
        Cause("article_number_changed", OPERATOR, repair=_setting("sku_rule")),
        Cause("article_in_other_product", OPERATOR, repair=_setting("parent_field")),
        Cause("relation_number_taken", OPERATOR, repair=SYSTEM),
        Cause("no_stock_article", OPERATOR, repair=_system_or("settings", "managed")),
        Cause("target_record_missing", OPERATOR, repair=SYSTEM),
        Cause("branch_missing", OPERATOR, ("branch",), _setting("branches")),
        Cause("product_update_not_allowed", OPERATOR, repair=FIELDS),
        Cause("read_back_differs", OPERATOR, repair=FIELDS),
        Cause("read_back_missing", OPERATOR, repair=DOUBT),
        Cause("never_answered", OPERATOR, repair=DOUBT),
        Cause("look_unproven", OPERATOR),
        Cause("deviation_stops", OPERATOR),
        Cause("run_stops_repeatedly", OPERATOR, ("cause",), AGAIN),
        Cause("target_changed_since_plan", OPERATOR, repair=AGAIN),
        Cause("sku_not_numeric", OPERATOR, repair=_setting("sku_rule")),
        Cause("sku_leading_zero", OPERATOR, repair=_setting("sku_rule")),
        Cause("sku_duplicate", OPERATOR, repair=_setting("sku_rule")),
        Cause("ean_check_digit", OPERATOR, repair=VALUE_OR_FIELDS),
        Cause("ean_duplicate", OPERATOR, repair=VALUE),
        Cause("currency_without_rate", OPERATOR, repair=_setting("rates"), listing=("currency",)),
        Cause("price_missing", OPERATOR, repair=VALUE),
        Cause("price_group_of_till", OPERATOR, repair=SYSTEM, listing=("number",)),
        Cause("price_outside_range", OPERATOR, repair=VALUE),
        Cause("price_ambiguous", OPERATOR, repair=_setting("customer_prices")),
        Cause("price_impossible", OPERATOR, repair=VALUE),
        Cause("price_article_missing", OPERATOR, ("article",), _setting("customer_prices")),
        Cause("price_article_unclear", OPERATOR, ("article",), AGAIN),
        Cause("price_charged_otherwise", OPERATOR, ("article",), Repair(RepairKind.PROOF), apart=True),
        Cause("price_charged_in_branch", OPERATOR, ("article",), Repair(RepairKind.PROOF), apart=True),
        Cause("price_charged_on_day", OPERATOR, ("article",), Repair(RepairKind.PROOF), apart=True),
        Cause("row_article_changed", OPERATOR, ("code", "was", "now"), _row("articles")),
        Cause("vat_code_unmapped", OPERATOR, ("code",), _row("vat_codes")),
        Cause("vat_row_impossible", OPERATOR, ("row",), Repair(tab="tables", name="vat_codes_sales")),
        Cause("vat_code_missing", OPERATOR, repair=VALUE),
        Cause("vat_rate_unknown", OPERATOR, ("code",), SYSTEM),
        Cause("picture_missing", OPERATOR, repair=VALUE),
        Cause("picture_outside", OPERATOR, repair=VALUE),
        Cause("picture_unreachable", ADMINISTRATOR, ("message",), SYSTEM),
        Cause("picture_too_large", OPERATOR, repair=VALUE),
        Cause("picture_unsupported", OPERATOR, repair=VALUE),
        Cause("picture_refused", OPERATOR, ("message",), SYSTEM),
        Cause("picture_gone", OPERATOR, repair=AGAIN),
        Cause("payment_method_unmapped", OPERATOR, ("method",), _row("payment_terms")),
        Cause("revenue_account_unmapped", OPERATOR, ("country", "code"), _row("revenue_accounts", every=True)),
        Cause("deposit_account_missing", OPERATOR, ("group", "type"), _row("balance_accounts")),
        Cause("deposit_vat_unclear", OPERATOR, ("group",), SYSTEM),
        Cause("turnover_group_unknown", OPERATOR, ("group",), _row("balance_accounts")),
        Cause("method_account_missing", OPERATOR, ("method",), _row("method_accounts")),
        Cause("document_rows_missing", OPERATOR, repair=Repair(RepairKind.ROWS, "tables", "vat_codes_sales")),
        Cause("payments_incomplete", OPERATOR, repair=SYSTEM),
        Cause("gift_card_unclear", OPERATOR, ("method",), _setting("gift_cards")),
        Cause("voucher_too_large", OPERATOR, repair=SYSTEM),
        Cause("voucher_on_order", OPERATOR, repair=_setting("orders")),
        Cause("document_foreign_currency", OPERATOR, repair=SYSTEM),
        Cause("shipping_not_exact", OPERATOR, ("code",), _setting("shipping")),
        Cause("word_unknown", OPERATOR, ("field", "word"), _system_or("settings", "types")),
        Cause("word_missing", OPERATOR, ("field",), SYSTEM),
        Cause("value_unmapped", OPERATOR, ("table", "value"), Repair(RepairKind.ROW, "tables")),
        Cause("article_missing", OPERATOR, repair=OTHER_ARTICLE, listing=("article",)),
        Cause("article_not_linked", OPERATOR, repair=OTHER_ARTICLE, listing=("article",)),
        Cause("customer_ambiguous", OPERATOR, ("customer", "candidates"), Repair(RepairKind.CHOICE)),
        Cause("customer_missing", OPERATOR, repair=_code_of("default_debtor")),
        Cause("email_too_long", OPERATOR, repair=VALUE_OR_FIELDS),
        Cause("vat_number_invalid", OPERATOR, repair=VALUE),
        Cause("totals_differ", OPERATOR, repair=_setting("rounding_limit")),
        Cause("line_contradicts_itself", OPERATOR, repair=SYSTEM),
        Cause("refund_before_order", OPERATOR),
        Cause("sale_waits", NOBODY),
        Cause("sale_partly_booked", OPERATOR, repair=_system_or("settings", "orders")),
        Cause("sale_beyond_order", OPERATOR),
        Cause("document_changed_after_booking", OPERATOR),
        Cause("document_cancelled_after_booking", OPERATOR),
        Cause("document_changed_after_credit", OPERATOR),
        Cause("document_without_reference", OPERATOR),
        Cause("quotation_changed", OPERATOR),
        Cause("quotation_cancelled", OPERATOR),
        Cause("document_period_closed", OPERATOR, repair=_setting("late")),
        Cause("credit_not_exact", OPERATOR, repair=FIELDS),
        Cause("credit_not_there", OPERATOR, repair=AGAIN),
        Cause("document_kept", NOBODY),
        Cause("booking_reversed", NOBODY),
        Cause("document_changed_in_target", OPERATOR, ("kind", "fields"), SYSTEM, apart=True),
        Cause("record_changed_in_target", OPERATOR, ("kind", "fields"), FIELDS, apart=True),
        Cause("record_gone_in_target", OPERATOR, ("kind",), SYSTEM, apart=True),
        Cause("day_differs", OPERATOR, ("document",), DAY, apart=True, graver=CRITICAL),
        Cause("payout_late", OPERATOR, ("account",), SYSTEM, apart=True),
        Cause("clearing_not_set", OPERATOR, repair=_setting("payout_accounts")),
        Cause("day_not_told", ADMINISTRATOR),
        Cause("reference_found_twice", OPERATOR, repair=SYSTEM),
        Cause("reference_of_another", OPERATOR),
        Cause("document_doubled", OPERATOR, repair=SYSTEM),
        Cause("stock_negative", OPERATOR, repair=_setting("negative")),
        Cause("stock_fractional", OPERATOR, repair=_setting("fractional")),
        Cause("group_cycle", OPERATOR, ("groups",), VALUE),
        Cause("variant_duplicate", OPERATOR, repair=VALUE_OR_FIELDS),
        Cause(CUSTOMER_CHANGED, OPERATOR, repair=IDENTITY),
        Cause(ARTICLE_CHANGED, OPERATOR, repair=IDENTITY),
        Cause("field_conflict", OPERATOR, repair=Repair(RepairKind.CONFLICT, "fields", options=(SOURCE, TARGET))),
        Cause("expression_failed", OPERATOR, repair=VALUE_OR_FIELDS),
        Cause("wrong_use", OPERATOR),
        Cause("plan_stale", OPERATOR),
        Cause("fingerprint_differs", OPERATOR),
        Cause("plan_discarded", OPERATOR),
        Cause("plan_replaced", OPERATOR),
        Cause("plan_superseded", NOBODY),
        Cause("plan_says_the_same", NOBODY),
        Cause("plan_not_waiting", OPERATOR),
        Cause("choice_changed", OPERATOR),
        Cause("nothing_to_commit", OPERATOR),
        Cause("plan_not_approved", OPERATOR),
        Cause("nothing_to_undo", OPERATOR),
        Cause("plan_not_kept", OPERATOR),
        Cause("retention_too_short", ADMINISTRATOR),
        Cause("retention_at_work", ADMINISTRATOR),
        Cause("person_erased", NOBODY),
        Cause("customer_merged", NOBODY),
        Cause("document_of_erased", OPERATOR, repair=SYSTEM),
        Cause("erase_waits", ADMINISTRATOR),
        Cause("erase_unconfirmed", ADMINISTRATOR),
        Cause("mapping_published_since", OPERATOR),
        Cause("basis_changed_since", OPERATOR),
        Cause("plan_already_committed", OPERATOR),
        Cause("brake_changes", OPERATOR, repair=BRAKES),
        Cause("brake_price", OPERATOR, repair=BRAKES),
        Cause("brake_stock_zero", OPERATOR, repair=BRAKES),
        Cause("brake_new_debtors", OPERATOR, repair=BRAKES),
        Cause("brake_retirements", OPERATOR, repair=BRAKES),
        Cause("brake_off_sale", OPERATOR, repair=BRAKES),
        Cause("brake_emptied", OPERATOR, repair=BRAKES),
        Cause("brake_equalized", OPERATOR, repair=BRAKES),
        Cause("brake_offers_overlap", OPERATOR, repair=BRAKES),
        Cause("brake_offers_above", OPERATOR, repair=BRAKES),
        Cause("brake_source_empty", OPERATOR),
        Cause("brake_values_lost", OPERATOR),
        Cause("brake_foreign_documents", OPERATOR, repair=_setting("reference_prefix")),
        Cause("source_empty", OPERATOR),
        Cause("field_vanished", ADMINISTRATOR),
        Cause("column_repeated", ADMINISTRATOR),
        Cause("run_active", NOBODY),
        Cause("in_doubt", OPERATOR, repair=AGAIN),
        Cause("nothing_moves", ADMINISTRATOR),
        Cause("no_heartbeat", ADMINISTRATOR),
        Cause("log_behind", ADMINISTRATOR),
        Cause("undo_blocked", OPERATOR),
        Cause("unexpected_error", DEVELOPER),
        Cause("page_failed", DEVELOPER),
        Cause("address_unknown", ADMINISTRATOR),
        Cause("page_foreign", OPERATOR),
        Cause("not_offered", OPERATOR),
        Cause("ticket_spent", OPERATOR),
        Cause("part_failed", DEVELOPER),
        Cause("setting_invalid", ADMINISTRATOR, ("setting",)),
        Cause("listens_without_log_in", ADMINISTRATOR),
        Cause("flow_setting_invalid", ADMINISTRATOR, ("setting",), Repair(tab="settings")),
        Cause("row_impossible", OPERATOR),
        Cause("mapping_missing", ADMINISTRATOR),
        Cause("rule_invalid", ADMINISTRATOR),
        Cause("secret_key_wrong", ADMINISTRATOR),
        Cause("database_locked", ADMINISTRATOR),
        Cause("database_held", ADMINISTRATOR),
        Cause("database_unreachable", ADMINISTRATOR),
        Cause("disk_full", ADMINISTRATOR),
        Cause("log_owned_elsewhere", ADMINISTRATOR),
        Cause("log_broken", ADMINISTRATOR),
        Cause("log_away", ADMINISTRATOR),
        Cause("version_too_old", ADMINISTRATOR),
        Cause("alert_not_delivered", ADMINISTRATOR, graver=WARNING),
        Cause("audit_broken", ADMINISTRATOR),
        Cause("database_too_new", ADMINISTRATOR),
        Cause("restored_not_compared", OPERATOR, command="drift"),
        Cause("installation_moved", ADMINISTRATOR, command="place --confirm {code}"),
        Cause("system_in_question", ADMINISTRATOR, command="systems"),
        Cause("codes_of_former_system", ADMINISTRATOR, command="systems"),
        Cause("not_in_question", ADMINISTRATOR),
        Cause("role_in_use", ADMINISTRATOR),
        Cause("installation_differs", ADMINISTRATOR, command="place"),
        Cause("backup_nothing_there", ADMINISTRATOR),
        Cause("backup_at_work", OPERATOR),
        Cause("backup_not_written", ADMINISTRATOR),
        Cause("backup_program_missing", ADMINISTRATOR),
        Cause("backup_program_failed", ADMINISTRATOR),
        Cause("backup_broken", ADMINISTRATOR),
        Cause("backup_too_new", ADMINISTRATOR),
        Cause("backup_other_database", ADMINISTRATOR),
        Cause("backup_passphrase_wrong", ADMINISTRATOR),
        Cause("restore_not_empty", ADMINISTRATOR),
        Cause("configuration_invalid", ADMINISTRATOR),
        Cause("configuration_refused", ADMINISTRATOR),
        Cause("configuration_changed", ADMINISTRATOR),
        Cause("configuration_too_new", ADMINISTRATOR),
        Cause("setting_unknown", ADMINISTRATOR),
        Cause("folder_not_writable", ADMINISTRATOR),
        Cause("database_file_unusable", ADMINISTRATOR, command="restore FILE"),
        Cause("database_unusable", ADMINISTRATOR, command="restore FILE"),
        Cause("database_file_missing", ADMINISTRATOR, command="restore FILE"),
        Cause("engine_file_unusable", ADMINISTRATOR),
        Cause("key_file_missing", ADMINISTRATOR),
        Cause("key_file_unusable", ADMINISTRATOR),
        Cause("journal_file_unusable", ADMINISTRATOR),
        Cause("audit_head_missing", ADMINISTRATOR, command="restore FILE"),
        Cause("files_open_to_others", ADMINISTRATOR),
        Cause("files_left_behind", ADMINISTRATOR),
        Cause("connection_check_slow", ADMINISTRATOR),
        Cause("flow_late", ADMINISTRATOR),
        Cause("no_proof", ADMINISTRATOR),
        Cause("worker_stopped", ADMINISTRATOR, ("executor",)),
        Cause("lease_taken", NOBODY),
        Cause("lab_at_work", NOBODY),
        Cause("answered_meanwhile", NOBODY),
        Cause("merge_impossible", OPERATOR),
        Cause("merge_changed_meanwhile", OPERATOR),
        Cause("merge_run_active", NOBODY),
        Cause("lab_nothing_to_write", OPERATOR),
        Cause("lab_failed", DEVELOPER),
        Cause("cancelled", OPERATOR),
        Cause("preview_cancelled", OPERATOR),
        Cause("query_refused", OPERATOR),
        Cause("query_wrong", OPERATOR),
        Cause("query_wrong_at", OPERATOR),
        Cause("query_function", OPERATOR),
        Cause("query_function_alone", OPERATOR),
        Cause("query_type", OPERATOR),
        Cause("query_table", OPERATOR),
        Cause("query_long", OPERATOR),
        Cause("query_large", OPERATOR),
        Cause("query_values", OPERATOR),
        Cause("query_slow", OPERATOR),
        Cause("query_stopped", OPERATOR),
        Cause("blocked", NOBODY, repair=_setting("blocked")),
        Cause("filtered_out", NOBODY, repair=Repair(tab="filters", name="filters")),
        Cause("create_switched_off", NOBODY, repair=_setting("content")),
        Cause("groups_not_sent", NOBODY, repair=_setting("groups")),
        Cause("needed_record_missing", OPERATOR, ("key",), NEEDED),
        Cause("needed_record_parked", OPERATOR, ("needed",), NEEDED),
        Cause("undo_keeps", NOBODY),
        Cause("undo_keeps_filled", NOBODY),
        Cause("quotation_stays", NOBODY),
        Cause("value_reverted", NOBODY),
        Cause("already_in_target", NOBODY),
        Cause("document_cancelled", NOBODY),
        Cause("sale_booked", NOBODY),
        Cause("sale_planned", NOBODY),
        Cause("sale_in_day", NOBODY),
        Cause("not_at_the_till", NOBODY, repair=_setting("unlinked")),
        Cause("stock_not_managed", NOBODY, repair=_setting("managed")),
        Cause("left_out_by_number", NOBODY, repair=_setting("leave_out")),
        Cause("not_a_debtor", NOBODY, repair=_setting("accounts")),
        Cause("customer_shared", OPERATOR, ("customer", "number"), Repair(RepairKind.CHOICE)),
        Cause(
            "customer_taken",
            OPERATOR,
            ("customer", "number"),
            Repair(RepairKind.CHOICE, "settings", "other_external_id"),
        ),
        Cause("document_empty", NOBODY),
        Cause("documents_parked", NOBODY),
        Cause("debtor_creation_off", OPERATOR, repair=_setting("create_debtors")),
        Cause("day_document_unreadable", OPERATOR, ("field",), DAY),
        Cause("day_gap", OPERATOR, ("identity",), DAY),
        Cause("day_rows_missing", OPERATOR, repair=Repair(RepairKind.ROWS, "tables", "day_accounts")),
        Cause("day_account_missing", OPERATOR, ("group",), _row("day_accounts")),
        Cause("day_method_account_missing", OPERATOR, ("method",), _row("method_accounts")),
        Cause("day_cost_account_missing", OPERATOR, ("group",), _row("day_cost_accounts")),
        Cause("day_stock_account_missing", OPERATOR, ("group",), _row("day_stock_accounts")),
        Cause("day_cost_unreadable", OPERATOR, ("group", "field"), _setting("cost_of_sales")),
        Cause("day_cost_apart", OPERATOR, ("group",), _setting("cost_of_sales")),
        Cause("purchase_vat_code_unmapped", OPERATOR, ("code",), _row("purchase_vat_codes")),
        Cause("day_vat_rate_differs", OPERATOR, ("code", "theirs"), Repair(tab="tables", name="vat_codes_sales")),
        Cause("day_document_apart", OPERATOR, repair=Repair(RepairKind.FLOW, "settings", "invoices", flow="orders")),
        Cause("day_document_booked", NOBODY),
        Cause("day_reverse_charge", OPERATOR, repair=DAY),
        Cause("day_sale_abroad_untaxed", OPERATOR, repair=DAY),
        Cause("day_foreign_currency", OPERATOR, repair=DAY),
        Cause("day_vat_implausible", OPERATOR, repair=Repair(tab="tables", name="vat_codes_sales")),
        Cause("day_vat_undivided", OPERATOR, ("code",), DAY),
        Cause("day_open_item_unknown", OPERATOR, ("method",), DAY),
        Cause("day_debtor_missing", OPERATOR, repair=_code_of("collective_debtor")),
        Cause("day_down_payments_off", OPERATOR, repair=_code_of("down_payments_account")),
        Cause("day_drawer_account_missing", OPERATOR, ("setting",), Repair(RepairKind.SETTING, "settings")),
        Cause("day_vat_account_missing", OPERATOR, ("code",), _setting("mode")),
        Cause("ledger_missing", OPERATOR, ("account",), Repair(tab="tables", name="day_accounts")),
        Cause("ledger_unclear", OPERATOR, ("account",), Repair(tab="tables", name="day_accounts")),
        Cause("ledger_blocked", OPERATOR, ("account",), Repair(tab="tables", name="day_accounts")),
        Cause("ledger_wants", OPERATOR, ("account", "wants"), Repair(tab="tables", name="day_accounts")),
        Cause("day_page_unbalanced", OPERATOR, repair=DAY),
        Cause("day_reference_full", OPERATOR, ("branch",), DAY),
        Cause("day_period_closed", OPERATOR, repair=_setting("late")),
        Cause("day_not_closed", OPERATOR, repair=_setting("closed_by")),
        Cause("day_not_counted", OPERATOR, repair=_setting("counts")),
        Cause("day_booked_by_hand", OPERATOR),
        Cause("day_sale_elsewhere", OPERATOR),
        Cause("day_ledger_unreadable", OPERATOR, ("field",)),
        Cause("day_changed_after_booking", OPERATOR),
        Cause("day_changed_after_filing", OPERATOR),
        Cause("day_mapping_differs", OPERATOR, repair=FIELDS),
        Cause("day_page_differs", OPERATOR, repair=DAY),
        Cause("day_open", NOBODY),
        Cause("day_waits", NOBODY),
        Cause("day_empty", NOBODY, repair=_setting("empty_days")),
        Cause("day_kept", NOBODY),
        Cause("day_kept_by_hand", NOBODY),
        Cause("item_not_due", NOBODY),
        Cause("item_not_posted", NOBODY),
        Cause("item_open", NOBODY),
        Cause("item_open_again", OPERATOR, repair=SYSTEM),
        Cause("item_unclear", OPERATOR, repair=SYSTEM),
        Cause("invoice_not_at_the_till", NOBODY),
        Cause("invoice_of_another", OPERATOR, repair=SYSTEM),
        Cause("invoice_paid_at_the_till", NOBODY),
        Cause("payment_differs", OPERATOR, repair=SYSTEM),
        Cause("payment_too_high", OPERATOR, repair=SYSTEM),
        Cause("not_allowed", ADMINISTRATOR),
        Cause("logged_out", OPERATOR),
        Cause("person_unknown", ADMINISTRATOR),
        Cause("log_in_refused", OPERATOR),
        Cause("identity_unproven", ADMINISTRATOR),
        Cause("log_in_throttled", OPERATOR),
        Cause("invitation_spent", ADMINISTRATOR),
        Cause("password_weak", OPERATOR),
        Cause("person_name_invalid", ADMINISTRATOR),
        Cause("last_administrator", ADMINISTRATOR),
        Cause("first_administrator", ADMINISTRATOR),
        Cause("second_person_needed", OPERATOR),
        Cause("log_in_needed", ADMINISTRATOR),
        Cause("change_is_own", OPERATOR),
        Cause("change_request_gone", OPERATOR),
        Cause("change_log_in_needed", ADMINISTRATOR),
        Cause("file_change_waits", OPERATOR),
    )
}


# Causes that a check finds and no run does, so that a run never closes them.
APART = frozenset(code for code, known_cause in CAUSES.items() if known_cause.apart)


def cause(code: str) -> Cause:
    """Return the cause of a code. An unknown code is a guard of a flow (`brake_...`), or else an unexpected error."""
    own = Cause(code, OPERATOR, repair=BRAKES) if code.startswith("brake_") else CAUSES["unexpected_error"]
    return CAUSES.get(code, own)


def grouping_detail(code: str, facts: Mapping[str, str]) -> str:
    """Return the grouping facts of an issue as one text. Issues of one cause with the same text share one repair."""
    return " · ".join(facts.get(name, "") for name in cause(code).grouping_facts)
