# SPDX-License-Identifier: Apache-2.0
"""Strict reading of a board's TOML into frozen dataclasses: the form, not the meaning.

An unknown key, a missing key or a wrong type is an error that names file, table and key.
Standard library only.
"""

from __future__ import annotations

import tomllib
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError

# What a type is called in an error.
_WORDS = {int: "a whole number", str: "text", bool: "true or false"}


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of the TOML file `path`; EdgekitError where it is not there or not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EdgekitError(
            f"cannot read board file '{path}': {error.strerror}",
            hint="give a board id (edgekit boards lists them) or the path of a .toml file",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EdgekitError(
            f"{path.name}: not valid TOML: {error}",
            hint="numbers are written 115_200 or 0x2000_0000, without quotes",
        ) from None


def read_table(cls: Any, table: dict[str, Any], where: str) -> Any:
    """`table` as a `cls`, with every key known, none missing and every type right."""
    hints = dict(_hints(cls))
    hints.pop("file", None)
    for key in table:
        if key not in hints:
            near = get_close_matches(key, hints, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(hints)}"
            raise EdgekitError(f"{where}: unknown key '{key}'", hint=hint)
    for item in fields(cls):
        needed = item.default is MISSING and item.default_factory is MISSING
        if needed and item.name not in table:
            raise EdgekitError(
                f"{where}: the key '{item.name}' is missing", hint="see boards/README.md"
            )
    return cls(**{key: _value(hints[key], value, where, key) for key, value in table.items()})


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _value(kind: Any, value: Any, where: str, key: str) -> Any:
    if typing.get_origin(kind) is types.UnionType:
        kind = next(option for option in typing.get_args(kind) if option is not type(None))
    if is_dataclass(kind):
        _expect(isinstance(value, dict), where, key, "a table", value)
        return read_table(kind, value, _inside(where, key))
    origin = typing.get_origin(kind)
    if origin is tuple:
        _expect(isinstance(value, list), where, key, "a list", value)
        item = typing.get_args(kind)[0]
        return tuple(_value(item, each, where, key) for each in value)
    if origin is dict:
        _expect(isinstance(value, dict), where, key, "a table", value)
        for name, each in value.items():
            _expect(type(each) in (int, str), where, f"{key}.{name}", "a number or text", each)
        return value
    _expect(type(value) is kind, where, key, _WORDS[kind], value)
    return value


def _inside(where: str, key: str) -> str:
    return f"{where[:-1]}.{key}]" if where.endswith("]") else f"{where} [{key}]"


def _expect(holds: bool, where: str, key: str, name: str, value: Any) -> None:
    if not holds:
        raise EdgekitError(
            f"{where}: '{key}' is {value!r}, and has to be {name}",
            hint="numbers are written without quotes, 0x2000_0000 and 115_200 alike",
        )
