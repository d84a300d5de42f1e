"""Rendered people: pictures and a HumanData file that fit each other, read as any data set is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from common.body_models.smplx import SMPLX
from common.joints import SMPLX_144
from data.rendered import Rendered, benchmark
from tool.prepare.rendered_people import main

COUNT = 3


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    assert main(["--count", str(COUNT), "--root", str(folder)]) == 0
    return folder


def test_each_person_is_where_its_box_is(root: Path) -> None:
    people = Rendered(root=root, flawed="refuse")
    assert len(people) == COUNT
    for person in (people[index] for index in range(COUNT)):
        picture = cv2.imread(str(person.image)).astype(float)
        x0, y0, x1, y1 = person.box.astype(int)
        # a body is all but gray, what is behind it is colored
        gray = np.ptp(cv2.GaussianBlur(picture, (0, 0), 3), axis=-1)[y0:y1, x0:x1]
        assert gray.min() < 60
        on_body = person.joints_2d[SMPLX_144.index("pelvis"), :2]
        assert (on_body > person.box[:2]).all()
        assert (on_body < person.box[2:]).all()


def test_points_are_those_of_the_body(root: Path) -> None:
    person = Rendered(root=root)[0]
    model = SMPLX(free="only")
    params = model.params(
        torch.tensor(person.pose)[None],
        torch.tensor(person.betas)[None],
        torch.tensor(person.expression)[None],
        torch.zeros(1, dtype=torch.bool),
    )
    joints = model(params).joints[0].numpy() + person.translation
    names = [SMPLX_144.index(name) for name in person.joint_set.names if name in SMPLX_144.names]
    given = [place for place, name in enumerate(person.joint_set.names) if name in SMPLX_144.names]
    np.testing.assert_allclose(person.joints_3d[given, :3], joints[names], atol=1e-5)


def test_other_seeds_have_other_people(root: Path, tmp_path: Path) -> None:
    assert main(["--count", "1", "--seed", "5", "--root", str(tmp_path)]) == 0
    assert not np.allclose(Rendered(root=root)[0].pose, Rendered(root=tmp_path)[0].pose)


def test_what_is_there_is_kept(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--count", "1", "--root", str(root)])
    assert "is there already" in capsys.readouterr().err


def test_it_is_a_benchmark_too(root: Path) -> None:
    assert len(benchmark(root).dataset) == COUNT
