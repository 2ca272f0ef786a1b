# SPDX-License-Identifier: Apache-2.0
"""Wall times of a newcomer's first commands: clone into an empty folder, make demo, make test.

python benchmarks/fresh_clone.py
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import ROOT, conditions, table


def main() -> int:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    rows, failed = [], False
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "edgekit"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        for what in ("make demo", "make demo", "make test"):
            begin = time.monotonic()
            done = subprocess.run(what.split(), cwd=clone)
            rows.append((what, f"{time.monotonic() - begin:.0f} s", f"exit {done.returncode}"))
            failed |= done.returncode != 0
    print(conditions())
    print(table(("command", "wall time", "result"), rows))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
