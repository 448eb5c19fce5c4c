"""Entry point of the console: on import the server with the engine in its lifespan, as a script the page frame."""

import streamlit as st

if __name__ != "__main__":
    from integration.web.server import make_server

    server = make_server()
    app = st.App(__file__, lifespan=server.lifespan, routes=server.routes, middleware=server.middleware)
else:
    from integration.shipped import SHIPPED

    st.set_page_config(
        page_title="Sluis",
        page_icon=str(SHIPPED / "static" / "icon.svg"),
        layout="wide",
        initial_sidebar_state=236,
    )
    st.html(SHIPPED / "static" / "console.css")

    from pages.components.shared.application import failed, navigation
    from pages.components.shared.preload import import_for_tables

    try:
        navigation().run()
        import_for_tables()
    except Exception as error:  # noqa: BLE001 - a bug of a page is logged with a number and shown
        failed(error)
