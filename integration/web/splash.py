"""Splash that a browser shows until a page has drawn something, in the language of the browser."""

from html import escape

from integration.words import term

NAME = "Sluis"
LOOK = """<style>
#starting { position: fixed; inset: 0; z-index: 1000000; display: flex; flex-direction: column; gap: .75rem;
  align-items: center; justify-content: center; pointer-events: none; color-scheme: light dark;
  font: 1rem Plex, sans-serif;
  background: light-dark(#FFFFFF, #12171E); color: light-dark(#1B2430, #E4E9EF); }
#starting img { width: 2.5rem; height: 2.5rem; }
#starting span { color: light-dark(#4F5A67, #BAC4CF); }
body:has(.stElementContainer, [data-testid=stSidebarNav], [role=dialog], [role=alert]) #starting { display: none; }
</style><noscript><style>#starting { display: none; }</style></noscript>"""
"""Covers Streamlit's skeleton of a page and its Stop button, but never drawn content or an error."""


def starting(language: str) -> bytes:
    """Return the HTML of the splash, to be placed before the root element of the page."""
    said = escape(term("console_starting", language))
    return (
        f'{LOOK}<div id="starting" role="status" lang="{language}">'
        f'<img src="/app/static/icon.svg" alt=""><b>{NAME}</b><span>{said}</span></div>'
    ).encode()
