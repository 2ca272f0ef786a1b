# SPDX-License-Identifier: Apache-2.0
"""A weight is worth what the dice say: the control that every criterion has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.prune.evidence import Evidence
from edgekit.prune.targets import Kernel


def random(kernels: Sequence[Kernel], evidence: Evidence) -> list[np.ndarray]:
    """Uniform in 0..1 by the seed, the same at each update, so that masks only ever close."""
    rng = np.random.default_rng(evidence.seed)
    return [rng.random(kernel.variable.shape) for kernel in kernels]
