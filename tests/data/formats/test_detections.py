"""What was found of people, written and shown with them again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from common.joints import BLAZEPOSE_33, COCO_17
from common.structures import Person
from common.utils.errors import UserError
from data.formats.detections import Detections, write_detections
from data.formats.records import Records
from data.formats.records_columns import Record, Row

DICE = np.random.default_rng(0)


def found(number: int, empty: bool = False) -> Person:
    mask = np.zeros((40 + number, 60), bool)
    if not empty:
        mask[5:30, 10 : 20 + number] = DICE.random((25, 10 + number)) > 0.3
    points = DICE.random((33, 3)).astype(np.float32)
    return Person(f"Ours/{number}", joint_set=BLAZEPOSE_33, joints_2d=points, mask=mask)


def test_points_and_silhouettes_come_back_as_they_were(tmp_path: Path) -> None:
    people = [found(0), found(1, empty=True), found(2)]
    path = tmp_path / "deep" / "detections.columns"
    assert write_detections(path, iter(people)) == 3
    detections = Detections(path)
    assert len(detections) == 3
    for person in reversed(people):
        seen = detections.seen(Person(person.name, gender="male", joint_set=COCO_17))
        np.testing.assert_array_equal(seen.mask, person.mask)
        np.testing.assert_array_equal(seen.joints_2d, person.joints_2d)
        assert seen.joint_set == BLAZEPOSE_33 and seen.gender == "male"


@dataclass(frozen=True)
class Ours(Records):
    def files(self) -> tuple[Path, ...]:
        return (self.root / "ours.json",)

    def records(self) -> Iterator[Record]:
        yield from ({"width": 60 + number} for number in range(2))

    def person(self, row: Row, name: str) -> Person:
        return Person(name, padding=float(row["width"]))


def test_a_data_set_shows_its_people_with_them(tmp_path: Path) -> None:
    (tmp_path / "ours.json").write_text("{}")
    path = tmp_path / "detections.columns"
    write_detections(path, [found(0), found(1)])
    assert Ours(root=tmp_path)[1].mask is None
    person = Ours(root=tmp_path, detections=path)[1]
    assert person.padding == 61 and person.mask.shape == (41, 60) and person.joint_set == BLAZEPOSE_33


def test_what_is_missing_or_of_others_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"demo\.detect"):
        Detections(tmp_path / "none.columns")
    (tmp_path / "text.columns").write_text("no columns at all, but long enough to have a footer")
    with pytest.raises(UserError, match="no file of detections"):
        Detections(tmp_path / "text.columns")
    path = tmp_path / "detections.columns"
    write_detections(path, [found(0)])
    with pytest.raises(UserError, match="no detection of Theirs/7"):
        Detections(path).seen(Person("Theirs/7"))


def test_people_who_were_found_otherwise_are_not_written(tmp_path: Path) -> None:
    other = Person("x", joint_set=COCO_17, joints_2d=np.zeros((17, 3)), mask=np.zeros((4, 4), bool))
    for people in ([], [Person("y")], [found(0), other]):
        with pytest.raises(ValueError, match=r"detections|silhouette|coco"):
            write_detections(tmp_path / "d.columns", people)
    assert not (tmp_path / "d.columns").exists()
