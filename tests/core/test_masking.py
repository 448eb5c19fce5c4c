"""Masking of secrets in texts, in every spelling, and the name that replaces each."""

import re
import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration.core.masking import MASK, masked, masked_text, register_secrets
from tests.canary_secrets import SPELLINGS, WRONG_TILL_SECRET, spellings_of

# As they are given out: of some length, of the signs that are typed or made by machines.
SECRETS = st.text(
    st.sampled_from("abcdefghkmnpqrstuvwxyzABCDEFGHKLMNPQRSTUVWXYZ23456789/+&<>\"'=-_. éß€"), min_size=12, max_size=60
)
AROUND = st.sampled_from(
    ["", " ", "De kassa zegt: ", '{"ErrorMessage": "', "<b>", "https://till.example/?x=1&y=", "\n", "(", "'"]
)


def without_outer_blanks(secret: str) -> str:
    """No machine gives out a secret with blanks around it."""
    return re.sub(r"^[\s.]|[\s.]$", "x", secret)


@pytest.mark.parametrize("spelling", SPELLINGS)
@settings(max_examples=15)  # of each spelling
@given(secret=SECRETS.map(without_outer_blanks), before=AROUND, others=st.lists(SECRETS, max_size=3))
def test_a_secret_is_redacted_in_every_spelling(spelling: str, secret: str, before: str, others: list[str]) -> None:
    assert_redacted(spelling, secret, before, others)


def test_these_secrets_are_redacted_in_every_spelling() -> None:
    for spelling, secret in product(
        SPELLINGS, [WRONG_TILL_SECRET, "at-0f8fad5bd9cb469fa165708677289501", "wachtwoord €😀/1"]
    ):
        assert_redacted(spelling, secret, "De kassa zegt: ", ["sandbox-secret"])


def test_a_secret_of_three_characters_is_masked() -> None:
    assert masked("ident=x, De kassa zegt: K7q", ["K7q"]) == f"ident={MASK}, De kassa zegt: {MASK}"


def assert_redacted(spelling: str, secret: str, before: str, others: list[str]) -> None:
    spelled_secret = SPELLINGS[spelling](secret)
    output = masked(f"{before}{spelled_secret}", [*others, secret])
    assert MASK in output
    assert len(output) <= len(before) + 2 * len(MASK) + 4
    if "cut" not in spelling:
        behind = masked(f"{before}{spelled_secret} en verder", [secret])
        assert behind.endswith(" en verder")
        assert spelled_secret not in behind


@pytest.mark.parametrize(
    "text",
    [
        "\\ud83d\\ude00 planted-secret-1", "\\U0001F600planted-secret-1", "\\U00110000planted-secret-1",
        "\\ud83d!planted-secret-1", "%ff%C3planted-secret-1", "…ted-secret-1", "ed-secret-1 was refused",
        "xx anted-secret- yy", "&nosuch;planted-secret-1", "\nplanted-se…", "planted-sec [cut]",
        "planted\\-secret\\-1", "cGxhbnRlZC1z\nZWNyZXQtMQ==", "PLANTED\\U002DSECRET-1",
    ],
)  # fmt: skip
def test_a_secret_beside_strange_signs_is_redacted(text: str) -> None:
    output = masked(text, ["planted-secret-1"])
    assert MASK in output
    assert [part for part in ("planted-s", "d-secret", "ZWNyZXQ") if part in output] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://till/?ident=shop&secret=x9 en verder", "https://till/?ident=***&secret=*** en verder"),
        ("https://till/?ident%3Dshop%26secret%3dx9", "https://till/?ident%3D***%26secret%3d***"),
        ("ident%253Dshop%2526secret%253Dx9", "ident%253D***%2526secret%253D***"),
        ("?ident=shop\\u0026secret=x9", "?ident=***\\u0026secret=***"),
        ("?ident=shop&amp;secret=x9", "?ident=***&amp;secret=***"),
        ("?code=abc&redirect_uri=x", "?code=***&redirect_uri=x"),
        ("code_verifier=abc", "code_verifier=***"),
        ('{"access_token":"abc","refresh_token" : "def"}', '{"access_token":"***","refresh_token" : "***"}'),
        ('{\\"access_token\\":\\"abc\\"}', '{\\"access_token\\":\\"***\\"}'),
        ("{'client_secret': 'abc'}", "{'client_secret': '***'}"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("authorization=Basic%20YWJj", "authorization=Basic%20***"),
        ('"Authorization": "Basic YWJj"', '"Authorization": "Basic ***"'),
        ("b'Authorization', b'Bearer a1b2c3d4e5'", "b'Authorization', b'Bearer ***'"),
        ("password = hunter2, wachtwoord: geheim", "password = ***, wachtwoord: ***"),
        ("<secret>abc</secret><Password>def</Password>", "<secret>***</secret><Password>***</Password>"),
        ('<input name="client_secret" value="abc">', '<input name="client_secret" value="***">'),
        ("token=abc;x", "token=***;x"),
    ],
)  # fmt: skip
def test_what_stands_where_a_secret_is_named_is_redacted(text: str, expected: str) -> None:
    assert masked(text, []) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Artikel TSHIRT-RED-X bestaat niet.", "Artikelcode: 700; BTW-code 2", "basic authentication needed", "HTTP 500",
        "Authorization has been denied for this request.", "The code 4711 and Secretaris: Jan", "Secretariaat gesloten",
        "faultcode: Client", "50 % korting & 3 voor 2 \\ 100%25", "état d'été €",
        "https://till.example/path?x=1&y=2", "%" + "25" * 9 + "41",
        "run=261126-085637 cause=unavailable flow=products state=ready", "",
    ],
)  # fmt: skip
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert masked(text, [WRONG_TILL_SECRET, "sandbox-secret", ""]) == text


@given(st.text(), st.lists(st.text(max_size=30), max_size=3))
def test_no_text_is_too_strange_to_be_looked_at(text: str, secrets: list[str]) -> None:
    output = masked(text, secrets)
    assert [secret for secret in secrets if len(secret) > len(MASK) and secret in output and secret not in MASK] == []


def test_what_this_process_knows_is_redacted_of_whatever_is_reported() -> None:
    register_secrets("planted-and-remembered/1", "", "postgres", "x/1")
    assert masked_text("postgresql, x/1") == "postgresql, x/1"
    assert (masked_text("expected_planted"), masked_text("expected: planted", quoted=True)) == (
        "expected_planted",
        "expected: ***",
    )
    assert masked_text("at https://x/?y=planted-and-remembered%2f1 end") == "at https://x/?y=*** end"
    assert spellings_of("a")["in HTML"] == "a"


@pytest.mark.parametrize(
    "fragment",
    [
        "\\", "\\a", "%", "%25", "&#", "\"'", " ", "bearer a1", "secret=x ", "cGxhbnRlZC1z", "planted-secret-1", "plan",
        "planted-sec",
    ],
)  # fmt: skip
def test_no_text_takes_much_longer_than_another_of_its_length(fragment: str) -> None:
    def seconds(text: str) -> float:
        began = time.process_time()
        masked(text, ["planted-secret-1"])
        return time.process_time() - began

    usual = max(seconds("een gewone zin. " * 5_000), 0.005)
    assert seconds((fragment * 80_000)[:80_000]) < 15 * usual
