# SPDX-License-Identifier: Apache-2.0
"""Sizes of C structs on a target, from their members.

A layout is a string of members, each with an optional count, nested structs in parentheses:
`p` pointer, `z` size_t, `i` int32_t, int or float, `h` int16_t, `b` bool or byte, `d` double or
int64_t, `e` enum. "2p(3ih)b" is two pointers, a struct of three ints and a short, and a bool.
Only the Python package has `c`, an int, and `q`, a pointer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Abi:
    """What decides struct sizes: bytes of a pointer (and of size_t) and of a small enum.

    `python_package` is PyPI's tflite-micro 0.dev20261023: a RecordingMicroAllocator,
    USE_TFLM_COMPRESSION, which no device build has unless it is asked for, and 16 bytes more in
    the options of FULLY_CONNECTED, as measured, than the sources of August 2026.
    """

    name: str
    pointer_bytes: int
    enum_bytes: int
    python_package: bool = False


# GCC for arm-none-eabi packs enums into a byte (-fshort-enums is its default).
ARM = Abi("arm-none-eabi", pointer_bytes=4, enum_bytes=1)
# Every other 32-bit target: enums are ints.
ILP32 = Abi("32-bit", pointer_bytes=4, enum_bytes=4)
LP64 = Abi("64-bit", pointer_bytes=8, enum_bytes=4)
PYTHON_PACKAGE = Abi("64-bit Python", pointer_bytes=8, enum_bytes=4, python_package=True)

_MEMBER = re.compile(r"(\d*)([pzihbdecq()])")


def align_up(value: int, alignment: int) -> int:
    """The next multiple of `alignment`, or `value` itself."""
    return -(-value // alignment) * alignment


@cache
def size_of(layout: str, abi: Abi) -> tuple[int, int]:
    """(bytes, alignment) of a struct with this layout; ValueError for what is no layout."""
    members = _MEMBER.findall(layout)
    depths = list(accumulate({"(": 1, ")": -1}.get(letter, 0) for letter in layout))
    whole = "".join(count + kind for count, kind in members) == layout
    if not whole or not depths or min(depths) < 0 or depths[-1]:
        raise ValueError(f"'{layout}' is no struct layout")
    return _struct(members, abi)[0]


def _struct(members: list[tuple[str, str]], abi: Abi) -> tuple[tuple[int, int], list]:
    """Size of the members up to an unmatched ')', and the members behind it."""
    scalars = {"h": 2, "b": 1, "i": 4, "d": 8, "e": abi.enum_bytes, "c": 4}
    scalars |= dict.fromkeys("pzq", abi.pointer_bytes)
    offset, alignment = 0, 1
    while members:
        (count, kind), members = members[0], members[1:]
        if kind in "cq" and not abi.python_package:
            continue
        if kind == ")":
            return (align_up(offset, alignment), alignment), members
        if kind == "(":
            (each, side), members = _struct(members, abi)
        else:
            each = side = scalars[kind]
        offset = align_up(offset, side) + each * int(count or 1)
        alignment = max(alignment, side)
    return (align_up(offset, alignment), alignment), members
