# SPDX-License-Identifier: Apache-2.0
"""Names that C and C++ both accept."""

from __future__ import annotations

import re
import unicodedata

from edgekit.errors import EdgekitError

LONGEST = 48  # leaves room for suffixes within the 63 characters that C99 5.2.4.1 guarantees

# C11 6.4.1 and C++17 [lex.key], [lex.digraph], and what every program has already.
_WORDS = """
alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto bitand bitor
bool break case catch char char16_t char32_t char8_t class co_await co_return co_yield compl
concept const const_cast consteval constexpr constinit continue decltype default delete do
double dynamic_cast else enum explicit export extern false final float for friend goto if
import inline int long module mutable namespace new noexcept not not_eq nullptr operator or
or_eq override private protected public reflexpr register reinterpret_cast requires restrict
return short signed sizeof static static_assert static_cast struct switch synchronized
template this thread_local throw true try typedef typeid typename typeof union unsigned using
virtual void volatile wchar_t while xor xor_eq main errno stdin stdout stderr assert
"""
RESERVED = frozenset(_WORDS.split())


def c_identifier(name: str) -> str:
    """`name` as an identifier that is reserved in neither C nor C++.

    Accents are dropped, other characters become underscores, a leading digit gets `m` before it,
    a reserved word an underscore after it. EdgekitError where no letter or digit is left.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^0-9A-Za-z]+", "_", plain).strip("_")[:LONGEST].strip("_")
    if not words:
        raise EdgekitError(
            f"no name for C can be made of '{name}'", hint="give one with --name, for example kws"
        )
    if words[0].isdigit():
        words = f"m{words}"
    return f"{words}_" if words in RESERVED else words
