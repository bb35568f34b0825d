"""A FLAC file whose samples are stored as they are (RFC 9639)."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt


def _sum(data: bytes, bits: int, polynomial: int) -> int:
    value = 0
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = (value << 1) ^ (polynomial if value >> (bits - 1) else 0)
            value &= (1 << bits) - 1
    return value


def flac(samples: npt.NDArray[np.int16]) -> bytes:
    """One frame of one channel, 16,000 samples a second. samples: at most 65,535."""
    count = len(samples)
    packed = 16_000 << 44 | 15 << 36 | count  # rate, one channel, 16 bits, samples
    info = struct.pack(">HH6xQ16x", count, count, packed)
    header = bytes((0xFF, 0xF8, 0x75, 0x08, 0)) + struct.pack(">H", count - 1)
    frame = header + bytes((_sum(header, 8, 0x07), 0x02)) + samples.astype(">i2").tobytes()
    return b"fLaC\x80\0\0\x22" + info + frame + struct.pack(">H", _sum(frame, 16, 0x8005))
