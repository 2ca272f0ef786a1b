# SPDX-License-Identifier: Apache-2.0
"""`edgekit.boards()`: every board that comes with edgekit."""

from __future__ import annotations

from edgekit.boards import Board, all_boards


def boards() -> tuple[Board, ...]:
    """Every board that comes with edgekit, sorted by id. Reads files only."""
    return tuple(all_boards())
