# SPDX-License-Identifier: Apache-2.0
"""One file per operator: importing this folder imports them all, and each registers itself."""

from __future__ import annotations

import importlib
import pkgutil

from edgekit.lower.opkind import REGISTRY

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["REGISTRY"]
