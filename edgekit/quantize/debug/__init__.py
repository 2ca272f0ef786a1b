# SPDX-License-Identifier: Apache-2.0
"""Where the accuracy went: which layer's rounding, clipping or range costs the outputs what."""
