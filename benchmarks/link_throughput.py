# SPDX-License-Identifier: Apache-2.0
"""What the link carries: samples and bytes a second, and what the harness adds to the wire's time.

The real firmware runs as a process. First its pseudo terminal is as fast as the computer; then a
line lets bytes through no faster than a baud rate does (tests/support/paced_line.py). `adds` is the
time of a sample over wire + inference (every byte at ten bits, and the ticks that the firmware
reports), in parts of the wire's; `bare` the same of a loop that writes frames made beforehand and
reads up to the next zero, which is what this computer, its pacing line and the firmware take; the
difference is the harness's. `cpu` is its processor time a sample.

    python benchmarks/link_throughput.py [--baud 921600] [--seconds 5]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, conditions, table

sys.path.insert(0, str(ROOT))

from edgekit.boards import load_board
from edgekit.link.device import Device
from edgekit.link.emulator import open_command, open_port
from edgekit.link.frame import decode_frame, encode_frame
from edgekit.link.messages import BY_NAME, MAX_PAYLOAD
from edgekit.measure.harness import run_samples
from edgekit.tflite.graph import Graph, Tensor
from tests.fakes.app_build import build_app
from tests.support.fault_rig import MODEL, Firmware
from tests.support.paced_line import BITS_PER_BYTE, PacedLine

RESULTS = Path(__file__).parent / "results" / "link_throughput.json"
# Input bytes of a sample; the outputs are as many, so that both ways are in use.
SIZES = {"KWS 490 B": 490, "image 3,072 B": 3072, "VWW 27,648 B": 27_648}
BAUDS = (115_200, 921_600)
HEAD = ("line", "sample", "samples/s", "bytes/s", "of the line", "adds", "bare", "harness", "cpu")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--baud", action="append", type=int, help="default: 115200 and 921600")
    parser.add_argument("--seconds", type=float, default=5.0, help="about so long for each line")
    args = parser.parse_args()
    sys.setswitchinterval(0.0002)  # the paced line is two threads of this process
    board = load_board("native")
    rows = []
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            elf = build_app(board, Path(folder), MODEL, defines=[f"COUNT={size}u"])
            rows.append(_free(elf, name, size, args.seconds))
            for baud in args.baud or BAUDS:
                rows.append(_paced(elf, name, size, baud, args.seconds))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"conditions": conditions(), "rows": rows}, indent=1) + "\n")
    print(table(HEAD, [_cells(row) for row in rows]))
    return 0


def _graph(size: int) -> Graph:
    x, runs = Tensor(0, "x", (1, size), "uint8"), Tensor(1, "runs", (1,), "int32")
    return Graph("echo", (x, runs, Tensor(2, "y", (1, size), "uint8")), (), (0,), (1, 2))


def _measure(device: Device, size: int, samples: int) -> dict[str, float]:
    """Seconds of so many samples: all, of the processor here, of the inference there."""
    x = np.random.default_rng(1).integers(0, 256, (samples, size), np.uint8)
    run_samples(device, _graph(size), [x[:1]])
    began, cpu = time.perf_counter(), time.thread_time()
    run = run_samples(device, _graph(size), [x], warmup=0)
    took, cpu = time.perf_counter() - began, time.thread_time() - cpu
    device_s = sum(run.ticks) / device.hello().counter_hz
    return {"took_s": took, "cpu_s": cpu, "device_s": device_s}


def _free(elf: Path, name: str, size: int, seconds: float) -> dict[str, Any]:
    """The pseudo terminal alone. Its bytes are those of the same frames on a paced line."""
    samples = max(20, min(2000, int(seconds * 2_000_000 / size)))
    with open_command([str(elf)], "native") as device:
        got = _measure(device, size, samples)
    moved = samples * wire_bytes(size)
    return {"line": "pty", "sample": name, "samples": samples, "bytes": moved, **got}


def _paced(elf: Path, name: str, size: int, baud: int, seconds: float) -> dict[str, Any]:
    samples = max(3, int(seconds * baud / BITS_PER_BYTE / wire_bytes(size)))
    firmware = Firmware(load_board("native"), elf)
    firmware.start()
    with PacedLine(firmware.end, baud) as line, open_port(line.path, 115_200) as device:
        device.hello()
        before, late = 0, 0.0

        class Counted:
            """The device, whose line is read off when the measured samples begin."""

            def sample(self, data: Any) -> Any:
                return device.sample(data)

        x = np.random.default_rng(1).integers(0, 256, (samples, size), np.uint8)
        run_samples(Counted(), _graph(size), [x[:1]])  # type: ignore[arg-type]
        before, late = line.bytes, line.late_s
        began, cpu = time.perf_counter(), time.thread_time()
        run = run_samples(Counted(), _graph(size), [x], warmup=0)  # type: ignore[arg-type]
        took, cpu = time.perf_counter() - began, time.thread_time() - cpu
        moved, late = line.bytes - before, line.late_s - late
        device_s = sum(run.ticks) / device.hello().counter_hz
        resent = device.stats.resent
    bare_s = _bare(firmware, size, baud, samples) - device_s
    firmware.stop()
    row = {"line": f"{baud} baud", "sample": name, "samples": samples, "bytes": moved}
    times = {"took_s": took, "cpu_s": cpu, "device_s": device_s, "late_s": late, "bare_s": bare_s}
    return {**row, **times, "baud": baud, "resent": resent}


def _bare(firmware: Firmware, size: int, baud: int, samples: int) -> float:
    """Seconds of the same exchanges without a harness: frames made beforehand, nothing checked."""
    with PacedLine(firmware.end, baud) as line:
        wire = os.open(line.path, os.O_RDWR | os.O_NOCTTY)
        hello = encode_frame(BY_NAME["hello"].number, 1, struct.pack("<I", 99))
        answer = decode_frame(_exchange(wire, b"\0" + hello)[:-1])
        assert answer is not None and answer.session
        frames = list(_frames(size, samples, answer.session))
        began = time.perf_counter()
        for frame in frames:
            _exchange(wire, frame)
        took = time.perf_counter() - began
        os.close(wire)
    return took


def _exchange(wire: int, frame: bytes) -> bytes:
    os.write(wire, frame)
    got = b""
    while not got.endswith(b"\0"):
        got += os.read(wire, 4096)
    return got


def _frames(size: int, samples: int, session: int) -> Iterator[bytes]:
    """Requests of so many samples, as the device layer cuts them."""
    x = np.random.default_rng(1).integers(0, 256, (samples, size), np.uint8)
    ids = itertools.count(2)
    room, shown = MAX_PAYLOAD - 6, MAX_PAYLOAD - 8 - 4
    for row in x:
        data = row.tobytes()
        for at in range(0, size, room):
            kind = BY_NAME["load" if at + room < size else "sample"].number
            payload = struct.pack("<HI", 0, at) + data[at : at + room]
            yield encode_frame(kind, next(ids), payload, session=session)
        for at in range(shown, size, MAX_PAYLOAD):
            ask = struct.pack("<BHII", 1, 1, at, min(MAX_PAYLOAD, size - at))
            yield encode_frame(BY_NAME["read"].number, next(ids), ask, session=session)


def wire_bytes(size: int) -> int:
    """Bytes on the line for one sample, both ways: payloads, headers, CRCs, COBS and zeros.

    Of random data: a block of 254 bytes without a zero, which costs one byte more, is rare.
    """
    frame = 9 + 4 + 2  # header, CRC, first code and closing zero
    load, answer, read = 1024 - 6, 1024 - 8, 11
    loads = max(1, -(-size // load))
    total = size + loads * (frame + 6) + (loads - 1) * frame
    outputs = size + 4
    total += frame + 8 + min(outputs, answer)
    left = outputs - min(outputs, answer)
    reads = -(-left // 1024)
    return total + left + reads * (2 * frame + read)


def _cells(row: dict[str, Any]) -> list[object]:
    rate = row["samples"] / row["took_s"]
    speed = row["bytes"] / row["took_s"]
    cells = [row["line"], row["sample"], f"{rate:,.1f}", f"{speed:,.0f}"]
    cpu = f"{row['cpu_s'] / row['samples'] * 1e3:.2f} ms"
    if "baud" not in row:
        return [*cells, "", "", "", "", cpu]
    wire_s = row["bytes"] * BITS_PER_BYTE / row["baud"]
    added = (row["took_s"] - row["device_s"] - wire_s) / wire_s
    bare = (row["bare_s"] - wire_s) / wire_s
    share = f"{speed / (row['baud'] / BITS_PER_BYTE):.1%}"
    return [*cells, share, f"{added:.1%}", f"{bare:.1%}", f"{added - bare:.1%}", cpu]


if __name__ == "__main__":
    sys.exit(main())
