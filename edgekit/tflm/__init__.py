# SPDX-License-Identifier: Apache-2.0
"""What stock TFLite Micro does with a graph: today, how it fills its arena.

Stands after `tflite` in the way of the data; nothing below `verbs` imports it.
"""
