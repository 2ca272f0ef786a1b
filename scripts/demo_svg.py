# SPDX-License-Identifier: Apache-2.0
"""Draws docs/demo.svg from a real run of `edgekit demo` in a terminal.

    python scripts/demo_svg.py [--out docs/demo.svg]

The program runs on a pseudo-terminal, so that it shows its progress bars; what it wrote there is
drawn by rich, unchanged. Exits with 1 where the demo fails, runs on the fallback board, or moves
the cursor in a way that this script does not follow.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = 100
ERASE_LINE = "\x1b[2K"
SGR_OR_CURSOR = re.compile(r"\x1b\[(?:[0-9;]*m|\?25[lh])")
CURSOR = re.compile(r"\x1b\[\?25[lh]")


def run_in_terminal(command: list[str], folder: Path) -> tuple[str, int]:
    """Everything that `command` writes to a terminal of COLUMNS columns, and its exit code."""
    controller, terminal = os.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "LINES": "60", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    written = bytearray()
    while True:
        try:
            chunk = os.read(controller, 65536)
        except OSError:  # Linux: the last program on the terminal has gone
            break
        if not chunk:
            break
        written += chunk
    os.close(controller)
    return written.decode("utf-8", "replace"), process.wait()


def final_lines(written: str) -> list[str]:
    """The lines as they stand at the end: a bar redraws its own line, nothing else moves."""
    lines = []
    for line in written.replace("\r\n", "\n").split("\n"):
        last = CURSOR.sub("", line.rpartition(ERASE_LINE)[2]).replace("\r", "")
        if "\x1b" in SGR_OR_CURSOR.sub("", last):
            raise ValueError(f"the terminal was told more than colours: {last!r}")
        lines.append(last.rstrip())
    return lines


def draw(lines: list[str], command: str) -> str:
    """An SVG of a terminal with `command` and its output; no font is fetched from anywhere."""
    from rich.console import Console
    from rich.text import Text

    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        console.print(f"[bold green]$[/] [bold]{command}[/]", highlight=False)
        for line in lines:
            console.print(Text.from_ansi(line), soft_wrap=True)
        svg = console.export_svg(title=command)
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "demo.svg")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "edgekit", "demo"]
        written, code = run_in_terminal(command, Path(folder))
    if code or "fpgaio-counter" not in written:
        sys.stderr.write(written)
        sys.stderr.write("no drawing: the demo failed or did not run on the emulated board\n")
        return 1
    lines = final_lines(written)
    while lines and not lines[-1]:
        lines.pop()
    out.write_text(draw(lines, "edgekit demo"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
