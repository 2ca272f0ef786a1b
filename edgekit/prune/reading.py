# SPDX-License-Identifier: Apache-2.0
"""Numbers out of Keras variables, those that are mirrored over replicas too."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.model.tf import tensorflow


def array_of(variable: Any) -> np.ndarray:
    """A copy of the values, of the variable's dtype; of replicas the first one's."""
    return np.array(tensorflow().convert_to_tensor(getattr(variable, "value", variable)).numpy())
