"""The vertices of a `.ply` file, as scans and fitted meshes are stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np

_KINDS = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2",
    "ushort": "u2", "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


def read_vertices(path: str | Path) -> np.ndarray:
    """(V, 3) float64 x, y, z of the vertices, in the file's order and unit; faces are not read.

    Raises FileNotFoundError, and ValueError in one sentence where the file is cut off or is no such mesh.
    """
    data = Path(path).read_bytes()
    end = data.find(b"end_header")
    if not data.startswith(b"ply") or end < 0:
        raise ValueError(f"{path} is no .ply file, or is cut off; fetch it again.")
    body = data[data.index(b"\n", end) + 1 :]
    order, count, kinds = _header(data[:end].decode("ascii", "replace"), path)
    names = [name for name, _ in kinds]
    if not {"x", "y", "z"} <= set(names):
        raise ValueError(f"{path} has vertices without x, y and z: {', '.join(names) or 'nothing'}.")
    if order == "":
        numbers = np.array(
            b" ".join(body.split(None, count * len(names))[: count * len(names)]).split(), np.float64
        )
        if len(numbers) < count * len(names):
            raise ValueError(f"{path} is cut off: {count} vertices were announced; fetch it again.")
        table = numbers.reshape(count, len(names))
        return table[:, [names.index(axis) for axis in "xyz"]]
    kind = np.dtype([(name, order + code) for name, code in kinds])
    if len(body) < count * kind.itemsize:
        raise ValueError(f"{path} is cut off: {count} vertices were announced; fetch it again.")
    vertices = np.frombuffer(body, kind, count)
    return np.stack([vertices[axis].astype(np.float64) for axis in "xyz"], 1)


def _header(text: str, path: str | Path) -> tuple[str, int, list[tuple[str, str]]]:
    """Byte order ("" for text), number of vertices, and name and kind of each of a vertex's numbers."""
    order, count, kinds, element = None, 0, [], ""
    for words in (line.split() for line in text.splitlines()):
        match words:
            case ["format", form, *_] if form in _ORDERS:
                order = _ORDERS[form]
            case ["element", element, number]:
                if element == "vertex":
                    count = int(number)
                elif not kinds:
                    raise ValueError(f"{path} has '{element}' before its vertices, which is not read.")
            case ["property", kind, name] if element == "vertex" and kind in _KINDS:
                kinds.append((name, _KINDS[kind]))
            case ["property", *_] if element == "vertex":
                raise ValueError(f"{path} has vertices with '{' '.join(words)}', which is not read.")
    if order is None or not count:
        raise ValueError(f"{path} announces no vertices in a known format; fetch it again.")
    return order, count, kinds
