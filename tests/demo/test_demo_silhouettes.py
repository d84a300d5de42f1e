"""The demo of a network fed by silhouettes: what was found, whose it is, and what is measured."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from common.body_models.measurements import measure
from common.body_models.smpl import SMPL
from common.checkpoint import save_weights
from common.joints import COCO_17, MANO
from common.preprocess.pictures import read_picture
from common.structures import Person, View
from common.utils.errors import UserError
from common.utils.paths import ROOT
from demo.demo import main
from demo.detectors import torchvision_models
from demo.detectors.main_person import main_box, main_person
from demo.detectors.people import PeopleDetector
from demo.drawing import detections
from demo.exporters.npz import read_npz
from demo.measuring import Measuring
from demo.options import options_of
from main.experiment import load

CONFIG = "config/straps/straps_free.py"
PHOTOS = (ROOT / "demo" / "images", ROOT.parent / "shared" / "photos")
PORTRAIT = ROOT / "demo" / "images" / "photographer.jpg"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained network's: its bodies are about the mean, all else is as it should be."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "straps.safetensors"
    save_weights(path, load(CONFIG).model().state_dict())
    return path


@pytest.fixture(scope="module")
def called(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """The folder of one picture's results, at a known height, and its table."""
    output = tmp_path_factory.mktemp("demo") / "out"
    options = ["--config", CONFIG, "--pretrained_model_path", str(weights), "--device", "cpu"]
    options += ["--show_detections", "--main_person", "--height", "1.83", "--output", str(output)]
    assert main(["--img_path", str(PORTRAIT), *options]) == 0
    folder = output / "photographer"
    with (folder / "measurements.csv").open() as file:
        (row,) = csv.DictReader(file)
    return folder, row


def test_people_are_measured_drawn_and_saved(called: tuple[Path, dict]) -> None:
    folder, _ = called
    assert sorted(path.name for path in folder.iterdir()) == [
        "detections.jpg", "measurements.csv", "overlay.jpg", "person_0.obj", "persons.npz",
    ]  # fmt: skip
    picture = cv2.imread(str(PORTRAIT))
    found = cv2.imread(str(folder / "detections.jpg"))
    assert found.shape == picture.shape
    assert (np.abs(found.astype(int) - picture).max(-1) > 40).mean() > 0.02  # a silhouette is there


def test_measures_are_those_of_the_saved_shape_at_the_height_that_is_known(called: tuple[Path, dict]) -> None:
    folder, row = called
    saved = read_npz(folder / "persons.npz")
    expected = measure(SMPL(free="only"), torch.tensor(saved.betas)).at_height(1.83)
    assert float(row["height_m"]) == pytest.approx(1.83)
    assert float(row["waist_m"]) == pytest.approx(expected.waist.item(), abs=1e-3)
    assert float(row["volume_l"]) == pytest.approx(1000 * expected.volume.item(), abs=0.5)


def test_the_body_stands_where_the_silhouette_is(called: tuple[Path, dict]) -> None:
    """Even an untrained network's: the camera leads from the proxy back to the picture."""
    saved = read_npz(called[0] / "persons.npz")
    x0, y0, x1, y1 = saved.box[0]
    pelvis = saved.joints_2d[0, 0]
    assert x0 < pelvis[0] < x1 and y0 < pelvis[1] < y1 + (y1 - y0)
    drawn = np.ptp(saved.joints_2d[0, :24, 1])
    assert 0.3 < drawn / max(x1 - x0, y1 - y0) < 3


def test_other_networks_measure_on_request(tmp_path: Path) -> None:
    arguments = ["--img_path", str(PORTRAIT), "--bbox=60,20,300,500", "--export", "npz", "--device", "cpu"]
    for name, asked in (("plain", []), ("measured", ["--measure"])):
        assert main([*arguments, *asked, "--output", str(tmp_path / name)]) == 0
    assert not (tmp_path / "plain" / "photographer" / "measurements.csv").exists()
    assert (tmp_path / "measured" / "photographer" / "measurements.csv").exists()


@pytest.mark.parametrize(
    ("chosen", "kind", "silhouettes"),
    [
        ("torchvision", "keypoints", "mask_rcnn"),
        ("torchvision_masks", "masks", "mask_rcnn"),
        ("torchvision_keypoints", "keypoints", "blazepose"),
        ("torchvision_boxes", "boxes", "blazepose"),
    ],
)
def test_any_detector_gives_silhouettes_to_a_network_that_wants_them(
    weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chosen: str, kind: str, silhouettes: str
) -> None:
    asked = []
    monkeypatch.setattr(
        torchvision_models, "TorchvisionDetector", lambda kind, mask_by, device: asked.append((kind, mask_by))
    )
    arguments = ["--config", CONFIG, "--pretrained_model_path", str(weights), "--output", str(tmp_path)]
    options = options_of([*arguments, "--detector", chosen])
    options.detector({"proxy": View((64, 64), content="proxy", joint_set=COCO_17)})
    options.detector({"body": View((64, 64))})
    assert asked == [(kind, silhouettes), (kind, None)]


def test_a_persons_shape_is_the_same_through_a_video() -> None:
    measuring = Measuring(SMPL(free="only"))
    betas = torch.randn(5, 10, generator=torch.Generator().manual_seed(1))
    people, found = measuring.of_tracks(betas, torch.tensor([7, 2, 7, 2, 2]))
    assert people == [2, 7]
    alone = measuring(betas[[1, 3, 4]].mean(0, keepdim=True))
    assert found.height[0].item() == pytest.approx(alone.height.item(), rel=1e-5)


def test_hands_are_not_measured() -> None:
    with pytest.raises(UserError, match="leave --measure out"):
        Measuring(SimpleNamespace(layout=MANO))


def test_the_person_that_a_picture_was_taken_of_is_chosen_as_published() -> None:
    boxes = np.array([[0, 0, 100, 100], [200, 180, 330, 340], [10, 10, 500, 200], [215, 215, 300, 300]])
    others = np.array([[200, 200, 320, 320], [290, 100, 420, 420]])
    masks = np.array([[10, 10, 190, 190], [200, 220, 280, 380], [400, 56, 500, 456]])  # around ellipses
    assert main_box(boxes, (512, 512)) == main_box(boxes, (512, 512), near=1 / 5) == 1
    assert main_box(others, (512, 512)) == 0 and main_box(others, (512, 512), near=1 / 5) == 1
    assert main_box(masks, (512, 512)) == 1 and main_box(masks[[0, 2]], (512, 512)) == 1
    assert main_person([], (512, 512)) == []


@pytest.mark.parametrize("name", ["astronaut.jpg", "photographer.jpg", "tennis.jpg", "000000197388.jpg"])
def test_silhouette_and_points_are_of_one_person(name: str) -> None:
    """In pictures of several people, too, where they overlap."""
    path = next((folder / name for folder in PHOTOS if (folder / name).is_file()), None)
    if path is None:
        pytest.skip(f"{PHOTOS[1]} is not there: no picture of several people")
    people = PeopleDetector(with_mask=True)(read_picture(path), name)
    assert people
    inside = np.array([[share(person, other) for other in people] for person in people])
    assert (inside.diagonal() > 0.7).all()
    assert (
        inside.argmax(1) == np.arange(len(people))
    ).all()  # nobody's points fit another's silhouette better


def share(person: Person, other: Person) -> float:
    """How much of the seen points of one lies in the silhouette of another, or a few pixels beside it."""
    height, width = other.mask.shape
    points = person.joints_2d
    there = (
        (points[:, 2] > 0.5) & (points[:, :2] > 0).all(1) & (points[:, :2] < [width - 1, height - 1]).all(1)
    )
    column, row = np.rint(points[there, :2]).astype(int).T
    near = cv2.dilate(other.mask.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return near[row, column].mean() if there.any() else 1.0


def test_what_is_drawn_is_where_it_was_found() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    mask = np.zeros((60, 80), bool)
    mask[10:50, 20:40] = True
    points = np.tile([[70.0, 5.0, 0.0]], (17, 1))
    points[0] = [60, 30, 0.9]
    person = Person("one", box=np.array([18.0, 8, 42, 52]), mask=mask, joint_set=COCO_17, joints_2d=points)
    drawn = detections(image, [person, Person("two")])
    assert drawn[30, 30].any() and drawn[30, 60].any() and drawn[8, 30].any()
    assert not drawn[5, 70].any() and not image.any()
