# SPDX-License-Identifier: Apache-2.0
"""Between the two halves of TensorFlow's converter: its float file gets the ranges we chose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from edgekit.quantize.naming import LayerNames
from edgekit.quantize.place import hides_tensors, quantize_file, ranges_in, tensor_names, ties_in
from edgekit.quantize.ranges import Measured, choose_ranges, measure_ranges, method_named
from edgekit.quantize.ranges.methods import CONVERTER
from edgekit.quantize.ranges.ties import tied_ranges
from edgekit.quantize.tables import Island, collapsed, find_islands, float_graph, with_tables
from edgekit.quantize.weights import Weights

Samples = Callable[[], Iterator[list[np.ndarray]]]
# (float file, samples, layer of a tensor's name) -> ranges that were learned with the weights
Trained = Callable[[bytes, Samples, Callable[[str], str]], Mapping[int, tuple[float, float]]]


class Ranging:
    """Takes the place of a converter's quantizing step.

    With "converter" the converter goes its own way with the same samples; also where the float
    file cannot be measured, which `remarks` then say. `measured` is None in both cases. `restored`
    mends the float file before anything else.
    """

    def __init__(
        self,
        converter: Any,
        method: str,
        samples: Samples,
        names: LayerNames,
        dtypes: tuple[str, str],
        weights: Weights | None = None,
        trained: Trained | None = None,
        restored: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self.float_file: bytes | None = None
        self.measured: Measured | None = None
        self.remarks: tuple[str, ...] = ()
        self._method, self._samples, self._names = method, samples, names
        self._dtypes, self._weights, self._trained = dtypes, weights, trained
        self._restored = restored
        self._plain = getattr(converter, "_quantize", None)
        if self._plain is not None:
            # the converter offers no public view of its float file, and converting twice would
            # double the time
            converter._quantize = self._quantize
        else:
            self._refuse("this TensorFlow does not show the model before it is quantized")

    def _quantize(self, float_file: bytes, *arguments: Any, **options: Any) -> Any:
        assert self._plain is not None
        self.float_file = self._restored(bytes(float_file))
        if self._weights is not None:
            self.float_file = self._weights.before(self.float_file, self._names)
        if self._trained is not None:
            ranges = self._trained(self.float_file, self._samples, self._names.layer_path)
            return self._with_ranges(dict(ranges))
        if self._method == CONVERTER or not self._measure():
            self._round()
            return self._plain(self.float_file, *arguments, **options)
        assert self.measured is not None
        chosen = choose_ranges(self.measured, method_named(self._method))
        self._tell_dead(chosen.dead)
        plain = collapsed(self.float_file, self._islands())
        return self._with_ranges(tied_ranges(chosen.ranges, ties_in(plain), ranges_in(plain)))

    def _with_ranges(self, ranges: dict[int, tuple[float, float]]) -> bytes:
        assert self.float_file is not None
        self._round()
        whole = self._weights is not None and self._weights.wishes.per_tensor
        if self._weights is not None and self.measured is not None:
            ends = {
                i: (min(h.low, 0.0), max(h.high, 0.0)) for i, h in self.measured.histograms.items()
            }
            ranges = self._weights.widened(ranges, ends, self.float_file, self._names)
        taken, given = self._dtypes
        islands = self._islands()
        self._tell_tables(islands)
        data = quantize_file(
            collapsed(self.float_file, islands),
            ranges,
            input_dtype=taken,
            output_dtype=given,
            per_channel=not whole,
            samples=self._samples,
        )
        return with_tables(data, islands, ranges)

    def _islands(self) -> tuple[Island, ...]:
        assert self.float_file is not None
        return find_islands(float_graph(self.float_file))

    def _round(self) -> None:
        if self._weights is not None and self.float_file is not None:
            self.float_file = self._weights.after(self.float_file, self._names, self._samples())

    def _measure(self) -> bool:
        assert self.float_file is not None
        if hidden := hides_tensors(self.float_file):
            self._refuse(f"op {hidden} holds tensors that no interpreter shows")
            return False
        try:
            self.measured = measure_ranges(self.float_file, self._samples(), self._layer)
        except (RuntimeError, ValueError) as error:
            self._refuse(str(error).splitlines()[0][:160])
            return False
        return True

    def _layer(self, tensor: str) -> str:
        """The layer of a tensor; the converter names outputs "Identity" and nothing more."""
        outputs = self._names.outputs
        return self._names.layer_path(tensor) or (outputs[0] if len(outputs) == 1 else "")

    def _tell_tables(self, islands: tuple[Island, ...]) -> None:
        for island in islands:
            name = island.graph.tensor(island.output).name
            if not island.is_elu:
                self.remarks += (
                    f"layer '{self._layer(name) or name}' is a table of 256 entries, for which "
                    "TFLite Micro needs 4 bytes of arena per value",
                )

    def _refuse(self, reason: str) -> None:
        if self._method == CONVERTER:
            return
        self.remarks = (
            f"ranges are those of TensorFlow's converter, not of --calibration {self._method}: "
            f"{reason}",
        )

    def _tell_dead(self, dead: tuple[int, ...]) -> None:
        if not dead or self.float_file is None:
            return
        names = tensor_names(self.float_file)
        layers = dict.fromkeys(self._names.layer_path(names[i]) or names[i] for i in dead)
        words = ", ".join(f"'{layer}'" for layer in list(layers)[:5])
        more = f" and {len(layers) - 5} more" if len(layers) > 5 else ""
        self.remarks = (
            f"nothing but 0 came out of {words}{more} on the calibration samples: "
            "are they like the data of the application?",
        )
