"""The demo with PyMAF-X as published: random weights, so sides, cameras and files are judged, not beauty."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import published_pymaf_x
import pytest
import standins
import torch

from common.networks.pymaf_x.pymaf_x import PyMAFX
from common.preprocess.sample import make_sample
from common.structures import Person, Sample
from demo.demo import main
from demo.exporters.npz import read_npz
from demo.options import Options
from demo.predict import Found, Predictor
from demo.results import Results

WIDTH, HEIGHT = 320, 240
MIRROR = torch.tensor([[1.0, -1, -1], [-1, 1, 1], [-1, 1, 1]])  # of a rotation, entry by entry
LEFT, RIGHT = slice(25, 40), slice(40, 55)  # fingers of SMPL-X
BOXES = {  # whose views begin and end where pixels do, so that a mirrored picture is cut alike
    "body": [100.0, 20.0, 200.0, 220.0],
    "left_hand": [191.5, 99.5, 216.5, 124.5],
    "right_hand": [84.5, 111.5, 109.5, 136.5],
    "face": [137.5, 30.5, 162.5, 55.5],
}


@pytest.fixture(scope="module")
def network(human_model_files: Path) -> PyMAFX:
    """The released variant, filled."""
    return published_pymaf_x.filled(PyMAFX(), published_pymaf_x.weights("full_body_v1.1"))


def person(scores: tuple[float, float, float] = (0.9, 0.8, 1.0)) -> Person:
    picture = standins.input_image("pymaf_x-demo", 3, HEIGHT, WIDTH).transpose(1, 2, 0)
    boxes = np.array([[*BOXES[name], 1.0] for name in ("left_hand", "right_hand", "face")])
    image, box = np.uint8(255 * picture), np.array(BOXES["body"])
    return Person("p", image, box, part_boxes=boxes, part_scores=np.array(scores))


def in_a_mirror(someone: Person) -> Person:
    """The same in a mirrored picture, where the left hand has become a right one."""
    edges = np.array([WIDTH, 0, WIDTH, 0])

    def mirrored(boxes: np.ndarray) -> np.ndarray:
        return np.abs(edges - boxes)[..., [2, 1, 0, 3]]

    boxes = np.concatenate([mirrored(someone.part_boxes[:, :4]), np.ones((3, 1))], 1)[[1, 0, 2]]
    return replace(
        someone,
        image=np.ascontiguousarray(someone.image[:, ::-1]),
        box=mirrored(someone.box),
        part_boxes=boxes,
        part_scores=someone.part_scores[[1, 0, 2]],
    )


@pytest.fixture(scope="module")
def found(network: PyMAFX) -> Found:
    """Somebody; the same in a mirror; with a left hand that nobody sees; and where no detector looked."""
    someone = person()
    unseen = person((0.1, 0.8, 1.0))
    return Predictor(network)([someone, in_a_mirror(someone), unseen, replace(someone, part_scores=None)])


def test_a_left_hand_is_the_right_one_of_the_mirrored_picture(found):
    turned = found.params.rotations
    torch.testing.assert_close(turned[1, RIGHT], turned[0, LEFT] * MIRROR, rtol=0, atol=2e-4)
    torch.testing.assert_close(turned[1, LEFT], turned[0, RIGHT] * MIRROR, rtol=0, atol=2e-4)
    assert (turned[0, LEFT] - turned[1, LEFT]).abs().max() > 0.01, "the two hands do not look alike"


def test_a_hand_that_is_not_seen_is_the_mean_hand_at_the_wrist_of_the_body(found, network):
    turned = found.params.rotations
    mean = network.given.hand.reshape(15, 3, 2)
    first, second = mean[..., 0], mean[..., 1]
    hand = torch.stack([first, second, torch.linalg.cross(first, second)], -1)
    torch.testing.assert_close(turned[2, LEFT], hand * MIRROR, rtol=0, atol=1e-3)
    torch.testing.assert_close(turned[2, RIGHT], turned[0, RIGHT], rtol=0, atol=1e-5)
    assert (turned[2, 20] - turned[0, 20]).abs().max() > 0.01, "wrist"
    torch.testing.assert_close(turned[2, :18], turned[0, :18], rtol=0, atol=1e-5)


def test_the_threshold_of_hands_decides_who_is_seen(found, network):
    try:
        network.visible_from = 0.85
        strict = Predictor(network)([person()]).params.rotations
    finally:
        network.visible_from = 0.1
    torch.testing.assert_close(strict[0, LEFT], found.params.rotations[0, LEFT], rtol=0, atol=1e-5)
    assert (strict[0, RIGHT] - found.params.rotations[0, RIGHT]).abs().max() > 0.01


def test_the_camera_of_the_picture_sees_joints_where_that_of_the_crop_does(found, network):
    samples = [make_sample(found.people[0], network.views, network.joint_set, network.body_model.layout)]
    inputs = Sample.stack(samples).inputs
    with torch.inference_mode():
        prediction = network(inputs)
    joints = prediction.body.joints
    camera = found.camera.map(lambda tensor: tensor[:1])
    in_crop, in_picture = prediction.camera.project(joints), camera.project(joints)
    torch.testing.assert_close(inputs.crops["body"].points(in_picture), in_crop, rtol=1e-4, atol=0.02)
    root = in_picture[0, 0]
    x0, y0, x1, y1 = BOXES["body"]
    assert x0 < root[0] < x1 and y0 < root[1] < y1
    head = joints[0, 15]
    assert head[1] < joints[0, 0, 1], "y points down: the head is above the pelvis"


def test_a_smoothed_body_has_no_expression_either(network):
    params = Predictor(network)([person()]).params
    assert params.expression.abs().max() > 0
    posed, other = network.pose(params), network.pose(replace(params, expression=-params.expression))
    assert torch.equal(posed.vertices, other.vertices)


def test_the_demo_follows_people_through_a_video_and_writes_the_published_file(
    network, tmp_path, monkeypatch
):
    """Two people, of whom the second comes later; drawing is left out, for stand-ins take long to draw."""

    class Detector:
        frame = -1

        def __call__(self, image: np.ndarray, name: str) -> list[Person]:
            self.frame += 1
            first = replace(person(), name=f"{name}/0", image=image, box=person().box + self.frame)
            second = replace(in_a_mirror(person()), name=f"{name}/1", image=image)
            return [second, first] if self.frame else [first]

    detector = Detector()
    monkeypatch.setattr(Options, "model", lambda self: network)
    monkeypatch.setattr(Options, "detector", lambda self, views: detector)
    monkeypatch.setattr(Results, "drawn", lambda self, image, *others: image)
    video = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"mp4v"), 25, (WIDTH, HEIGHT))
    for _ in range(2):
        writer.write(np.ascontiguousarray(person().image[..., ::-1]))
    writer.release()
    command = ["--vid_file", str(video), "--output", str(tmp_path / "out"), "--export", "npz,pkl", "--smooth"]
    weights = ["--pretrained_model_path", str(tmp_path / "weights.pt"), "--device", "cpu"]
    assert main(["--config", "config/osx/osx_l.py", *command, *weights]) == 0
    content = pickle.loads((tmp_path / "out" / "clip" / "output.pkl").read_bytes())
    assert content["person_ids"] == ["clip_f0_p0", "clip_f1_p1", "clip_f1_p0"]
    assert content["verts"].shape == (3, 6890, 3) and content["smplx_verts"].shape == (3, 10475, 3)
    assert content["smplx_params"][0]["expression"].shape == (3, 50)
    saved = read_npz(tmp_path / "out" / "clip" / "persons.npz")
    assert saved.person.tolist() == [0, 1, 0] and saved.rotations.shape == (3, 55, 3, 3)
    turns = content["smplx_params"][0]["left_hand_pose"]
    np.testing.assert_allclose(turns, saved.rotations[:, LEFT], atol=1e-6)
    np.testing.assert_allclose(content["joints3d"][0, :, 2] * 0, 0)
