"""Vertices come out of a mesh file as they went in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.formats.ply import read_vertices

POINTS = np.array([[0.5, -1.25, 3.0], [1.0, 2.0, -0.125]])
HEAD = "ply\nformat {form} 1.0\ncomment a mesh\nelement vertex 2\n{rows}element face 1\n"
FACES = "property list uchar int vertex_indices\nend_header\n"
ROWS = "property float x\nproperty float y\nproperty float z\nproperty uchar red\n"


@pytest.mark.parametrize("order", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_vertices_are_read_whatever_the_format_and_what_else_they_carry(tmp_path: Path, order: str) -> None:
    header = (HEAD.format(form=order, rows=ROWS) + FACES).encode()
    if order == "ascii":
        body = b"0.5 -1.25 3 7\n1 2 -0.125 9\n3 0 1 1\n"
    else:
        sign = "<" if "little" in order else ">"
        table = np.zeros(2, [("xyz", f"{sign}f4", 3), ("red", "u1")])
        table["xyz"] = POINTS
        body = table.tobytes() + b"\x03\0\0\0\0\0\0\0\0\0\0\0\0"
    (tmp_path / "mesh.ply").write_bytes(header + body)
    np.testing.assert_array_equal(read_vertices(tmp_path / "mesh.ply"), POINTS)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"solid box", "no .ply file"),
        (
            b"ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nend_header\n1\n2\n",
            "without x, y and z",
        ),
        ((HEAD.format(form="ascii", rows=ROWS) + FACES).encode() + b"0.5 1", "cut off"),
        ((HEAD.format(form="binary_little_endian", rows=ROWS) + FACES).encode() + b"\0" * 9, "cut off"),
    ],
)
def test_a_file_that_is_no_mesh_is_refused_in_words(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "mesh.ply").write_bytes(content)
    with pytest.raises(ValueError, match=complaint):
        read_vertices(tmp_path / "mesh.ply")
