# SPDX-License-Identifier: Apache-2.0
"""Which table entry an op's kernel has, by kernel set and core."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache

from edgekit.errors import EdgekitError
from edgekit.tflite.graph import Op
from edgekit.tflm.arena import cmsis_nn, ops
from edgekit.tflm.arena.abi import ARM, ILP32, LP64, Abi
from edgekit.tflm.arena.node import Use

REFERENCE, CMSIS_NN = "reference", "cmsis_nn"
KERNEL_SETS = (REFERENCE, CMSIS_NN)
HOST = "host"

# What CMSIS-NN uses of each core (__ARM_FEATURE_DSP, __ARM_FEATURE_MVE of its usual -mcpu).
_EXTENSIONS = {
    **dict.fromkeys(("cortex-m0", "cortex-m0plus", "cortex-m1", "cortex-m23", "cortex-m3"), ""),
    **dict.fromkeys(("cortex-m4", "cortex-m7", "cortex-m33", "cortex-m35p"), "dsp"),
    **dict.fromkeys(("cortex-m52", "cortex-m55", "cortex-m85"), "mve"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A kernel set on a core. `extension` is what CMSIS-NN is compiled for."""

    kernels: str
    core: str
    abi: Abi
    extension: str = ""


def target_of(kernels: str, core: str) -> Target:
    """EdgekitError where there is no such kernel set, or none for this core."""
    if kernels not in KERNEL_SETS:
        raise EdgekitError(f"no kernel set '{kernels}'", hint=f"one of: {', '.join(KERNEL_SETS)}")
    if kernels == CMSIS_NN and core not in _EXTENSIONS:
        raise EdgekitError(
            f"CMSIS-NN has no kernels for the core {core}", hint="use the reference kernels"
        )
    extension = _EXTENSIONS[core] if kernels == CMSIS_NN else ""
    return Target(kernels, core, _abi_of(core), extension)


def _abi_of(core: str) -> Abi:
    if core == HOST:
        return LP64
    return ARM if core.startswith("cortex-m") else ILP32


def kernel_sets_of(core: str) -> tuple[str, ...]:
    """The kernel sets whose needs are known on a core."""
    return KERNEL_SETS if core in _EXTENSIONS else (REFERENCE,)


@cache
def uses_of(kernels: str) -> dict[str, Use]:
    """Op kind -> what its kernel asks for; CMSIS-NN takes the rest from the reference kernels."""
    found = _tables(ops)
    return found | _tables(cmsis_nn) if kernels == CMSIS_NN else found


def _tables(package: object) -> dict[str, Use]:
    found: dict[str, Use] = {}
    for module in pkgutil.iter_modules(package.__path__):  # type: ignore[attr-defined]
        name = f"{package.__name__}.{module.name}"  # type: ignore[attr-defined]
        found |= getattr(importlib.import_module(name), "USES", {})
    return found


def use_of(op: Op, kernels: str) -> Use:
    """EdgekitError naming op and layer where it is not known what its kernel asks for."""
    uses = uses_of(kernels)
    if op.kind not in uses:
        kind = op.kind.removeprefix("CUSTOM:")
        raise EdgekitError(
            f"the arena of op {op.index} ({kind}, layer '{op.layer}') is not known",
            hint="give --arena-bytes; the firmware reports what TFLite Micro really uses",
        )
    return uses[op.kind]
