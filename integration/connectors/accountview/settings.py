"""How AccountView is reached, and which of its objects and fields mean what in this installation.

Every name of an object or field is a setting, because installations differ; `AccountView.check` holds them against
the dictionary. An empty name means: this installation has no such field.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from integration.connectors.http import Pace


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class BusinessObject(_Settings):
    """One thing the web API serves: the code it is asked by, and the table its rows come in."""

    code: str
    table: str


class Objects(_Settings):
    """The object codes of this installation; the tables of an answer have other names than the objects."""

    articles: BusinessObject = BusinessObject(code="AK1", table="ARTICLE")
    groups: BusinessObject = BusinessObject(code="AG1", table="ART_GRP")
    vat: BusinessObject = BusinessObject(code="VA1", table="VAT")
    ledgers: BusinessObject = BusinessObject(code="GL1", table="LEDGER")
    debtors: BusinessObject = BusinessObject(code="AR1", table="CONTACT")
    delivery_addresses: BusinessObject = BusinessObject(code="ADDR", table="DEL_ADDR")
    orders: BusinessObject = BusinessObject(code="SO1", table="SO_HDR")
    daybooks: BusinessObject = BusinessObject(code="DJ1", table="DAILY")
    postings: BusinessObject = BusinessObject(code="DJ2", table="DJ_PAGE")
    fields: BusinessObject = BusinessObject(code="FLD", table="DCT_FLD")


class ArticleFields(_Settings):
    """Which column of an article holds what."""

    code: str = Field("ART_CODE", min_length=1)
    name: str = "ART_DESC1"
    price: str = "PX_SELL"
    group: str = "AG_CODE"
    vat_code: str = "VAT_CODE"
    unit: str = "UNT_CODE"
    blocked: str = "REC_BLK"
    changed: str = "CNG_DATE"
    ean: str = ""
    text: str = ""
    short_text: str = ""
    parent: str = ""
    colour: str = ""
    size: str = ""
    currency: str = ""
    stock: str = "QTY_AVAIL"


class GroupFields(_Settings):
    """Which column of an article group holds what."""

    code: str = Field("AG_CODE", min_length=1)
    name: str = "AG_DESC"
    parent: str = ""


class AccountViewSettings(_Settings):
    """Where AccountView is, who we are there, and how hard it may be asked.

    One call at a time is the default: behind the web API works a program on the customer's own machine.
    """

    url: str = "https://www.accountview.net/api/v3"
    authorize_url: str = "https://www.accountview.net/ams/authorize.aspx"
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    refresh_token: SecretStr | None = None
    company: str = ""  # the Id of the list of companies, not the code people see
    in_flight: int = Field(1, ge=1, le=16)
    per_second: float = Field(10, gt=0)
    connect_seconds: float = Field(10, gt=0)
    read_seconds: float = Field(60, gt=0)
    attempts: int = Field(5, ge=1)
    patience_seconds: float = Field(120, gt=0)
    page_size: int = Field(1000, ge=1, le=1000)
    page_strategy: Literal["number", "last_key"] = "number"
    overlap_seconds: int = Field(300, ge=0)  # stamps come from the clocks of several workstations
    time_zone: str = "Europe/Amsterdam"
    objects: Objects = Objects()
    article: ArticleFields = ArticleFields()
    group: GroupFields = GroupFields()

    def pace(self) -> Pace:
        """Return the limits of the line."""
        return Pace(
            in_flight=self.in_flight,
            per_second=self.per_second,
            connect_seconds=self.connect_seconds,
            read_seconds=self.read_seconds,
            attempts=self.attempts,
            patience_seconds=self.patience_seconds,
        )
