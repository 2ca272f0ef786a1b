# SPDX-License-Identifier: Apache-2.0
"""What kind of file a model is, judged by its content, and what its configuration says."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_ACCEPTED = "edgekit reads .keras, .h5, a SavedModel folder, and int8 .tflite"


def kind_of(path: Path) -> str:
    """ "keras", "h5", "saved_model" or "tflite"; EdgekitError where `path` is none of them."""
    if not path.exists():
        raise EdgekitError(f"there is no model '{path}'", hint="check the path")
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return "saved_model"
        raise EdgekitError(
            f"the folder '{path}' holds no saved_model.pb", hint=f"give a model file; {_ACCEPTED}"
        )
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError as error:
        raise EdgekitError(
            f"cannot read '{path}': {error.strerror}", hint="check its permissions"
        ) from error
    return _by_content(path, head)


def _by_content(path: Path, head: bytes) -> str:
    if head[4:8] == b"TFL3":
        return "tflite"
    if head.startswith(_HDF5):
        return "h5"
    if head.startswith(_ZIP):
        return "keras"
    if path.suffix in (".keras", ".h5", ".hdf5", ".tflite"):
        raise EdgekitError(
            f"'{path}' is not a {path.suffix} file: its first bytes are wrong",
            hint="save the model again, or copy it again in binary mode",
        )
    raise EdgekitError(f"'{path}' is not a model", hint=_ACCEPTED)


def keras_config(path: Path) -> dict[str, Any]:
    """Configuration of a `.keras` file; EdgekitError where the archive is damaged or another's."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "config.json" not in names:
                raise EdgekitError(
                    f"'{path}' is a zip archive, but holds no Keras model", hint=_ACCEPTED
                )
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"'{damaged}' inside it is damaged")
            return dict(json.loads(archive.read("config.json")))
    except (zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        raise _truncated(path, error) from error


def h5_config(path: Path) -> dict[str, Any]:
    """Configuration of a `.h5` model; EdgekitError where it is damaged or holds weights only."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            raw = file.attrs.get("model_config")
    except (OSError, RuntimeError, KeyError) as error:
        raise _truncated(path, error) from error
    if raw is None:
        raise EdgekitError(
            f"'{path}' holds weights but no model",
            hint="save the whole model: model.save('model.keras')",
        )
    return dict(json.loads(raw))


def _truncated(path: Path, error: Exception) -> EdgekitError:
    return EdgekitError(
        f"'{path}' is damaged or truncated: {str(error).splitlines()[0][:120]}",
        hint="save or copy the model again",
    )


def saved_by_keras2(path: Path) -> bool:
    """Whether a `.keras` archive says that Keras 2 (tf_keras) wrote it."""
    with zipfile.ZipFile(path) as archive:
        if "metadata.json" not in archive.namelist():
            return False
        metadata = json.loads(archive.read("metadata.json"))
    return str(metadata.get("keras_version", "")).startswith("2.")


def layers_in(config: Any) -> Iterator[dict[str, Any]]:
    """Every layer's entry in a model's configuration, nested models included."""
    if isinstance(config, dict):
        for entry in config.get("layers") or ():
            if isinstance(entry, dict) and "class_name" in entry:
                yield entry
        for value in config.values():
            yield from layers_in(value)
    elif isinstance(config, list):
        for value in config:
            yield from layers_in(value)


def layer_name(entry: dict[str, Any]) -> str:
    inner = entry.get("config")
    inner_name = inner.get("name") if isinstance(inner, dict) else None
    return str(inner_name or entry.get("name") or "?")
