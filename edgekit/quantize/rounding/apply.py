# SPDX-License-Identifier: Apache-2.0
"""Weights of a float .tflite put on their integer grids before the converter quantizes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.quantize.flatbuffer import pack, schema, unpack
from edgekit.quantize.formats.kinds import ONE_SCALE_INT4
from edgekit.quantize.rounding import ROUNDINGS, check_weight_scale, named_rounding
from edgekit.quantize.rounding.base import Inputs
from edgekit.quantize.rounding.kernel import Rounded, as_matrix, check_bits, round_kernel
from edgekit.quantize.rounding.sites import Site, find_sites
from edgekit.tflite.graph import Graph


@dataclass(frozen=True, slots=True)
class WeightOptions:
    """How weights are rounded: names of ROUNDINGS and SCALES, and what is done about biases.

    `per_tensor` gives every kernel one scale instead of one per output channel.
    """

    rounding: str = "nearest"
    scale: str = "max"
    bias_correction: bool = False
    per_tensor: bool = False
    seed: int = 0

    def check(self) -> None:
        """EdgekitError for a name that there is not."""
        named_rounding(self.rounding)
        check_weight_scale(self.scale)

    @property
    def plain(self) -> bool:
        """Whether the converter does the same by itself."""
        return self == WeightOptions(per_tensor=self.per_tensor, seed=self.seed)

    @property
    def needs_inputs(self) -> bool:
        return self.bias_correction or ROUNDINGS[self.rounding].needs_inputs


@dataclass(frozen=True, slots=True)
class KernelRow:
    """One kernel: `sqnr_db` of its weights (None where nothing was lost).

    `zeros` are counted before and after, `bias_shift` is the largest change of a bias. `rounding`
    is what was used, which is "nearest" where the inputs of a kernel are not known.
    """

    layer: str
    op: str
    bits: int
    rounding: str
    sqnr_db: float | None
    zeros: tuple[int, int]
    bias_shift: float


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The float file with rounded weights, and a row for each kernel."""

    tflite: bytes
    rows: tuple[KernelRow, ...]
    kernels: Mapping[int, Rounded]


def prepare_weights(
    data: bytes,
    graph: Graph,
    options: WeightOptions,
    *,
    inputs: Mapping[int, Inputs] | None = None,
    bits_of: Callable[[str], int] = lambda layer: 8,
) -> Prepared:
    """`data` (a float .tflite, `graph` as read from it) with every kernel on its grid.

    `inputs` are what `collect_inputs` gave, `bits_of` gives the bits of a layer's weights.
    Tensor numbers stay. EdgekitError where options need inputs and there are none, and naming the
    layer for weights that are no numbers.
    """
    options.check()
    if options.needs_inputs and inputs is None:
        raise EdgekitError(
            "gptq and bias correction need samples of what goes into each layer",
            hint="give --data, or use --rounding mean, which needs none",
        )
    model = unpack(data)
    rows, kernels = [], {}
    for site in find_sites(graph):
        if site.kernel in kernels:
            continue
        known = (inputs or {}).get(site.kernel)
        rounded, used = _rounded(site, graph, options, known, bits_of(site.layer))
        kernels[site.kernel] = rounded
        _store(model, site.kernel, rounded.values)
        shift = _corrected(model, site, graph, rounded, known) if options.bias_correction else 0.0
        rows.append(_row(site, graph, rounded, used, shift))
    return Prepared(pack(model), tuple(rows), kernels)


def _rounded(
    site: Site, graph: Graph, options: WeightOptions, known: Inputs | None, bits: int
) -> tuple[Rounded, str]:
    check_bits(bits)
    kernel = graph.tensor(site.kernel).data
    assert kernel is not None
    one_scale = options.per_tensor or (bits == 4 and site.op.kind in ONE_SCALE_INT4)
    way = options.rounding
    moments = known is not None and known.gram.size > 0
    if ROUNDINGS[way].needs_inputs and not moments:
        way = "nearest"
    try:
        rounded = round_kernel(
            kernel,
            (site.axis,),
            rounding=way,
            bits=bits,
            weight_scale=options.scale,
            inputs=known,
            seed=options.seed + site.op.index,
            one_scale=one_scale,
        )
    except EdgekitError as error:
        raise EdgekitError(f"layer '{site.layer}': {error}", hint=error.hint) from error
    return rounded, way


def _corrected(
    model: Any, site: Site, graph: Graph, rounded: Rounded, known: Inputs | None
) -> float:
    """Bias minus what rounding adds to the mean output; the largest change, as a real number.

    Nagel and others, 2019, "Data-Free Quantization", section 4.2, with measured means.
    """
    bias = graph.tensor(site.bias).data if site.bias >= 0 else None
    kernel = graph.tensor(site.kernel).data
    if known is None or bias is None or kernel is None:
        return 0.0
    error = as_matrix(rounded.values.astype(np.float64) - kernel, (site.axis,))
    channels = error.shape[1]
    group = np.arange(channels) // (channels // known.groups)
    shift = np.einsum("rc,cr->c", error, known.mean[group])
    _store(model, site.bias, (bias.astype(np.float64) - shift).astype(np.float32))
    return float(np.max(np.abs(shift), initial=0.0))


def _store(model: Any, tensor: int, values: np.ndarray) -> None:
    """In a buffer of its own: equal constants may share one."""
    buffer = schema().BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values, "<f4").tobytes(), np.uint8)
    model.buffers.append(buffer)
    model.subgraphs[0].tensors[tensor].buffer = len(model.buffers) - 1


def _row(site: Site, graph: Graph, rounded: Rounded, used: str, shift: float) -> KernelRow:
    kernel = graph.tensor(site.kernel).data
    assert kernel is not None
    noise = float(np.sum((rounded.values.astype(np.float64) - kernel) ** 2))
    signal = float(np.sum(kernel.astype(np.float64) ** 2))
    sqnr = float(10 * np.log10(signal / noise)) if noise and signal else None
    zeros = (int(np.sum(kernel == 0)), int(np.sum(rounded.q == 0)))
    return KernelRow(site.layer, site.op.kind, rounded.bits, used, sqnr, zeros, shift)
