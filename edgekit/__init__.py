# SPDX-License-Identifier: Apache-2.0
"""edgekit takes a trained Keras model to a number that can be trusted on a microcontroller.

Every verb of the command line is one function here with the same name::

    import edgekit
    record = edgekit.convert("model.keras", "calib.npz", out="build/kws")

Nothing heavy is imported before a verb is called.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

VERBS = (
    "bench",
    "boards",
    "build",
    "cluster",
    "compare",
    "convert",
    "debug_quant",
    "demo",
    "deploy",
    "doctor",
    "firmware",
    "fit",
    "flash",
    "inspect",
    "mlperf",
    "monitor",
    "ports",
    "prune",
    "sensitivity",
    "serve",
    "train_quantized",
)

# What a verb does for several boards at once.
SEVERAL = ("bench_boards",)

# Short names, and arithmetic that is useful by itself.
ALSO = {
    "qat": "edgekit.verbs.train_quantized:train_quantized",
    "quantize_array": "edgekit.quantize.arrays:quantize_array",
    "dequantize_array": "edgekit.quantize.arrays:dequantize_array",
}

__all__ = [*VERBS, *SEVERAL, *ALSO, "__version__"]


def _verb(name: str) -> Any:
    return getattr(importlib.import_module(f"edgekit.verbs.{name}"), name)


class _VerbFolder(ModuleType):
    """A module whose name is also a verb (`edgekit.prune`): calling it calls the verb."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _verb(self.__name__.rpartition(".")[2])(*args, **kwargs)


class _Edgekit(ModuleType):
    """The package: verbs are attributes, and folders named like a verb are callable."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in VERBS and isinstance(value, ModuleType):
            value.__class__ = _VerbFolder
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name in ALSO:
            module, _, attribute = ALSO[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        if name not in (*VERBS, *SEVERAL):
            raise AttributeError(f"module 'edgekit' has no attribute {name!r}")
        return _verb(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *VERBS, *SEVERAL, *ALSO})


sys.modules[__name__].__class__ = _Edgekit
