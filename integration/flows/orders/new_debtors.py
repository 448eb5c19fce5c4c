"""Defaults of new debtors by country, where no rule gives a value: VAT code and revenue account."""

from collections.abc import Mapping

from integration.core.errors import Reason
from integration.core.flow import Ownership
from integration.core.plan import Policy
from integration.core.records import Value
from integration.core.rules import EMPTY, as_text
from integration.core.traces import Trace, TraceStep
from integration.flows.orders.codes import REVENUE_TABLE
from integration.flows.orders.settings import OrderSettings

VAT_CODE, REVENUE_ACCOUNT = "vat_code", "revenue_account"


class NewDebtors:
    """The defaults of new debtors. The account comes from the table of revenue accounts."""

    def __init__(self, settings: OrderSettings, revenue_accounts: Mapping[str, str]) -> None:
        self._settings = settings
        self._accounts = revenue_accounts

    @property
    def policy(self) -> Policy:
        """The ownership of these fields: written only on create, and only if the settings provide them."""
        default_fields = {
            VAT_CODE: bool(self._settings.debtor_vat_codes),
            REVENUE_ACCOUNT: self._settings.debtor_accounts,
        }
        return {f"debtor.{name}": Ownership.ON_CREATE for name, is_given in default_fields.items() if is_given}

    def default_values(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Return the default values for a debtor by its country; fields that already have a value are left out."""
        country, settings = as_text(values.get("country")), self._settings
        code = as_text(values.get(VAT_CODE)) or settings.debtor_vat_codes.get(country, "")
        row = ""
        if settings.debtor_accounts:
            row = REVENUE_TABLE.row(self._accounts, home=settings.default_country, country=country, code=code)
        defaults = {VAT_CODE: code, REVENUE_ACCOUNT: self._accounts.get(row, "").strip()}
        return {name: value for name, value in defaults.items() if value and values.get(name) in EMPTY}

    def traced(self, traces: list[Trace]) -> list[Trace]:
        """Return the traces of a debtor, including those of its defaults."""
        values = {trace.target.partition(".")[2]: trace.value for trace in traces}
        defaults = {f"debtor.{name}": value for name, value in self.default_values(values).items()}
        step = f"by_country {as_text(values.get('country'))}"
        rest = [trace for trace in traces if trace.target not in defaults]
        why = Reason("because_country", {"country": as_text(values.get("country"))})
        return rest + [
            Trace(target, (TraceStep(step, value),), value, reason=why) for target, value in defaults.items()
        ]
