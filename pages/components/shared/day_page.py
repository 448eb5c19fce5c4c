"""A daybook page as a bookkeeper reads it: named accounts, debit and credit columns, and totals."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial

import streamlit as st

from integration.application.application import Application
from integration.core.days.books import DayLine
from integration.core.days.till import total
from pages.components.shared.application import guarded
from pages.components.shared.layout import mark, note
from pages.components.shared.rows import vat_label
from pages.components.shared.wording import Markdown, amount_text, number, plain, text

SHOWN_DOCUMENTS = 3  # documents named for each line; the others are counted


def day_page(app: Application, books: str, lines: Sequence[DayLine], *, gross: bool = False, place: int = 0) -> None:
    """Draw the lines of a daybook page with debit, credit, totals, and the documents behind each line.

    `books` is the system that has the names of accounts and VAT codes. In `gross` lines the amount includes VAT.
    `place` differs for each page on the screen.
    """
    ledgers = app.lists.captions(books, "ledgers")
    with st.container(key=f"wide-day-page-{place}"):  # aligns debit and credit in console.css
        st.table(
            page_rows(lines, ledgers, partial(vat_label, app, books), gross=gross), border="horizontal", hide_index=True
        )
    _balance_note(lines, gross=gross)


def narrow_day_page(app: Application, books: str, lines: Sequence[DayLine], title: str, *, gross: bool = False) -> None:
    """Draw a narrow table of a daybook page, with a button that opens the table with the documents behind each line."""
    ledgers = app.lists.captions(books, "ledgers")
    with st.container(key="narrow-day-page"):  # aligns debit and credit in console.css
        st.table(
            short_rows(lines, ledgers, partial(vat_label, app, books), gross=gross),
            border="horizontal",
            hide_index=True,
        )
    _balance_note(lines, gross=gross)
    if st.button(text("btn_receipts_behind"), icon=":material/receipt_long:", type="tertiary", key="receipts_behind"):
        dialog = st.dialog(plain(title), width="large", icon=":material/receipt_long:")
        dialog(guarded(day_page))(app, books, lines, gross=gross)


def _balance_note(lines: Sequence[DayLine], *, gross: bool) -> None:
    off = total(day_line.amount if gross else day_line.gross_amount for day_line in lines)
    if off:
        note(f"{mark('failed')} {text('page_off', amount=amount_text(off))}")
    else:
        note(f"{mark('ok')} {text('page_balances', amount=amount_text(_side_total(lines, 1, gross=gross)))}")


def short_rows(
    lines: Sequence[DayLine], ledgers: Mapping[str, str], vat_said: Callable[[str], str], *, gross: bool = False
) -> list[dict[Markdown, Markdown]]:
    """Return the rows of a narrow table: account and description share a column, and VAT is only the code."""
    account, debit, credit, vat = (text(f"col_{name}") for name in ("account", "debit", "credit", "vat"))
    rows = []
    for day_line in lines:
        moved = day_line.amount if gross else day_line.gross_amount
        rows.append(
            {
                account: f"{plain(_account(day_line, ledgers))} :small[:gray[{plain(day_line.text)}]]",
                debit: amount_text(moved) if moved > 0 else "",
                credit: amount_text(-moved) if moved < 0 else "",
                vat: plain(vat_said(day_line.vat_code)),
            }
        )
    sums = [_side_total(lines, sign, gross=gross) for sign in (1, -1)]
    total_ = {account: text("page_total"), debit: amount_text(sums[0]), credit: amount_text(sums[1])}
    rows.append({**{name: f"**{cell}**" for name, cell in total_.items()}, vat: ""})
    return rows


def page_rows(
    lines: Sequence[DayLine], ledgers: Mapping[str, str], vat_said: Callable[[str], str], *, gross: bool = False
) -> list[dict[Markdown, Markdown]]:
    """Return the rows of the full table, ending with the totals of debit and credit, VAT included."""
    account, description, debit, credit, vat, behind = (
        text(f"col_{name}") for name in ("account", "description", "debit", "credit", "vat", "documents_behind")
    )
    rows = []
    for day_line in lines:
        moved = day_line.amount if gross else day_line.gross_amount
        line_texts = [day_line.text, *(f"{day_line.debtor} {day_line.item}".split())]
        rows.append(
            {
                account: plain(_account(day_line, ledgers)),
                description: plain(" · ".join(line_texts)),
                debit: amount_text(moved) if moved > 0 else "",
                credit: amount_text(-moved) if moved < 0 else "",
                vat: _vat(day_line, vat_said),
                behind: _documents(day_line.documents),
            }
        )
    sums = [_side_total(lines, sign, gross=gross) for sign in (1, -1)]
    rows.append(
        {
            account: f"**{text('page_total')}**", description: "", debit: f"**{amount_text(sums[0])}**",
            credit: f"**{amount_text(sums[1])}**", vat: "", behind: "",
        }
    )  # fmt: skip
    return rows


def _account(day_line: DayLine, ledgers: Mapping[str, str]) -> str:
    return f"{day_line.account} {ledgers.get(day_line.account, '')}".strip()


def _side_total(lines: Sequence[DayLine], sign: int, *, gross: bool) -> Decimal:
    moved = (sign * (day_line.amount if gross else day_line.gross_amount) for day_line in lines)
    return total(amount for amount in moved if amount > 0)


def _vat(day_line: DayLine, vat_said: Callable[[str], str]) -> Markdown:
    if not day_line.vat_code:
        return ""
    return plain(vat_said(day_line.vat_code)) + (f" · {amount_text(abs(day_line.vat))}" if day_line.vat else "")


def _documents(numbers: Sequence[str]) -> Markdown:
    shown_numbers = ", ".join(numbers[:SHOWN_DOCUMENTS])
    more = len(numbers) - SHOWN_DOCUMENTS
    return plain(shown_numbers) + (f" +{number(more)}" if more > 0 else "")
