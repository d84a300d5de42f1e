"""Columns: what is written is read, by any process, and half a file is none."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from data.formats.columns import Columns, ColumnsWriter

NUMBERS = np.arange(21, dtype=np.float32).reshape(7, 3)
TEXTS = ["a/1.jpg", "", "Grüße.png", "b", "c" * 300, "d", "e"]


@pytest.fixture
def path(tmp_path):
    with ColumnsWriter(tmp_path / "some.columns") as writer:
        writer.add("numbers", NUMBERS)
        writer.add_text("texts", TEXTS)
        writer.add_parts("parts", (7, 2, 2), np.int32, (np.full((n, 2, 2), n) for n in (4, 3)))
        writer.add("flags", np.arange(7), np.uint8)
        writer.info["note"] = [1, 2]
    return tmp_path / "some.columns"


def test_columns_come_back_as_they_were_written(path):
    columns = Columns(path)
    assert columns.rows == 7 and columns.info == {"note": [1, 2]}
    assert sorted(columns) == ["flags", "numbers", "parts", "texts"] and len(columns) == 4
    assert columns["numbers"].dtype == np.float32 and np.array_equal(columns["numbers"], NUMBERS)
    assert columns["parts"][:, 0, 0].tolist() == [4] * 4 + [3] * 3 and columns["flags"].dtype == np.uint8
    assert [columns.text("texts", row) for row in range(7)] == TEXTS


def test_nobody_can_write_to_what_all_share(path):
    with pytest.raises(ValueError, match="read-only"):
        Columns(path)["numbers"][0] = 1


def test_a_process_is_handed_the_path_and_not_the_numbers(path):
    packed = pickle.dumps(Columns(path))
    assert len(packed) < 500 and np.array_equal(pickle.loads(packed)["numbers"], NUMBERS)


def test_empty_columns_are_columns_too(tmp_path):
    with ColumnsWriter(tmp_path / "none") as writer:
        writer.add("numbers", np.zeros((0, 3)))
        writer.add_text("texts", [])
    assert Columns(tmp_path / "none").rows == 0 and Columns(tmp_path / "none")["numbers"].shape == (0, 3)


@pytest.mark.parametrize("left", [0, 10, -1, -20])
def test_a_file_without_its_end_is_refused(path, left):
    data = path.read_bytes()
    path.write_bytes(data[:left])
    with pytest.raises(ValueError, match="no whole file of columns"):
        Columns(path)


def test_what_was_begun_and_not_ended_is_refused(tmp_path):
    def fails():
        with ColumnsWriter(tmp_path / "half") as writer:
            writer.add("numbers", NUMBERS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with pytest.raises(ValueError, match="no whole file"):
        Columns(tmp_path / "half")


def test_columns_of_different_lengths_are_refused(tmp_path):
    with ColumnsWriter(tmp_path / "some") as writer:
        writer.add("numbers", NUMBERS)
        with pytest.raises(ValueError, match="'others' has 6 rows, those before it have 7"):
            writer.add("others", NUMBERS[:6])
        with pytest.raises(ValueError, match=r"'parts' of .* has 48 bytes"):
            writer.add_parts("parts", (7, 3), np.float32, [NUMBERS[:4]])
