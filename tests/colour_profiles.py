"""ICC profiles written from published primaries, byte by byte (ICC.1), for tests."""

from __future__ import annotations

import struct

import numpy as np

from mmnet.arrays import AnyArray

D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)
PCS = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3_PRIMARIES = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_PRIMARIES = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
PROPHOTO_PRIMARIES = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001))


def srgb_of(pixels: AnyArray, primaries: tuple[tuple[float, float], ...], gamma: float | None) -> AnyArray:
    """Colours in sRGB as float64, 0-255, by formulas: primaries around D65, and a power or sRGB's own curve."""

    def to_xyz(corners: tuple[tuple[float, float], ...]) -> AnyArray:
        points = [np.array([x / y, 1, (1 - x - y) / y]) for x, y in (D65, *corners)]
        columns = np.array(points[1:]).T
        return np.asarray(columns * np.linalg.solve(columns, points[0]))

    stored = pixels / 255.0
    linear = stored**gamma if gamma else np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    own = (linear @ (np.linalg.inv(to_xyz(SRGB_PRIMARIES)) @ to_xyz(primaries)).T).clip(0, 1)
    return np.asarray(255 * np.where(own <= 0.0031308, 12.92 * own, 1.055 * own ** (1 / 2.4) - 0.055))


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


def tables_profile(primaries: tuple[tuple[float, float], ...], gamma: float, steps: int = 17) -> bytes:
    """A profile that says the same with one table of colours in Lab, as those of scanners do (ICC.1:2001, 6.5.8)."""
    points = [np.array([x / y, 1, (1 - x - y) / y]) for x, y in (D65, *primaries)]
    matrix = np.array(points[1:]).T
    matrix = matrix * np.linalg.solve(matrix, points[0])
    adapted = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ PCS) / (BRADFORD @ points[0])) @ BRADFORD @ matrix
    levels = np.linspace(0, 1, steps) ** gamma
    linear = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    x, y, z = np.cbrt((linear @ adapted.T) / PCS).T  # near black, Lab is not this cube root; 17 steps do not show it
    lab = np.stack([(116 * y - 16).clip(0) * 652.8, (500 * (x - y) + 128) * 256, (200 * (y - z) + 128) * 256], axis=-1)
    table = b"mft2\0\0\0\0" + bytes([3, 3, steps, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + struct.pack(">HH", 2, 2)
    straight = struct.pack(">HH", 0, 65535) * 3
    table += straight + np.rint(lab.clip(0, 65535)).astype(">u2").tobytes() + straight
    return profile(b"RGB ", [(b"A2B0", table)], connection=b"Lab ")


SRGB = rgb_profile(SRGB_PRIMARIES, table_curve())
DISPLAY_P3 = rgb_profile(P3_PRIMARIES, SRGB_PARAMETRIC, version=4)
ADOBE_RGB = rgb_profile(ADOBE_PRIMARIES, gamma_curve(563 / 256))
PROPHOTO = rgb_profile(PROPHOTO_PRIMARIES, gamma_curve(1.8), D50)
