# SPDX-License-Identifier: Apache-2.0
"""Figures as a person reads them, and the templates that show them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).parent


def number(value: float | None) -> str:
    """Whole numbers with separators, others to three digits."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) or value >= 1000 else f"{value:,.3g}"


def kib(count: float | None) -> str:
    """Bytes as KiB with one decimal, small ones as bytes."""
    if count is None:
        return "-"
    return f"{count:,.0f} B" if abs(count) < 1024 else f"{count / 1024:,.1f} KiB"


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def fine_percent(share: float) -> str:
    """A share in percent, to three digits."""
    return f"{100 * share:,.3g} %"


def signed(share: float | None) -> str:
    """A change in percent, with its sign."""
    if share is None:
        return "-"
    digits = 0 if abs(share) >= 9.995 else 1
    return f"{100 * share:+,.{digits}f} %".replace("-0.0 %", "0.0 %").replace("+0.0 %", "0.0 %")


def short(value: float | None) -> str:
    """A large count to three digits with its magnitude."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value is not None and value >= size:
            return f"{value / size:.3g} {letter}"
    return number(value)


def source_of(bench: Mapping[str, Any]) -> str:
    """Where a latency is from, in words."""
    if bench["kind"] == "emulated":
        return "emulated: instructions counted by QEMU, not the time of a real chip"
    return f"measured: {bench['counter']} at {bench['clock_hz'] / 1e6:g} MHz"


def render(template: str, **values: Any) -> str:
    """The text of `template`; every value from outside is escaped."""
    from edgekit import __version__

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=number,
        kib=kib,
        percent=percent,
        fine_percent=fine_percent,
        signed=signed,
        short=short,
    )
    return environment.get_template(template).render(version=__version__, **values)
