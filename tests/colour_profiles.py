"""ICC profiles written from published primaries, byte by byte (ICC.1), for tests."""

from __future__ import annotations

import struct

import numpy as np

D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)
PCS = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3_PRIMARIES = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_PRIMARIES = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
PROPHOTO_PRIMARIES = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def table_curve(count: int = 1024) -> bytes:
    """The curve of sRGB as a table."""
    at = np.linspace(0, 1, count)
    values = np.where(at <= 0.04045, at / 12.92, ((at + 0.055) / 1.055) ** 2.4)
    return b"curv\0\0\0\0" + struct.pack(">I", count) + np.round(values * 65535).astype(">u2").tobytes()


def gamma_curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


LINEAR_CURVE = b"curv\0\0\0\0" + struct.pack(">I", 0)


def parametric_curve(kind: int, *numbers: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + fixed(*numbers)


SRGB_PARAMETRIC = parametric_curve(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def rgb_profile(
    primaries: tuple[tuple[float, float], ...], curve: bytes, white: tuple[float, float] = D65, version: int = 2
) -> bytes:
    """A profile of a matrix and a curve, as of a display."""
    points = [np.array([x / y, 1, (1 - x - y) / y]) for x, y in (white, *primaries)]
    matrix = np.array(points[1:]).T
    matrix = matrix * np.linalg.solve(matrix, points[0])
    adapted = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ PCS) / (BRADFORD @ points[0])) @ BRADFORD @ matrix
    columns = [b"XYZ \0\0\0\0" + fixed(*column) for column in adapted.T]
    tags = [
        *zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True),
        *((name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")),
    ]
    return profile(b"RGB ", tags, version)


def grey_profile(curve: bytes, connection: bytes = b"XYZ ") -> bytes:
    return profile(b"GRAY", [(b"kTRC", curve)], connection=connection)


def profile(space: bytes, tags: list[tuple[bytes, bytes]], version: int = 2, connection: bytes = b"XYZ ") -> bytes:
    name = b"test"
    text = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" + bytes(78)
    tags = [(b"desc", text), (b"cprt", b"text\0\0\0\0none\0"), (b"wtpt", b"XYZ \0\0\0\0" + fixed(*PCS)), *tags]
    table, body = struct.pack(">I", len(tags)), b""
    for key, data in tags:
        table += key + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = bytearray(128)
    struct.pack_into(">I", header, 0, 128 + len(table) + len(body))
    header[8:12] = bytes([version, 0, 0, 0])
    header[12:24] = b"mntr" + space + connection
    struct.pack_into(">6H", header, 24, 2024, 1, 1, 0, 0, 0)
    header[36:40], header[68:80] = b"acsp", fixed(*PCS)
    return bytes(header) + table + body


SRGB = rgb_profile(SRGB_PRIMARIES, table_curve())
DISPLAY_P3 = rgb_profile(P3_PRIMARIES, SRGB_PARAMETRIC, version=4)
ADOBE_RGB = rgb_profile(ADOBE_PRIMARIES, gamma_curve(563 / 256))
PROPHOTO = rgb_profile(PROPHOTO_PRIMARIES, gamma_curve(1.8), D50)
