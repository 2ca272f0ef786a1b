# SPDX-License-Identifier: Apache-2.0
"""A weight is worth its absolute value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.prune.evidence import Evidence
from edgekit.prune.targets import Kernel


def magnitude(kernels: Sequence[Kernel], evidence: Evidence | None = None) -> list[np.ndarray]:
    """|w|, one array per kernel, float32, of its shape."""
    return [np.abs(kernel.values()) for kernel in kernels]
