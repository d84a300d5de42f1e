"""The index: made once, by whoever comes first, and again when its file changes."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest
from processes import FRESH

from data.formats import index
from data.formats.columns import ColumnsWriter
from data.formats.index import opened_index


def write_from(path: Path, log: Path | None = None):
    """A writer of the numbers in a text file, which notes that it was called."""

    def write(writer: ColumnsWriter) -> None:
        if log is not None:
            with log.open("a") as file:
                file.write(f"{os.getpid()}\n")
        writer.add("numbers", np.array([float(word) for word in path.read_text().split()]))

    return write


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "data" / "numbers.txt"
    path.parent.mkdir()
    path.write_text("1 2 3")
    return path


def open_it(source: Path, reader: str = "test 1") -> tuple[list[float], int]:
    """The numbers, and how often they were read from the text so far."""
    log = source.with_suffix(".log")
    numbers = opened_index([source], reader, write_from(source, log))["numbers"].tolist()
    return numbers, len(log.read_text().splitlines())


def test_a_file_is_read_once(source):
    assert open_it(source) == ([1, 2, 3], 1)
    assert open_it(source) == ([1, 2, 3], 1)
    assert (source.parent / "index" / "numbers.txt.columns").is_file()


@pytest.mark.parametrize("same_time", [False, True])
def test_a_file_that_changes_is_read_again(source, same_time):
    before = source.stat()
    open_it(source)
    source.write_text("4 5 6")  # as long as before
    if same_time:
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert open_it(source) == ([4, 5, 6], 2)


def test_another_reader_reads_again(source):
    open_it(source)
    assert open_it(source, "test 2")[1] == 2


def test_a_damaged_index_is_made_again(source):
    open_it(source)
    place = source.parent / "index" / "numbers.txt.columns"
    place.write_bytes(place.read_bytes()[:-3])
    assert open_it(source) == ([1, 2, 3], 2)


def test_a_reader_that_fails_leaves_nothing(source):
    source.write_text("1 2 three")
    with pytest.raises(ValueError, match="three"):
        open_it(source)
    assert [path.suffix for path in (source.parent / "index").iterdir()] == [".lock"]


def test_an_index_of_a_folder_that_is_read_only_lies_in_the_output_folder(source, tmp_path, monkeypatch):
    monkeypatch.setattr(index, "OUTPUT", tmp_path / "output")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != source.parent)
    assert open_it(source) == ([1, 2, 3], 1) and open_it(source) == ([1, 2, 3], 1)
    assert not (source.parent / "index").exists()
    assert len(list((tmp_path / "output" / "index").glob("*/numbers.txt.columns"))) == 1


def test_processes_that_start_at_once_read_it_once(source):
    with FRESH.Pool(4) as pool:
        results = pool.map(open_it, [source] * 4, chunksize=1)
    assert [numbers for numbers, _ in results] == [[1, 2, 3]] * 4
    assert open_it(source)[1] == 1


def test_an_index_in_use_outlives_its_successor(source):
    first = opened_index([source], "test 1", write_from(source))
    source.write_text("7 8 9")
    assert open_it(source)[0] == [7, 8, 9]
    assert first["numbers"].tolist() == [1, 2, 3]


def test_that_something_takes_a_while_is_said(source, caplog):
    with caplog.at_level(logging.INFO):
        open_it(source)
    assert "once" in caplog.text and "Indexed 3 rows" in caplog.text
