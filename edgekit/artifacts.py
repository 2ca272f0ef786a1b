# SPDX-License-Identifier: Apache-2.0
"""Result records and output folders: JSON with hashes, written whole or not at all.

A record file is `<stage>.json` beside what the stage wrote. It holds the record's own keys,
`stage`, `edgekit_version`, `inputs` (name -> SHA-256) and `files` (relative path -> SHA-256 of
everything the stage wrote), which is how a later run knows that a folder is edgekit's own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError


def sha256_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def plain(value: Any, relative_to: Path | None = None) -> Any:
    """`value` as JSON can hold it: dataclasses to dicts, paths to text, numpy to Python.

    Paths are absolute, or relative to the folder `relative_to`. A float that is not finite
    raises ValueError: a record never holds a number that was not measured.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item, relative_to) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, relative_to) for item in value]
    if isinstance(value, Path):
        absolute = value.resolve()
        return os.path.relpath(absolute, relative_to) if relative_to else str(absolute)
    if hasattr(value, "tolist"):
        return plain(value.tolist(), relative_to)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a record cannot hold a number that is not finite")
    return value


def write_text(path: Path, text: str) -> None:
    """Write `text` to a temporary name beside `path`, then move it into place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    temporary.replace(path)


def write_record(
    folder: Path,
    stage: str,
    record: Any,
    *,
    inputs: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    file_name: str = "",
) -> Path:
    """Write `<stage>.json` (or `file_name`) in `folder`; paths inside are relative to it."""
    from edgekit import __version__

    body = plain(record, folder.resolve())
    body |= {
        "stage": stage,
        "edgekit_version": __version__,
        "inputs": dict(inputs or {}),
        "files": dict(files or {}),
    }
    path = folder / (file_name or f"{stage}.json")
    write_text(path, json.dumps(body, indent=1) + "\n")
    return path


def read_record(path: Path) -> dict[str, Any]:
    """The record file `path` as a dict; EdgekitError where it is not one of edgekit's."""
    try:
        body = json.loads(path.read_text())
    except FileNotFoundError:
        raise EdgekitError(
            f"there is no record '{path}'",
            hint=f"run `edgekit {path.stem.replace('_', '-')} ...` first, which writes it",
        ) from None
    except (OSError, ValueError) as error:
        raise EdgekitError(
            f"'{path}' is not a readable record: {error}", hint="run the stage that wrote it again"
        ) from error
    if not isinstance(body, dict) or "stage" not in body:
        raise EdgekitError(
            f"'{path}' is not a record of edgekit",
            hint="records are the .json files that edgekit writes beside its outputs",
        )
    return body


def records_in(folder: Path) -> dict[str, dict[str, Any]]:
    """Stage -> record for every record file directly in `folder`."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(EdgekitError):
            body = read_record(path)
            found[str(body["stage"])] = body | {"record_file": path.name}
    return found


def hash_tree(folder: Path) -> dict[str, str]:
    """Relative path -> SHA-256 of every file below `folder`."""
    return {
        str(path.relative_to(folder)): sha256_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _is_foreign(path: Path, folder: Path, owned: Mapping[str, str]) -> bool:
    """Whether edgekit did not write `path`, or somebody changed it since."""
    relative = str(path.relative_to(folder))
    nested = any(
        any(parent.glob("*.json")) and records_in(parent)
        for parent in path.parents
        if folder in parent.parents
    )
    return not nested and owned.get(relative) != sha256_file(path)


def foreign_files(folder: Path) -> list[str]:
    """Files below `folder` that edgekit did not write or that were changed since.

    Record files themselves and folders that carry a record of their own do not count.
    """
    records = records_in(folder)
    owned = {name: digest for body in records.values() for name, digest in body["files"].items()}
    record_files = {body["record_file"] for body in records.values()}
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and str(path.relative_to(folder)) not in record_files
        and _is_foreign(path, folder, owned)
    ]


def check_writable(folder: Path, *, force: bool = False) -> None:
    """EdgekitError unless `folder` may be (re)written: absent, empty, or edgekit's unchanged."""
    if folder.exists() and not folder.is_dir():
        raise EdgekitError(
            f"'{folder}' is a file, and the output is a folder", hint="give another -o"
        )
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise _not_writable(existing)
    if folder.exists() and not force and (others := foreign_files(folder)):
        listed = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        raise EdgekitError(
            f"'{folder}' holds files that edgekit did not write or that were changed: {listed}",
            hint="give another -o, or --force to overwrite",
        )


def _not_writable(folder: Path) -> EdgekitError:
    why = "not writable" if folder.is_dir() else "not a folder"
    return EdgekitError(f"'{folder}' is {why}", hint="give a folder that you may write to")


@contextlib.contextmanager
def temporary_beside(folder: Path) -> Iterator[Path]:
    """A new folder next to `folder`, on the same file system, gone at the end of the block.

    EdgekitError where nothing can be made there.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent.resolve()))
    except OSError:
        raise _not_writable(folder.parent) from None
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def staged_folder(folder: Path, stage: str, *, force: bool = False) -> Iterator[Path]:
    """A temporary folder whose files replace those that `stage` wrote to `folder` before.

    Nothing in `folder` changes until the block ends without an error. The caller writes the
    record afterwards with `files=hash_tree(...)` taken from the temporary folder.
    """
    check_writable(folder, force=force)
    with temporary_beside(folder) as temporary:
        yield temporary
        _replace_files(temporary, folder, stage)


def _replace_files(source: Path, folder: Path, stage: str) -> None:
    old = records_in(folder).get(stage, {"files": {}})["files"] if folder.is_dir() else {}
    new = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    for name in sorted(new):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).replace(folder / name)
    for name in set(old) - new:
        (folder / name).unlink(missing_ok=True)
