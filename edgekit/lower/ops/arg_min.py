# SPDX-License-Identifier: Apache-2.0
"""ARG_MIN on int8, giving int32: kernel ek_arg_min."""

from __future__ import annotations

from edgekit.lower.arg import Arg


class ArgMin(Arg):
    kind = "ARG_MIN"
    kernel = "arg_min"
