"""Initial contents of AccountView: the shop's master data, and some documents typed by hand."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from integration.sandbox.accountview.conventions import Conventions, Value, tidy
from integration.sandbox.accountview.seed import prices
from integration.sandbox.accountview.tables import STAMP, Table
from integration.sandbox.shop.records import ShopArticle, ShopCustomer
from integration.sandbox.shop.shop import Shop

Values = Mapping[str, Value]

RECEIVABLES: Final = "1300"
SALES_DAYBOOK: Final = "700"
DAYBOOKS: Final = (
    ("100", "Kasboek", 1, "Kas", "1000"),
    ("200", "Bankboek", 2, "Bank", "1100"),
    ("500", "Inkoopboek", 3, "Inkoop", ""),
    ("600", "Memoriaal", 5, "Memoriaal", ""),
    (SALES_DAYBOOK, "Verkoopboek", 4, "Verkoop", ""),
)
COMPANIES: Final = (("KETTING", "Fietsenwinkel De Ketting B.V."), ("VERHUUR", "De Ketting Verhuur B.V."))
COST_CENTRES: Final = (("WINKEL", "Winkelverkoop"), ("WEB", "Webwinkel"), ("WERK", "Werkplaats"))
COUNTRIES: Final = {
    "NL": "Nederland",
    "DE": "Duitsland",
    "BE": "België",
    "FR": "Frankrijk",
    "GB": "Verenigd Koninkrijk",
    "US": "Verenigde Staten",
    "CH": "Zwitserland",
}
_ORDERS: Final = 10
_HISTORY: Final = 12
_PAGES: Final = 15
_NOTES: Final = ("Telefonisch", "Balie", "Per e-mail", "Werkplaats", "Beurs")


def fill_tables(tables: Mapping[str, Table], shop: Shop) -> None:
    """Fill empty tables with the complete shop."""
    settle_tables(tables, shop)
    tables["ART_GRP"].load(_groups(shop))
    tables["ARTICLE"].load(_article(article, shop) for article in shop.articles)
    tables["CONTACT"].load(
        {**_contact(customer, shop), **prices.debtor_values(place, customer)}
        for place, customer in enumerate(shop.customers)
    )
    tables["K9_PRICE"].load(prices.rows(shop))
    tables["DEL_ADDR"].load(_addresses(shop))
    random = Random(shop.seed + 2)
    tables["SO_HDR"].load(_orders(shop, random))
    tables["SO_LINE"].load(_order_lines(shop, random))
    tables["HST_AL"].load(_history(shop, random))
    tables["DJ_PAGE"].load(_pages(shop))
    tables["DJ_LINE"].load(_page_lines(shop))


def settle_tables(tables: Mapping[str, Table], shop: Shop) -> None:
    """Fill the tables that every administration needs: accounts, VAT codes, daybooks, cost centres."""
    stamp = _stamp(shop.today, 300)
    tables["LEDGER"].load(_ledgers(shop, stamp))
    tables["VAT"].load(_vats(shop, stamp))
    tables["DAILY"].load(
        {
            "DJ_CODE": code,
            "DJ_NAME": name,
            "DJ_TYPE": Decimal(type_),
            "DJ_TYPEV": word,
            "DJ_ACCT": account,
            "NUM_AUTO": code == SALES_DAYBOOK,
            "CNG_DATE": stamp,
            "CNG_NR": Decimal(1),
        }
        for code, name, type_, word, account in DAYBOOKS
    )
    tables["COMP_HDR"].load({"COMP_ID": code, "COMP_DESC": name, "CNG_DATE": stamp} for code, name in COMPANIES)
    tables["COST"].load(
        {"COST_CODE": code, "COST_DESC": name, "CNG_DATE": stamp, "CNG_NR": Decimal(1)} for code, name in COST_CENTRES
    )


def stock_by_branch(shop: Shop) -> Iterator[Values]:
    """Yield the custom table of stock per branch; it is large, so it is generated on demand."""
    number = 0
    for article in shop.articles:
        for branch, quantity in article.stock.items():
            number += 1
            yield {
                "REC_ID": f"{number:08}",
                "ART_CODE": article.code,
                "K9_BRANCH": str(branch),
                "K9_QTY": tidy(quantity),
                "CNG_DATE": _stamp(shop.today, number % 60 + 1),
            }


def administrations(shop: Shop) -> Iterator[Values]:
    """Yield one administration per fiscal year, each with its predecessor."""
    for year in range(shop.today.year - 2, shop.today.year + 2):
        yield {
            "ADM_CODE": f"KET{year}",
            "ADM_DESC": f"Fietsenwinkel De Ketting {year}",
            "ADM_PREV": f"KET{year - 1}",
            "ATS_YEAR": str(year),
            "BOOK_DATE": _stamp(shop.today, 1),
            "DBC_NAME": f"KET{year}",
            "ADM_DIR": f"ketting\\{year}",
        }


def periods(shop: Shop, conventions: Conventions) -> Iterator[Values]:
    """Yield the periods of the fiscal years around today."""
    number = 0
    for year in range(shop.today.year - 3, shop.today.year + 3):
        first = conventions.year_of(shop.today.replace(year=year, month=12, day=31))
        for period, (start, end) in enumerate(conventions.periods_of(first), start=1):
            number += 1
            yield {
                "REC_ID": f"{number:06}",
                "PER_NR": Decimal(period),
                "START_DATE": f"{start}T00:00:00",
                "END_DATE": f"{end}T00:00:00",
            }


def article_values(article: ShopArticle) -> Values:
    """Return an article as AccountView stores it, without its stamps."""
    total = tidy(sum(article.stock.values(), Decimal(0)))
    cost = tidy((article.price_excl * Decimal("0.6")).quantize(Decimal("0.0001")))
    reserved = Decimal(min(1, int(total))) if (article.number or 0) % 10 == 0 else Decimal(0)
    return {
        "ART_CODE": article.code.upper(),
        "ART_DESC1": article.name,
        "AG_CODE": article.group,
        "PX_SELL": tidy(article.price_excl),
        "QTY_AVAIL": total,
        "QTY_FREE2": tidy(total - reserved),
        "QTY_TECH": total,
        "COST_PX": cost,
        "L_COSTPX": cost,
        "VAT_CODE": article.vat,
        "UNT_CODE": article.unit.upper(),
        "CUR_CODE": article.currency,
        "REC_BLK": article.blocked,
        "K9_EAN": article.ean,
        "K9_TEXT": article.text,
        "K9_PARENT": article.parent,
        "K9_COLOUR": article.colour,
        "K9_SIZE": article.size,
        "K9_ORIGIN": article.origin,
        "K9_DELIV": article.delivery,
        "K9_RSRV": reserved,
        "K9_MINQ": Decimal(5),
        "K9_DGRP": prices.discount_group_of(article),
    }


def _article(article: ShopArticle, shop: Shop) -> Values:
    stamp = _stamp(shop.today, (article.number or 0) % 180 + 2)
    return {**article_values(article), "CNG_DATE": stamp, "CNG_NR": Decimal(1), "INP_DATE": stamp}


def _groups(shop: Shop) -> Iterator[Values]:
    for group in shop.groups:
        yield {
            "AG_CODE": group.code,
            "AG_DESC": group.name,
            "K9_PARENT": group.parent,
            "CNG_DATE": _stamp(shop.today, 200),
            "CNG_NR": Decimal(1),
        }


def _ledgers(shop: Shop, stamp: str) -> Iterator[Values]:
    for ledger in shop.ledgers:
        yield {
            "ACCT_NR": ledger.number,
            "ACCT_NAME": ledger.name,
            "STAT_SELL": ledger.sells,
            "ACCT_LINK": Decimal({RECEIVABLES: 1, "1400": 2}.get(ledger.number, 0)),
            "ACCT_TYPE": Decimal(1 if ledger.number < "4000" else 2),
            "CNG_DATE": stamp,
            "CNG_NR": Decimal(1),
        }


def _vats(shop: Shop, stamp: str) -> Iterator[Values]:
    for number, vat in enumerate(shop.vats, start=1):
        yield {
            "VAT_CODE": vat.code,
            "VAT_NAME": vat.name,
            "VAT_PCT": vat.pct,
            "VAT_TYPE": Decimal(1),
            "CALC_TYPE": Decimal(1),
            "VAT_ACCT": vat.account,
            "IS_REVERSE": vat.reverse,
            "FRM_CODE": f"{number}A",
            "CNG_DATE": stamp,
            "CNG_NR": Decimal(1),
        }


def _contact(customer: ShopCustomer, shop: Shop) -> Values:
    name = customer.company or customer.contact
    stamp = _stamp(shop.today, int(customer.number) % 90 + 2)
    return {
        "SUB_NR": customer.number,
        "ACCT_NAME": name,
        "SRC_CODE": "".join(letter for letter in name.upper() if letter.isalpha())[:10],
        "ACCT_NR": RECEIVABLES,
        "MAIL_BUS": customer.email,
        "TEL_BUS": customer.phone,
        "ADDRESS1": customer.street,
        "POST_CODE": customer.postcode,
        "CITY": customer.city,
        "BOX_CITY": customer.city,
        "CNT_CODE": customer.country,
        "COUNTRY": COUNTRIES[customer.country],
        "VAT_NR": customer.vat_number,
        "COC_CODE": customer.kvk,
        "MAIN_CONT": customer.contact if customer.company else "",
        "DISC_CODE": "14" if customer.company else "",
        "CUR_CODE": "EUR",
        "CNG_DATE": stamp,
        "CNG_NR": Decimal(1),
        "INP_DATE": stamp,
    }


def _addresses(shop: Shop) -> Iterator[Values]:
    for number, customer in enumerate(shop.customers[:40:4], start=1):
        yield {
            "REC_ID": f"A{number:07}",
            "SUB_NR": customer.number,
            "DEL_NAME": f"{customer.company or customer.contact} (magazijn)"[:40],
            "ADDRESS1": f"Laaddok {number}",
            "POST_CODE": customer.postcode,
            "CITY": customer.city,
            "CNT_CODE": customer.country,
            "MAIL_BUS": customer.email,
        }


def _orders(shop: Shop, random: Random) -> Iterator[Values]:
    for number in range(1, _ORDERS + 1):
        customer = random.choice(shop.customers)
        stamp = _stamp(shop.today, number)
        yield {
            "ORD_NR": order_number(shop.today, number),
            "RPL_INV": customer.number,
            "RPL_DEL": customer.number,
            "ORD_DATE": _day(shop.today, number),
            "DEL_DATE": _day(shop.today, number - 5),
            "COMMENT1": f"{random.choice(_NOTES)} {customer.contact}"[:40],
            "TO_EMAIL": customer.email,
            "GROSS_FLG": True,
            "CNG_DATE": stamp,
            "CNG_NR": Decimal(1),
        }


def _order_lines(shop: Shop, random: Random) -> Iterator[Values]:
    sold = [candidate for candidate in shop.articles if not candidate.fault and candidate.price_excl]
    for number in range(1, 2 * _ORDERS + 1):
        article = random.choice(sold)
        yield {
            "REC_ID": f"{number:08}",
            "ORD_NR": order_number(shop.today, (number + 1) // 2),
            "ART_CODE": article.code,
            "ART_DESC1": article.name,
            "ORD_QTY": Decimal(random.randint(1, 3)),
            "ART_PX": tidy(_incl(article)),
            "VAT_CODE": article.vat,
        }


def _history(shop: Shop, random: Random) -> Iterator[Values]:
    sold = [candidate for candidate in shop.articles if not candidate.fault and candidate.price_excl]
    for number in range(1, _HISTORY + 1):
        article, customer = random.choice(sold), random.choice(shop.customers)
        yield {
            "REC_ID": f"H{number:07}",
            "ART_CODE": article.code,
            "ART_DESC1": article.name,
            "ART_QTY": Decimal(random.randint(1, 3)),
            "UNIT_PX": tidy(_incl(article)),
            "ART_UNIT": article.unit.upper(),
            "HST_AH_HDR_TYPE": Decimal(1),
            "HST_AH_RPL_INV": customer.number,
            "HST_AH_DC_NAME": customer.company or customer.contact,
            "HST_AH_INV_DATE": _day(shop.today, 20 + number),
            "HST_AH_DEL_DATE": _day(shop.today, 18 + number),
            "HST_AH_COMMENT1": f"{random.choice(_NOTES)} {customer.contact}"[:40],
            "CNG_DATE": _stamp(shop.today, 20 + number),
        }


def _pages(shop: Shop) -> Iterator[Values]:
    for number in range(1, _PAGES + 1):
        customer = shop.customers[number % len(shop.customers)]
        day = shop.today - timedelta(days=number)
        stamp = _stamp(shop.today, number)
        yield {
            "DJ_CODE": SALES_DAYBOOK,
            "PAGE_NR": page_number(shop.today, number),
            "HDR_DESC": f"Factuur {number}",
            "SUB_NR": customer.number,
            "INV_NR": f"F{day.year}{number:04}",
            "TRN_DATE": _day(shop.today, number),
            "PERIOD": Decimal(day.month),
            "CUR_CODE": "EUR",
            "CRED_DAYS": Decimal(14),
            "PAGE_AMT": Decimal(121 * number),
            "PAGE_VAT": Decimal(21 * number),
            "CNG_DATE": stamp,
            "CNG_NR": Decimal(1),
        }


def _page_lines(shop: Shop) -> Iterator[Values]:
    for number in range(1, _PAGES + 1):
        yield {
            "REC_ID": f"{number:06}",
            "DJ_CODE": SALES_DAYBOOK,
            "PAGE_NR": page_number(shop.today, number),
            "ACCT_NR": "8030",
            "TRN_DESC": "Verkoop accessoires",
            "AMOUNT": Decimal(100 * number),
            "VAT_CODE": "1",
            "VAT_AMT": Decimal(21 * number),
            "TRN_QTY": Decimal(1),
            "TRN_DATE": _day(shop.today, number),
        }


def order_number(today: date, serial: int) -> str:
    """Return an order number of this year."""
    return f"{today.year % 100}{serial:06}"


def page_number(today: date, serial: int) -> str:
    """Return a page number of this year."""
    return f"{today.year % 100}{serial:05}"


def _incl(article: ShopArticle) -> Decimal:
    return (article.price_excl * (100 + article.vat_pct) / 100).quantize(Decimal("0.01"))


def _day(today: date, days_ago: int) -> str:
    return datetime.combine(today - timedelta(days=days_ago), time()).strftime(STAMP)


def _stamp(today: date, days_ago: int) -> str:
    """Return a time in office hours, the given number of days before today."""
    clock = time(9 + days_ago % 8, days_ago * 7 % 60, days_ago * 13 % 60)
    return datetime.combine(today - timedelta(days=days_ago), clock).strftime(STAMP)
