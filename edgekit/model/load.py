# SPDX-License-Identifier: Apache-2.0
"""A trained model, whatever it was saved as, as one Keras 3 model (or a SavedModel to convert)."""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.artifacts import hash_tree, sha256_bytes, sha256_file
from edgekit.errors import EdgekitError
from edgekit.model.custom import custom_objects
from edgekit.model.files import (
    h5_config,
    keras_config,
    kind_of,
    layer_name,
    layers_in,
    saved_by_keras2,
)
from edgekit.model.info import InputSpec
from edgekit.model.keras2 import check_probe, rewrite, write_probe
from edgekit.model.saved import SavedFunction, load_saved_model
from edgekit.model.subclassed import with_inputs
from edgekit.model.tf import is_keras2_model, is_keras_model, keras, quiet

BATCH = 256


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A float model: `keras` is a Keras 3 model, or None where there is only a `saved` function.

    `sha256` is of the file (of all files of a SavedModel; of configuration and weights of a live
    object), `source_bytes` the size of that, `source` None for a live object.
    """

    name: str
    inputs: tuple[InputSpec, ...]
    sha256: str
    source_bytes: int
    source: Path | None = None
    keras: Any = None
    saved: SavedFunction | None = None

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Float outputs, one array per model output; first axis = samples, as in `arrays`."""
        parts = [
            self._call_batch([array[start : start + BATCH] for array in arrays])
            for start in range(0, len(arrays[0]), BATCH)
        ]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _call_batch(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        cast = [a.astype(s.dtype) for a, s in zip(arrays, self.inputs, strict=True)]
        if self.saved is not None:
            return self.saved(cast)
        return call_keras(self.keras, cast)


def call_keras(model: Any, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Outputs of a Keras model (3 or 2) in inference mode, as a list."""
    with warnings.catch_warnings():
        # Keras remarks on [x] for x and on x for [x], depending on how the model was saved.
        warnings.simplefilter("ignore", UserWarning)
        outputs = model(list(arrays) if len(arrays) > 1 else arrays[0], training=False)
    if isinstance(outputs, dict):
        outputs = [outputs[name] for name in sorted(outputs)]  # Keras's own order
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [np.asarray(output) for output in outputs]


def load_model(source: Any, *, custom: Sequence[Any] = ()) -> LoadedModel:
    """Load `.keras`, `.h5`, a SavedModel folder, a live Keras 3 model or a live tf_keras model.

    `custom` are `module:name` texts (or live objects) for layers that Keras does not know.
    EdgekitError: no model, damaged, made of unknown layers, or without a fixed single batch.
    """
    if is_keras_model(source):
        return _from_keras(source, _live_digest(source), None, source.name)
    if is_keras2_model(source):
        return _from_live_keras2(source)
    if not isinstance(source, (str, Path)):
        raise EdgekitError(
            f"a model is a path or a Keras model, not {type(source).__name__}",
            hint="build it with keras (version 3) or give the path of a saved model",
        )
    path = Path(source)
    kind = kind_of(path)
    if kind == "tflite":
        raise EdgekitError(
            f"'{path}' is a .tflite file; a float Keras model is needed here",
            hint="give the .keras or .h5 file it was converted from",
        )
    if kind == "saved_model":
        return _from_saved_model(path, custom)
    digest = (sha256_file(path), path.stat().st_size)
    return _from_keras(_load_file(path, kind, custom), digest, path, path.stem)


def _from_keras(model: Any, digest: tuple[str, int], path: Path | None, name: str) -> LoadedModel:
    if not getattr(model, "inputs", None):
        model = with_inputs(model)
    for tensor in model.inputs:
        if tensor.shape[0] not in (None, 1):
            raise EdgekitError(
                f"input '{tensor.name}' has a fixed batch of {tensor.shape[0]}; "
                "a microcontroller runs one sample at a time",
                hint="build the model with keras.Input(shape=...), without batch_size",
            )
    inputs = tuple(InputSpec(str(t.name), tuple(t.shape[1:]), str(t.dtype)) for t in model.inputs)
    return LoadedModel(name, inputs, digest[0], digest[1], path, keras=model)


def _load_file(path: Path, kind: str, custom: Sequence[Any]) -> Any:
    objects = custom_objects(custom)
    if kind == "keras":
        config = keras_config(path)
        if saved_by_keras2(path):
            return _through_keras2(path, custom)
    else:
        config = h5_config(path)
    _refuse_unknown_layers(config, objects)
    try:
        return _load_keras3(path, kind, objects)
    except EdgekitError:
        raise
    except Exception as error:
        if kind == "keras":
            raise _unloadable(path, error) from error
        return _through_keras2(path, custom)


def _load_keras3(path: Path, kind: str, objects: dict[str, Any]) -> Any:
    module = keras()
    if kind == "h5":
        objects = {"DepthwiseConv2D": _depthwise_shim(module)} | objects
    with tempfile.TemporaryDirectory() as folder, quiet():
        wanted = ".keras" if kind == "keras" else ".h5"
        if path.suffix != wanted:
            link = Path(folder) / f"model{wanted}"
            link.symlink_to(path.resolve())
            path = link
        return module.models.load_model(path, custom_objects=objects, compile=False)


def _depthwise_shim(module: Any) -> type:
    """Keras 2 wrote `groups` for DepthwiseConv2D, which Keras 3 refuses; it was always 1.

    `from_config` gives Keras's own layer, so a model saved later holds nothing of edgekit's.
    """

    class DepthwiseConv2D(module.layers.DepthwiseConv2D):
        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            config = {key: value for key, value in config.items() if key != "groups"}
            return module.layers.DepthwiseConv2D.from_config(config)

    return DepthwiseConv2D


def _refuse_unknown_layers(config: dict[str, Any], objects: dict[str, Any]) -> None:
    known = keras().layers
    models = {"Functional", "Sequential", "Model"}
    for entry in layers_in(config):
        kind = str(entry["class_name"])
        name = layer_name(entry)
        if kind == "Lambda" and _holds_code(entry):
            raise EdgekitError(
                f"layer '{name}' is a Lambda: its Python code is stored in the file, "
                "and edgekit does not run code out of files",
                hint="write it as a keras.layers.Layer class and give --custom module:ClassName",
            )
        registered = str(entry.get("registered_name") or kind)
        if kind in objects or registered in objects or registered.split(">")[-1] in objects:
            continue
        # operations such as keras.ops.sin are no layers, and the file says where they come from
        ours = str(entry.get("module") or "").split(".")[0] == "keras"
        if kind not in models and not ours and not hasattr(known, kind):
            raise EdgekitError(
                f"layer '{name}' is of class '{kind}', which Keras does not know",
                hint=f"name its class with --custom module:{kind}",
            )


def _holds_code(entry: dict[str, Any]) -> bool:
    text = json.dumps(entry.get("config"))
    return '"__lambda__"' in text or '"function_type": "lambda"' in text


def _unloadable(path: Path, error: Exception) -> EdgekitError:
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    return EdgekitError(
        f"Keras cannot load '{path}': {type(error).__name__}: {first[:200]}",
        hint="if it has layers or functions of your own, name them with --custom module:name",
    )


def _through_keras2(path: Path, custom: Sequence[Any]) -> Any:
    if not all(isinstance(item, str) for item in custom):
        raise EdgekitError(
            "a Keras 2 file needs its custom objects as 'module:name' texts",
            hint="they are imported in a second process, where live objects do not exist",
        )
    with tempfile.TemporaryDirectory() as folder:
        rewrite(path, Path(folder), custom)
        return _load_rewritten(Path(folder), custom_objects(custom), str(path))


def _load_rewritten(folder: Path, objects: dict[str, Any], source: str) -> Any:
    rewritten = folder / "model.h5"
    _refuse_unknown_layers(h5_config(rewritten), objects)
    try:
        model = _load_keras3(rewritten, "h5", objects)
    except Exception as error:
        raise _unloadable(Path(source), error) from error
    check_probe(lambda inputs: call_keras(model, inputs), folder, source)
    return model


def _from_live_keras2(source: Any) -> LoadedModel:
    with tempfile.TemporaryDirectory() as folder:
        with quiet():
            source.save(Path(folder) / "model.h5", save_format="h5", include_optimizer=False)
            write_probe(source, Path(folder))
        model = _load_rewritten(Path(folder), {}, source.name)
    return _from_keras(model, _live_digest(model), None, source.name)


def _from_saved_model(path: Path, custom: Sequence[Any]) -> LoadedModel:
    files = hash_tree(path)
    size = sum((path / name).stat().st_size for name in files)
    digest = (sha256_bytes(json.dumps(files, sort_keys=True).encode()), size)
    name = path.resolve().name
    if (path / "keras_metadata.pb").is_file():
        return _from_keras(_through_keras2(path, custom), digest, path, name)
    saved = load_saved_model(path)
    return LoadedModel(name, saved.inputs, digest[0], digest[1], path, saved=saved)


def _live_digest(model: Any) -> tuple[str, int]:
    try:
        text = model.to_json()
    except NotImplementedError:  # of a class of the user's own
        text = type(model).__qualname__
    digest = hashlib.sha256(text.encode())
    arrays = [np.ascontiguousarray(array) for array in model.get_weights()]
    for array in arrays:
        digest.update(array.tobytes())
    return digest.hexdigest(), sum(array.nbytes for array in arrays)
