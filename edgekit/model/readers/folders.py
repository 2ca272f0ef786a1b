# SPDX-License-Identifier: Apache-2.0
"""Folders and zip archives of images or wav files in one folder per class."""

from __future__ import annotations

import io
import wave
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.dataset import LazyArray, Samples
from edgekit.model.info import InputSpec
from edgekit.model.readers.raw import Raw

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".webp")
SOUNDS = (".wav",)
Read = Callable[[str], bytes]


def read_folder(path: Path, inputs: Sequence[InputSpec]) -> Raw:
    """Class folders on disk; files are read when their samples are asked for."""
    names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    return _from_names(names, lambda name: (path / name).read_bytes(), str(path), inputs)


def read_zip(path: Path, inputs: Sequence[InputSpec]) -> Raw:
    """Class folders in a zip archive."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise EdgekitError(
            f"'{path}' is not a readable zip archive: {error}", hint="pack the folder again"
        ) from error
    names = sorted(name for name in archive.namelist() if not name.endswith("/"))
    return _from_names(names, archive.read, str(path), inputs)


def _from_names(names: list[str], read: Read, source: str, inputs: Sequence[InputSpec]) -> Raw:
    if len(inputs) != 1:
        raise EdgekitError(
            f"a folder of files feeds one input, and this model has {len(inputs)}",
            hint="give an .npz with an array named after each input",
        )
    kinds = IMAGES + SOUNDS
    kept = [name for name in names if _suffix(name) in kinds and not _hidden(name)]
    if not kept:
        raise EdgekitError(
            f"'{source}' holds no images and no wav files",
            hint="put them in one folder per class: data/cat/1.png, data/dog/1.png",
        )
    depth = _class_depth(kept, source)
    labels = [PurePosixPath(name).parts[depth] if depth >= 0 else "" for name in kept]
    classes = tuple(sorted(set(labels))) if depth >= 0 else ()
    decode: Callable[[bytes, str, InputSpec], np.ndarray] = _sound
    warnings: tuple[str, ...] = ()
    if any(_suffix(name) in IMAGES for name in kept):
        kept, labels = _only_images(kept, labels)
        decode = _image
        warnings = _resize_warning(read(kept[0]), kept[0], inputs[0])

    def decode_all(chosen: np.ndarray) -> np.ndarray:
        return np.stack([decode(read(kept[i]), kept[i], inputs[0]) for i in chosen])

    arrays: dict[str, Samples] = {"x": LazyArray(len(kept), decode_all)}
    if not classes:
        return Raw(arrays, ("x", ""), source=source, warnings=warnings)
    numbers = {label: number for number, label in enumerate(classes)}
    arrays["y"] = np.array([numbers[label] for label in labels], np.int64)
    return Raw(arrays, ("x", "y"), classes=classes, source=source, warnings=warnings)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _only_images(names: list[str], labels: list[str]) -> tuple[list[str], list[str]]:
    pairs = [(n, c) for n, c in zip(names, labels, strict=True) if _suffix(n) in IMAGES]
    return [name for name, _ in pairs], [label for _, label in pairs]


def _class_depth(names: list[str], source: str) -> int:
    """Which part of each path is the class: 0, or 1 below one enclosing folder; -1 for none."""
    parts = [PurePosixPath(name).parts for name in names]
    depth = 0
    if len({part[0] for part in parts}) == 1 and all(len(part) > 2 for part in parts):
        depth = 1
    if all(len(part) == depth + 1 for part in parts):
        return -1
    if any(len(part) < depth + 2 for part in parts):
        stray = next("/".join(part) for part in parts if len(part) < depth + 2)
        raise EdgekitError(
            f"'{source}' has class folders, but '{stray}' lies beside them",
            hint="put each file in the folder of its class",
        )
    return depth


def _image(data: bytes, name: str, spec: InputSpec) -> np.ndarray:
    """uint8 image of the input's size: height, width, channels (1 = grey, 3 = RGB)."""
    height, width, channels = _image_sides(spec)
    image = _open(data, name).convert("L" if channels == 1 else "RGB")
    if height and width and image.size != (width, height):
        image = image.resize((width, height), 2)
    array = np.asarray(image, np.uint8)
    return array.reshape(*array.shape[:2], channels) if len(spec.shape) == 3 else array


def _image_sides(spec: InputSpec) -> tuple[int | None, int | None, int]:
    shape = spec.shape
    channels = shape[2] if len(shape) == 3 else 1
    if len(shape) not in (2, 3) or channels not in (1, 3):
        raise EdgekitError(
            f"images do not fit input '{spec.name}' of shape {spec.words()}",
            hint="an image input is (height, width, 1 or 3); give arrays in an .npz otherwise",
        )
    return shape[0], shape[1], channels


def _open(data: bytes, name: str) -> Any:
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise EdgekitError(
            f"'{name}' is not a readable image: {str(error)[:100]}", hint="remove or replace it"
        ) from error
    return image


def _resize_warning(data: bytes, name: str, spec: InputSpec) -> tuple[str, ...]:
    height, width, _ = _image_sides(spec)
    size = _open(data, name).size
    if not height or not width or size == (width, height):
        return ()
    return (
        f"images are resized to {width}x{height} (bilinear); the first one is {size[0]}x{size[1]}",
    )


def _sound(data: bytes, name: str, spec: InputSpec) -> np.ndarray:
    """float32 samples in -1..1 (16-bit value / 32768), cut or zero-padded to the input length."""
    length = spec.shape[0]
    if length is None or any(side != 1 for side in spec.shape[1:]):
        raise EdgekitError(
            f"wav files do not fit input '{spec.name}' of shape {spec.words()}",
            hint="compute the features in a function and give it as --data module:function",
        )
    try:
        with wave.open(io.BytesIO(data)) as file:
            channels, width = file.getnchannels(), file.getsampwidth()
            frames = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise EdgekitError(
            f"'{name}' is not a readable wav file: {error}", hint="write it as 16-bit PCM"
        ) from error
    if width != 2 or channels != 1:
        raise EdgekitError(
            f"'{name}' has {channels} channels of {8 * width} bits, not one of 16",
            hint="convert it: sox in.wav -b 16 -c 1 out.wav",
        )
    samples = np.frombuffer(frames, "<i2").astype(np.float32) / 32768
    fitted = np.zeros(length, np.float32)
    fitted[: min(length, len(samples))] = samples[:length]
    return fitted.reshape([side or 1 for side in spec.shape])
