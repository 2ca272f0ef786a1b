# SPDX-License-Identifier: Apache-2.0
"""Ranges of activations: measured as histograms of constant size, chosen by one of METHODS."""

from edgekit.quantize.ranges.histogram import Histogram
from edgekit.quantize.ranges.measure import Measured, measure_ranges
from edgekit.quantize.ranges.methods import METHODS, choose_ranges, method_named

__all__ = ["METHODS", "Histogram", "Measured", "choose_ranges", "measure_ranges", "method_named"]
