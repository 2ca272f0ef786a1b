# SPDX-License-Identifier: Apache-2.0
"""Where the files that are not Python lie, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

from edgekit.errors import EdgekitError

_PACKAGE = Path(__file__).resolve().parent


def resource_dir(name: str) -> Path:
    """Folder `name` ("boards" or "firmware"): in the wheel's data, else beside the package."""
    for parent in (_PACKAGE / "_data", _PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise EdgekitError(
        f"the folder '{name}' is missing from this installation of edgekit",
        hint="install edgekit again: pip install --force-reinstall edgekit",
    )
