"""Records: flat dicts become columns and Persons; what is broken is named, counted and left out."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from common.structures import Person
from common.utils.errors import UserError
from data.formats.coco_json import corners_of
from data.formats.columns import Columns, ColumnsWriter
from data.formats.records import Records
from data.formats.records_columns import Row, write_records

SOME = [
    {"image": "a.jpg", "box": [1, 2, 30, 40.5], "pose": [0.1, 0.2], "count": 3},
    {"image": "b.jpg", "box": [1, 2, 30, 40.5], "fit": [[1.0, 2], [3, 4]]},
    {"box": [5, 6, 7, 8], "pose": None, "count": 0, "late": True},
    {"image": "d.jpg", "box": [5, 6, 7, 8], "pose": [0.5, 0.6]},
]


def rows_of(records: list[dict], folder: Path) -> list[Row]:
    with ColumnsWriter(folder / "some.columns") as writer:
        write_records(writer, records)
    columns = Columns(folder / "some.columns")
    return [Row(columns, row) for row in range(columns.rows)]


def test_records_come_back_and_what_was_absent_is_absent(tmp_path):
    one, two, three, four = rows_of(SOME, tmp_path)
    assert [row.text("image") for row in (one, two, three, four)] == ["a.jpg", "b.jpg", "", "d.jpg"]
    assert one["box"].tolist() == [1, 2, 30, 40.5] and one["box"].dtype == np.float64
    assert np.allclose(one["pose"], [0.1, 0.2]) and two["pose"] is three["pose"] is None
    assert one["count"] == 3 and three["count"] == 0 and two["count"] is None
    assert two["fit"].tolist() == [[1, 2], [3, 4]] and one["fit"] is None
    assert three["late"] == 1 and one["late"] is None and one["unheard of"] is None


def test_no_records_are_an_empty_set(tmp_path):
    assert rows_of([], tmp_path) == []


@dataclass(frozen=True)
class Ours(Records):
    """A set of the kind that the docstring of the room shows."""

    def files(self) -> tuple[Path, ...]:
        return (self.root / f"{self.split}.json",)

    def records(self) -> Iterator[dict]:
        yield from json.loads(self.files()[0].read_text())

    def person(self, row: Row, name: str) -> Person:
        if row.text("image") == "bad.jpg":
            raise ValueError("it is bad.")
        return Person(name, self.root / row.text("image"), corners_of(row["box"]))


@pytest.fixture
def ours(tmp_path):
    def make(records: list[dict] | None = None, split: str = "train", **arguments) -> Ours:
        text = json.dumps(SOME if records is None else records)
        (tmp_path / f"{split}.json").write_text(text)
        return Ours(split, root=tmp_path, **arguments)

    return make


def test_a_record_becomes_a_person(ours, tmp_path):
    some = ours()
    assert len(some) == 4 and some.name == "Ours" and some[3].name == "Ours/3"
    assert some[3].image == tmp_path / "d.jpg" and some[0].box.tolist() == [1, 2, 31, 42.5]
    with pytest.raises(IndexError, match="Ours has 4 persons, not one numbered 4"):
        some[4]


def test_the_interval_counts_numbers_from_one_or_as_the_records_say(ours):
    assert [person.image.name for person in ours(SOME[:2] + SOME[3:], interval=3)] == ["d.jpg"]
    numbered = [{"number": number, **record} for number, record in zip((0, 7, 10, 15), SOME, strict=True)]
    assert len(ours(numbered, interval=5)) == 3


BROKEN = [
    *SOME,
    {"image": "e.jpg", "box": [5, 6, 0, 8]},
    {"image": "f.jpg", "box": [5, 6, 7, 8], "pose": [0.5, float("nan")]},
    {"image": "g.jpg", "box": [5, 6, 7, 8], "pose": [0.5, 0.6, 0.7]},
    {"image": "h.jpg", "box": [5, 6, 7, 8]},
]


def test_records_that_cannot_be_used_are_named_and_left_out_in_training(ours, caplog):
    with caplog.at_level(logging.WARNING):
        assert [person.image.name for person in ours(BROKEN)][3:] == ["d.jpg", "h.jpg"]
    for text in ("an empty box (row 4)", "numbers that are none (NaN) (row 5)", "another length", "(row 6)"):
        assert text in caplog.text


def test_a_test_set_that_is_not_whole_is_refused_unless_told_otherwise(ours):
    with pytest.raises(UserError, match=r"Ours \(test\) is not whole: of 8 rows of .*test\.json, 1 have"):
        len(ours(BROKEN, "test"))
    assert len(ours(BROKEN, "test", flawed="skip")) == 5


def test_a_record_that_is_no_person_is_named_with_its_file(ours):
    with pytest.raises(ValueError, match=r"record 1 of .*train\.json: it is bad"):
        ours([SOME[0], {**SOME[1], "image": "bad.jpg"}])[1]


def test_a_missing_set_is_one_paragraph_and_a_broken_one_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"Ours.* is not there: .*train\.json"):
        len(Ours(root=tmp_path))
    (tmp_path / "train.json").write_text('[{"image": ')
    with pytest.raises(UserError, match=r"Ours \(train\) cannot be read from .*train\.json"):
        len(Ours(root=tmp_path))


def test_a_set_travels_as_what_was_asked_for(ours):
    some = ours()
    len(some)
    packed = pickle.dumps(some)
    assert len(packed) < 1000 and pickle.loads(packed)[1].image == some[1].image
