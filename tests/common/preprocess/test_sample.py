"""The one road from a person to a sample: annotated or detected, with a picture or without."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from common.joints import BLAZEPOSE_33, COCO_17, SMPL, SMPLX
from common.preprocess.augment import Chance
from common.preprocess.pictures import BrokenPicture
from common.preprocess.sample import make_sample
from common.structures import Person, Sample, View

VIEWS = {
    "body": View((64, 48)),
    "points": View((64, 48), content="keypoints", joint_set=BLAZEPOSE_33),
    "left_hand": View((32, 32), box="left_hand", sampling="resize_cubic"),
}


def detected(name: str = "photo.jpg/0") -> Person:
    picture = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    return Person(
        name, image=picture, box=np.array([20.0, 10, 90, 110]), part_scores=np.array([0.1, 0.8, 0.9])
    )


def annotated() -> Person:
    return replace(
        detected("set/1"),
        joint_set=COCO_17,
        joints_2d=np.ones((17, 3)),
        body=SMPLX,
        pose=np.zeros((55, 3)),
        intrinsics=np.array([[300.0, 0, 80], [0, 310, 60], [0, 0, 1]]),
    )


def test_a_merely_detected_person_is_a_sample_too():
    sample = make_sample(detected(), VIEWS, COCO_17, SMPLX)
    assert sample.name == "photo.jpg/0"
    assert {name: tuple(view.shape) for name, view in sample.inputs.views.items()} == {
        "body": (3, 64, 48),
        "points": (33, 3),
        "left_hand": (3, 32, 32),
    }
    assert list(sample.inputs.crops) == list(VIEWS)
    assert (sample.target.known == 0).all() and (sample.target.joints_2d == 0).all()


def test_annotated_and_detected_persons_share_a_batch():
    chance = Chance(1.1, 0.2, True)
    batch = Sample.stack(
        [
            make_sample(p, VIEWS, COCO_17, SMPLX, chance, seed)
            for seed, p in enumerate([detected(), annotated()])
        ]
    )
    assert batch.name == ("photo.jpg/0", "set/1")
    assert batch.seed.tolist() == [0, 1] and batch.seed.dtype == torch.int64
    assert batch.inputs.views["body"].shape == (2, 3, 64, 48)
    assert batch.target.joints_2d[:, :, 2].sum(1).tolist() == [0, 17]


def test_a_camera_is_taken_as_given_and_assumed_where_nobody_said():
    given = make_sample(annotated(), VIEWS, COCO_17, SMPLX).inputs.intrinsics
    assert given.tolist() == [[300, 0, 80], [0, 310, 60], [0, 0, 1]]
    assumed = make_sample(detected(), VIEWS, COCO_17, SMPLX).inputs.intrinsics
    assert assumed[0, 0] == pytest.approx(80 / math.tan(math.radians(27.5)), rel=1e-6)
    assert assumed[:2, 2].tolist() == [79.5, 59.5]


def test_scores_of_hands_change_places_in_a_mirror():
    scores = make_sample(detected(), VIEWS, COCO_17, SMPLX, Chance(flipped=True)).inputs.part_scores
    torch.testing.assert_close(scores, torch.tensor([0.8, 0.1, 0.9]))
    nobody = make_sample(replace(detected(), part_scores=None), VIEWS, COCO_17, SMPLX)
    assert nobody.inputs.part_scores.tolist() == [-1, -1, -1]


def test_a_pose_without_a_picture_has_no_views_and_crops_that_change_nothing():
    bare = Person("poses/3", body=SMPL, pose=np.ones((24, 3)), betas=np.ones(10))
    sample = make_sample(bare, VIEWS, COCO_17, SMPL, Chance(flipped=True), seed=5)
    assert sample.inputs.views == {} and list(sample.inputs.crops) == list(VIEWS)
    crop = sample.inputs.crops["body"]
    assert torch.equal(crop.matrix, torch.eye(3)[:2]) and not crop.flipped and crop.angle == 0
    assert (sample.target.pose == 1).all() and sample.seed == 5
    assert torch.isfinite(sample.inputs.intrinsics).all()


def test_points_without_a_picture_are_cut_where_the_camera_tells_its_size():
    person = replace(annotated(), image=None)
    sample = make_sample(person, {"points": VIEWS["points"]}, COCO_17, SMPLX)
    assert sample.inputs.crops["points"].image_size.tolist() == [160, 120]
    assert sample.inputs.views["points"][:, 2].sum() == 17


def test_the_same_chance_gives_the_same_sample():
    one, other = (make_sample(annotated(), VIEWS, COCO_17, SMPLX, Chance(1.2, 0.3, True)) for _ in range(2))
    for name in VIEWS:
        assert torch.equal(one.inputs.views[name], other.inputs.views[name])


def test_a_picture_is_read_once_for_all_views(monkeypatch, tmp_path):
    from common.preprocess import pictures, views

    calls = []

    def counted(source, *others, **named):
        calls.append(source)
        return pictures.read_picture(source, *others, **named)

    monkeypatch.setattr(views, "read_picture", counted)
    path = tmp_path / "dot.ppm"
    path.write_bytes(b"P6 2 2 255\n" + bytes(12))
    make_sample(Person("dot", image=path), VIEWS, COCO_17, SMPLX)
    assert calls == [path]


def test_a_broken_picture_names_file_and_person(tmp_path):
    with pytest.raises(BrokenPicture, match=r"gone\.jpg' of set/1 is missing"):
        make_sample(replace(annotated(), image=tmp_path / "gone.jpg"), VIEWS, COCO_17, SMPLX)
