# SPDX-License-Identifier: Apache-2.0
"""The ways in which a layer can be run, one file each; a file registers itself when imported.

`ways_of(op, graph, target)` lists what fits the op and the core; lower/choose.py takes one.
"""

from __future__ import annotations

import importlib
import pkgutil

from edgekit.lower.ways.way import PORTABLE, Way, ways_of

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["PORTABLE", "Way", "ways_of"]
