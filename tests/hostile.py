"""Hostile names: texts that a page, a chart, a terminal, a log or a spreadsheet could execute or hide."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle

from integration.sandbox.accountview.conventions import Conventions
from integration.sandbox.journal import Journal
from integration.sandbox.server import Sandbox, start
from integration.sandbox.shop.shop import Shop, make_shop

FOREIGN = "evil.example"  # no host of ours: nothing may be asked of it, and nothing lead there
ALL_WELL = "All well"  # what the names would have a terminal say

MARKDOWN = (
    f"[x](http://{FOREIGN}/l)",
    f"![x](http://{FOREIGN}/i.png)",
    f"x) [y](http://{FOREIGN}/a) (",
    f"[r]: http://{FOREIGN}/r",
    f"<http://{FOREIGN}/>",
    f"http://{FOREIGN}/bare",
    f"HTTPS://{FOREIGN}/bare",
    f"www.{FOREIGN}",
    f"boss@{FOREIGN}",
    f"mailto:boss@{FOREIGN}",
    "**bold** _it_ ~~gone~~",
    "# head",
    "1. list",
    "- list",
    "> quote",
    "`inline` ```more",
    "$e^{x}$ $$y$$",
    ":red[well]",
    ":green-badge[Proven]",
    ":material/check_circle:",
    ":material_check_circle:",
    ":streamlit: :smile: :+1:",
    "[^1] note",
    "| a | b |",
    "a -> b <- c -- d >= e <= f ~= g <-> h",
    "a] b [c",
    "back\\slash\\",
    "&lt;b&gt; &#60; &nbsp;",
)
HTML = (
    f"<img src=http://{FOREIGN}/p.png onerror=alert(1)>",
    f"<script src=//{FOREIGN}/s.js></script>",
    f'"><a href="//{FOREIGN}/q">y</a>',
    "<b>bold</b><br>next",
    "</style><style>*{display:none}</style>",
    f"<a href='http://{FOREIGN}/c'>chart</a>",
    "%{x} %{fullData.name} {{y}}",
    "javascript:alert(1)",
)
TERMINAL = (
    "\x1b[2J\x1b[HAll well",
    f"\x1b]8;;http://{FOREIGN}/t\x1b\\here\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;title\x07",
    "\x9b31mred",
    "x\rAll well",
    "x\b\b\bgone",
    "two\nAll well: 0 parked",
    "two\r\nAll well",
    "a\tb\tc",
    f"[link=http://{FOREIGN}/m]x[/link] [red]y[/red] [/]",
    "a\u0301" + "\u0336\u0337\u0338\u0489" * 5,
    "\u20e0first",
    "\x00nul\x7fdel",
)
UNSEEN = (
    "invoice\u202efdp.exe",
    "\u2066a\u2067b\u2068c\u2069",
    "\u202aa\u202bb\u202cc\u202dd",
    "l\u200er\u200fa\u061c",
    "zero\u200bwidth\u200cjoin\u200d\u2060\ufeff",
    "soft\u00adhyphen\u034f\u3164",
    "line\u2028par\u2029next\u0085",
    "tag\U000e0041\U000e0042",
    "\ue000private",
)
FORMULAS = (
    "=1+1",
    "+31 6 12345678",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =cmd|' /C calc'!A0",
    "'=1",
    '"=1',
    "＝1＋1",
    "－1",
    "＠x",
    "Jan;=1+1",
    "red\n=1",
    "\ufeff=1",
)
EVERY = (*MARKDOWN, *HTML, *TERMINAL, *UNSEEN, *FORMULAS)


def without_control_characters(text: str) -> str:
    """Return a name without the characters that XML cannot hold."""
    return "".join(sign for sign in text if sign in "\t\n\r" or (sign >= " " and sign not in "\ufffe\uffff"))


KEYS = (
    "[K](/L)",
    "K)[Y](//EVIL.EXAMPLE",
    "K/../B?C=D&E#F",
    "=1+1",
    "K\u202eYEK",
    "K:RED[X]",
    "K%0A%1B",
    "<B>K</B>",
)  # of articles


def shop(articles: int = 60) -> Shop:
    """Return the sample shop with hostile names in every text. Names in AccountView may have any character."""
    kind, names, tame = make_shop(articles, orders=20), cycle(EVERY), cycle(map(without_control_characters, EVERY))
    single = [
        at for at, article in enumerate(kind.articles) if not article.parent and not article.fault and article.number
    ]
    codes = dict(zip(single, KEYS, strict=False))
    return replace(
        kind,
        articles=tuple(
            replace(article, name=next(names), text=next(names), code=codes.get(at, article.code))
            for at, article in enumerate(kind.articles)
        ),
        groups=tuple(replace(group, name=next(names)) for group in kind.groups),
        vats=tuple(replace(vat, name=next(tame)) for vat in kind.vats),
        ledgers=tuple(replace(ledger, name=next(names)) for ledger in kind.ledgers),
        branches=tuple(
            replace(branch, name=next(tame), city=next(tame), street=next(tame)) for branch in kind.branches
        ),
        customers=tuple(
            replace(
                customer,
                company=next(tame) if customer.company else "",
                contact=next(tame),
                email=next(tame),
                street=next(tame),
                city=next(tame),
                phone=next(tame),
            )
            for customer in kind.customers
        ),
    )


def harmful(output: str) -> list[str]:
    """Return control characters that a terminal executes or hides, and lines that the console did not write."""
    signs = [
        ascii(sign) for sign in output if sign != "\n" and unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp", "Cs")
    ]
    return signs + [line for line in output.splitlines() if line.startswith(ALL_WELL)]


@contextmanager
def systems(articles: int = 60) -> Iterator[Sandbox]:
    """Run both systems with hostile names during the block."""
    sandbox = start(
        shop=shop(articles), ports=(0, 0), journal=Journal(None), conventions=Conventions(), token_seconds=3600
    )
    try:
        yield sandbox
    finally:
        sandbox.stop()
