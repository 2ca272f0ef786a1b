# SPDX-License-Identifier: Apache-2.0
"""ARG_MAX on int8, giving int32: kernel ek_arg_max."""

from __future__ import annotations

from edgekit.lower.arg import Arg


class ArgMax(Arg):
    kind = "ARG_MAX"
    kernel = "arg_max"
