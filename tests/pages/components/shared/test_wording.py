"""A foreign text in our sentences is shown as it is, with any characters that Markdown gives a meaning."""

import re

from markdown_it import MarkdownIt

from integration.core.untrusted_text import visible
from pages.components.shared.wording import plain, struck
from tests.hostile import EVERY

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ELEMENT = re.compile(r":color\[(.*?)\]")  # of no colour: an address in it is no link
LIVE = re.compile(
    r"(?<! )\*|\*(?! )|(?<![^\W_])_|_(?![^\W_])|[~`<>$|\\\[\]]|^#|#$|:[a-z]+\[|https?:|www\.|(?<=[\w.+-])@(?=[\w-])",
    re.IGNORECASE,
)


def test_a_name_is_shown_as_it_is() -> None:
    for name in EVERY:
        opened, inline, closed = READER.parse(plain(name))
        content = "".join(token.content for token in inline.children or [])

        assert (opened.type, closed.type) == ("paragraph_open", "paragraph_close")
        assert {token.type for token in inline.children or []} <= {"text", "text_special"}
        assert ELEMENT.sub(r"\1", content) == re.sub(" +", " ", visible(name)).strip(" ")
        assert LIVE.findall(ELEMENT.sub("", plain(name)).replace("&#", "")) == []


def test_an_old_value_with_figures_has_no_line_through_it() -> None:
    assert struck("blauw") == "~~blauw~~"
    assert struck("10") == ":gray[10]"


def test_a_label_of_a_control_is_readable_without_rendering() -> None:
    assert plain("5 · BTW verlegd (0 %)") == "5 · BTW verlegd (0 %)"
    assert plain("Fietsen & Co") == "Fietsen & Co"
    assert plain("De Ketting Utrecht: 12 orders, 1.5 km - new!") == "De Ketting Utrecht: 12 orders, 1.5 km - new!"
    assert plain("- 1. x") == "&#45; 1&#46; x"  # at the beginning they would begin a list
    assert plain("ART_CODE 5 * 3 @ 2,50 @home") == "ART_CODE 5 * 3 @ 2,50 @home"
    assert plain("Kassa #2, # 3 #") == "Kassa #2, &#35; 3 &#35;"
    assert plain("_a_ *b* a@b.nl") == "&#95;a&#95; &#42;b&#42; a:color[&#64;]b.nl"  # italics, and an address
