"""Pages with the forms for logging in and for accepting an invitation."""

from collections.abc import Callable
from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from integration.accounts.people import SHORTEST
from integration.core.errors import IntegrationError
from integration.web.guard import INVITATION, LOG_IN, PROVIDER, language_of
from integration.words import say, term

NO_STORE = {"Cache-Control": "no-store"}
LEFT = "left"  # query parameter: the person has logged out of the console, but not of the provider


def log_in_page(
    request: Request,
    target_page: str,
    error: IntegrationError | None = None,
    status: int = 200,
    host: str | None = None,
) -> Response:
    """Return the page that asks for name and password, or links to the log-in provider at `host`."""

    def form(text: Callable[..., str]) -> str:
        if host:
            notice = f"<p>{escape(text('left_here', host=host))}</p>" if request.query_params.get(LEFT) else ""
            return f"{notice}{_provider_link(text, host, next=target_page)}"
        return (
            f'<input type="hidden" name="next" value="{escape(target_page)}">'
            f'<label>{text("log_in_name")}<input name="name" autocomplete="username" autofocus required></label>'
            f"{_password(text('log_in_password'), 'current-password')}"
            f"<button>{text('btn_log_in')}</button>"
        )

    return _page(request, "log_in_title", LOG_IN, form, error, status)


def invitation_page(
    request: Request,
    key: str,
    ref: str,
    error: IntegrationError | None = None,
    status: int = 200,
    host: str | None = None,
) -> Response:
    """Return the page that accepts an invitation, with a password or through the log-in provider at `host`.

    If a proxy identifies the person, `host` is empty and the page has only a button.
    """

    def form(text: Callable[..., str]) -> str:
        if host:
            return (
                f"<p>{escape(text('invitation_elsewhere', name=ref))}</p>{_provider_link(text, host, invitation=key)}"
            )
        hidden = f'<input type="hidden" name="key" value="{escape(key)}">'
        if host is not None:
            return (
                f"{hidden}<p>{escape(text('invitation_elsewhere', name=ref))}</p><button>{text('btn_accept')}</button>"
            )
        return (
            f"{hidden}"
            f"<p>{escape(text('invitation_about', name=ref, least=SHORTEST))}</p>"
            f'<input type="hidden" name="name" value="{escape(ref)}" autocomplete="username">'
            f"{_password(text('invitation_password'), 'new-password')}"
            f"<button>{text('btn_accept')}</button>"
        )

    return _page(request, "invitation_title", INVITATION, form, error, status)


def _provider_link(text: Callable[..., str], host: str, **parameters: str) -> str:
    """Return the link to a log-in provider."""
    return f'<a href="{escape(f"{PROVIDER}?{urlencode(parameters)}")}">{escape(text("btn_log_in_at", host=host))}</a>'


def _password(caption: str, autocomplete: str) -> str:
    return f'<label>{caption}<input type="password" name="password" autocomplete="{autocomplete}" required></label>'


def _page(
    request: Request,
    title: str,
    to: str,
    form: Callable[[Callable[..., str]], str],
    error: IntegrationError | None,
    status: int,
) -> Response:
    language = language_of(request.headers)

    def text(key: str, **facts: object) -> str:
        return term(key, language, **facts)

    alert = ""
    if error is not None:
        sentences = say(error.code, error.facts, language)
        alert = "".join(
            f"<p>{escape(sentence)}</p>" for sentence in (sentences.problem, sentences.data, sentences.do) if sentence
        )
    return HTMLResponse(
        PAGE.format(
            language=language, title=escape(text(title)), to=to, form=form(text),
            said=f'<div role="alert">{alert}</div>' if alert else "",
        ),
        status,
        NO_STORE,
    )  # fmt: skip


PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} · Sluis</title><link rel="icon" href="/app/static/icon.svg">
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 22rem; margin: 12vh auto; padding: 0 1rem }}
h1 {{ font-size: 1.3rem }}
label, input, button {{ display: block; width: 100%; box-sizing: border-box }}
label {{ margin: .9rem 0 }}
input, button {{ font: inherit; padding: .5rem .7rem; border-radius: .4rem; border: 1px solid #8a94a0 }}
button, form a {{ margin-top: 1.4rem; border: 0; background: #1f5fa8; color: #fff; cursor: pointer }}
form a {{ display: block; padding: .5rem .7rem; border-radius: .4rem; text-align: center; text-decoration: none }}
[role=alert] {{ border-left: 4px solid #c0392b; padding: .1rem .8rem }}
</style></head>
<body><h1>{title}</h1>{said}<form method="post" action="{to}">{form}</form></body></html>
"""
