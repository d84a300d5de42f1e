"""Lines of .tsv files are found by their bytes, and a broken place is named."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from data.formats import tsv
from data.formats.tsv import Lines, TsvWriter, numbers

ROWS = [("first", "a b"), ("second", ""), ("third", "x" * 300)]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "some.img.tsv"
    writer = TsvWriter(path)
    for row in ROWS:
        writer.add(*row)
    writer.close()
    return path


def as_text(lines: Lines) -> list[tuple[str, ...]]:
    return [tuple(column.decode() for column in line) for line in lines]


def test_what_was_written_is_read(written: Path) -> None:
    assert as_text(Lines(written)) == ROWS
    assert written.with_name("some.img.lineidx").read_text() == "0\n10\n18\n"
    assert as_text(pickle.loads(pickle.dumps(Lines(written)))) == ROWS


def test_a_file_without_a_list_of_its_lines_is_looked_through(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tsv, "_CHUNK", 7)
    written.with_suffix(".lineidx").unlink()
    assert as_text(Lines(written)) == ROWS
    written.write_bytes(written.read_bytes()[:-1])
    assert as_text(Lines(written)) == ROWS, "the last line may lack its end"
    written.write_bytes(b"")
    assert len(Lines(written)) == 0


def test_spaces_around_columns_are_no_part_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b" key \t1 2 \r\n")
    assert Lines(tmp_path / "a.tsv")[0] == [b"key", b"1 2"]


def test_lines_past_the_end_are_refused(written: Path) -> None:
    with pytest.raises(IndexError, match="has 3 lines, not one numbered 4"):
        Lines(written)[3]


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ("0\n10\n9999\n", "line 3 of .*some.img.lineidx says byte 9999"),
        ("0\n18\n10\n", "line 3 of .*some.img.lineidx says byte 10"),
        ("0\nten\n18\n", "line 2 of .*some.img.lineidx is b'ten', not 1 whole number"),
        ("0\n\n10\n18\n", "line 2 of .*some.img.lineidx is b''"),
    ],
)
def test_a_broken_list_of_lines_is_named(written: Path, listed: str, said: str) -> None:
    written.with_suffix(".lineidx").write_text(listed)
    with pytest.raises(ValueError, match=said):
        Lines(written)


def test_pairs_of_numbers_are_read_and_a_lonely_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lines.tsv"
    path.write_text("0\t5\n2\t1\n")
    np.testing.assert_array_equal(numbers(path, 2), [[0, 5], [2, 1]])
    path.write_text("0\t5\n2\n1\t1\n")
    with pytest.raises(ValueError, match="line 2 of"):
        numbers(path, 2)
    path.write_text("")
    assert numbers(path, 2).shape == (0, 2)


def test_a_writer_goes_on_behind_what_was_settled(written: Path) -> None:
    writer = TsvWriter(written, size=18, lines=2)  # the third line came after the last note
    writer.add("fourth", "y")
    writer.close()
    assert as_text(Lines(written)) == [*ROWS[:2], ("fourth", "y")]


def test_a_column_cannot_hold_what_ends_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot hold tabs"):
        TsvWriter(tmp_path / "a.tsv").add("a\tb")
