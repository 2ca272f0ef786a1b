# SPDX-License-Identifier: Apache-2.0
"""A page in headless Chromium: what it asks for, what its console says, how wide it becomes."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), "")
needs_browser = pytest.mark.skipif(
    not BROWSER, reason=f"no headless browser ({', '.join(NAMES)}): apt-get install chromium"
)
TIMEOUT_S = 120
NOBODY = "not an origin"  # who asks for what the browser itself wants
QUIET = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps"),
)
# The page in a frame of the wanted width, and what it measures once it is laid out.
FRAME = """<!doctype html><body style="margin:0">
<iframe id="page" width="{width}" height="800" style="border:0" srcdoc="{page}"></iframe>
<script>
onload = () => {{
  const root = document.getElementById("page").contentDocument.documentElement;
  const all = [...root.querySelectorAll("section, .card")];
  const cut = all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.innerText);
  const style = root.ownerDocument.defaultView.getComputedStyle(root.querySelector("body"));
  document.title = JSON.stringify({{ wide: root.scrollWidth, cut, back: style.backgroundColor }});
}};
</script>"""


@dataclass(frozen=True, slots=True)
class Opened:
    """`asked` are the network addresses that were requested, `console` its lines; `wide` is the
    width in pixels that the page needs in a frame, `cut` what has to be scrolled sideways there,
    `back` the colour behind all."""

    asked: list[str]
    console: list[str]
    wide: int
    cut: list[str]
    back: str


def open_page(page: str, folder: Path, *, width: int = 1000, dark: bool = False) -> Opened:
    """Lays `page`, an HTML text, out at `width` pixels."""
    file, log = folder / "frame.html", folder / "net.json"
    # The frame's script is the test's own; the page's policy holds inside of the frame.
    file.write_text(FRAME.format(width=width, page=html.escape(page)))
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    command = [BROWSER, *QUIET, *scheme, "--enable-logging=stderr", f"--log-net-log={log}"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--window-size={max(width, 500)},900"]
    command += ["--virtual-time-budget=2000", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    said = re.findall(r"CONSOLE[^\]]*\] (.*)", done.stderr)
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stderr
    return Opened(_asked(log), said, **json.loads(html.unescape(title[1])))


def _asked(log: Path) -> list[str]:
    """Addresses on the network that a page began to load, whatever else the browser does."""
    body = json.loads(log.read_text())
    kinds = {number: name for name, number in body["constants"]["logEventTypes"].items()}
    rows = [event for event in body["events"] if kinds[event["type"]] == "URL_REQUEST_START_JOB"]
    found = [row["params"] for row in rows if "url" in row.get("params", {})]
    return [
        each["url"]
        for each in found
        if each["url"].startswith("http") and each.get("initiator", NOBODY) != NOBODY
    ]
