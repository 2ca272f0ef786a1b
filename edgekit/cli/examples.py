# SPDX-License-Identifier: Apache-2.0
"""Examples below a verb's help, one command a line."""

from __future__ import annotations


def examples(*commands: str) -> str:
    """Epilog text: a heading, then one command a line."""
    return "\n".join(("[bold]Examples[/bold]", *(f"[dim]$[/dim] {line}" for line in commands)))
