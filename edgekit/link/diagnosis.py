# SPDX-License-Identifier: Apache-2.0
"""Why no firmware of edgekit's answers: what the line carried instead, in a sentence.

Loaders' words: Espressif's ROM ("waiting for download", "rst:0x"), AN3155 for STM32's (0x79 for
yes, 0x1F for no). Prompts: MicroPython's ">>>", the MLPerf Tiny runner's "m-ready".
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.link.frame import DELIMITER, decode_frame

# Rates that firmware and terminals commonly have, the likeliest first.
COMMON_RATES = (115200, 921600, 9600, 460800, 230400, 1000000, 57600)
# So much that cannot be read is no accident.
_LEAST_NOISE_BYTES = 8
_TEXT_SHOWN = 60
_LOADERS = ("waiting for download", "download_boot", "uart_boot", "bootloader")
_STM32_ANSWERS = {0x79, 0x1F}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`kind` is "silent", "loader", "text", "noise" or "frames"."""

    kind: str
    words: str
    hint: str


def diagnose(heard: bytes, baud: int) -> Diagnosis:
    """What bytes that came instead of an answer mean, at `baud`."""
    if not heard.strip(DELIMITER):
        return Diagnosis(
            "silent",
            "the line stayed silent",
            "is the board powered and running edgekit's firmware? reset it, or flash it:"
            " edgekit flash",
        )
    if any(decode_frame(part) for part in heard.split(DELIMITER)):
        return Diagnosis(
            "frames",
            "frames came, but no answer to the question",
            "try again; if it stays, check the cable and what else talks to the board",
        )
    if set(heard) <= _STM32_ANSWERS:
        return _loader("an STM32's loader in system memory answered")
    text = _as_text(heard)
    if text is None:
        return Diagnosis(
            "noise",
            f"what came at {baud} baud is neither a frame nor text ({heard[:12].hex(' ')} ...):"
            " another rate, or a bad cable",
            "give the rate that the firmware was built with in the board file's [serial] baud",
        )
    if any(words in text.lower() for words in _LOADERS):
        return _loader(f"the chip's loader said '{_short(text)}'")
    return _other_program(text)


def _loader(words: str) -> Diagnosis:
    return Diagnosis(
        "loader",
        f"the board waits in its loader: {words}",
        "flash it (edgekit flash), or reset it with its BOOT pin released",
    )


def _other_program(text: str) -> Diagnosis:
    known = {"m-ready": "the MLPerf Tiny protocol", ">>>": "MicroPython"}
    who = next((name for mark, name in known.items() if mark in text), "another program")
    return Diagnosis(
        "text",
        f"{who} answered in text: '{_short(text)}'",
        "flash edgekit's firmware: edgekit flash; edgekit monitor shows the text",
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT_SHOWN else f"{line[:_TEXT_SHOWN]}..."


def _as_text(heard: bytes) -> str | None:
    """The bytes as text, None where they are none: a wrong rate gives bytes of every kind."""
    kept = heard.strip(DELIMITER)
    readable = sum(byte in b"\r\n\t\x1b" or 32 <= byte < 127 for byte in kept)
    if readable < 0.95 * len(kept) or len(kept) < _LEAST_NOISE_BYTES / 2:
        return None
    return kept.decode("ascii", errors="replace")
