"""Streamlit's options for the guard win over files and environment."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from integration.web.options import FIXED, options

ROOT = Path(__file__).parents[2]
ASK = """
import json, os
from pathlib import Path
from streamlit import config
from streamlit.web.bootstrap import load_config_options
flags = {"server_enableCORS": False, "browser_gatherUsageStats": True, "server_enableAgentApi": True}
load_config_options(flags)
before = config.get_option("server.enableCORS")
from integration.web import options
options.set_options("https://console.example.com")
told = [before, {name: config.get_option(name) for name in options.options("")}]
load_config_options(flags)  # as Streamlit does when a file of settings is changed
print(json.dumps([*told, {name: config.get_option(name) for name in options.options("")}]))
"""


def test_the_file_says_what_is_needed_before_the_console_is_loaded() -> None:
    file = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    file_values = {f"{section}.{name}": value for section, names in file.items() for name, value in names.items()}
    ours: dict[str, Any] = options("")

    assert {name: file_values[name] for name in file_values.keys() & ours.keys()} == {
        name: ours[name] for name in file_values.keys() & ours.keys()
    }
    early = {"browser.gatherUsageStats", "browser.serverAddress", "server.showEmailPrompt", "server.allowedHosts"}
    assert early <= file_values.keys()
    assert file_values["server.address"] == "127.0.0.1"


def test_what_flags_would_open_stays_shut_also_when_streamlit_reads_its_files_anew() -> None:
    process = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, capture_output=True, text=True, check=True)
    before, current, later = json.loads(process.stdout.splitlines()[-1])

    assert before is False
    assert current == later == options("https://console.example.com")
    assert current["server.allowedHosts"][-1] == current["browser.serverAddress"] == "console.example.com"
    assert {name: current[name] for name in FIXED} == dict(FIXED)
