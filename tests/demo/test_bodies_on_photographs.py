"""The free default on real photographs: detected points in, joints of the body beside the annotated ones."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from common.checkpoint import load_weights
from common.joints import COCO_17, LIFTER_39
from common.networks.lifter import Lifter
from common.preprocess.sample import make_sample
from common.structures import Person, Sample
from common.utils.paths import FREE, ROOT
from demo.detectors.boxes import overlap
from demo.detectors.people import PeopleDetector

PHOTOS = ROOT.parent / "shared" / "photos"


def annotated() -> dict[Path, list[tuple[np.ndarray, np.ndarray]]]:
    """Box x0, y0, x1, y1 and (17, 3) points of each person, by picture."""
    content = json.loads((PHOTOS / "coco_wholebody.json").read_text())
    files = {image["id"]: PHOTOS / image["file_name"] for image in content["images"]}
    people: dict[Path, list[tuple[np.ndarray, np.ndarray]]] = {}
    for person in content["annotations"]:
        x, y, width, height = person["bbox"]
        points = np.array(person["keypoints"], float).reshape(-1, 3)
        people.setdefault(files[person["image_id"]], []).append(
            (np.array([x, y, x + width, y + height]), points)
        )
    return people


def seen_in(model: Lifter, people: list[Person]) -> np.ndarray:
    """(N, 17, 2) where the joints of the people's bodies lie in their picture."""
    samples = [make_sample(p, model.views, model.joint_set, model.body_model.layout) for p in people]
    inputs = Sample.stack(samples).inputs
    with torch.no_grad():
        prediction = model(inputs)
    camera = prediction.camera.in_image(inputs.crops["keypoints"])
    return camera.project(prediction.joints[:, list(LIFTER_39.indices(COCO_17.names))]).numpy()


@pytest.mark.skipif(not PHOTOS.exists(), reason="the photographs (../shared/photos) are not here")
def test_most_joints_lie_within_a_tenth_of_the_persons_height() -> None:
    model, detector = Lifter().eval(), PeopleDetector()
    load_weights(model, FREE / "lifter.safetensors")
    near, detected = [], 0
    for file, truth in annotated().items():
        people = detector(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), file.stem)
        joints, boxes = seen_in(model, people), np.stack([person.box for person in people])
        for box, points in truth:
            shared = overlap(box[None], boxes)[0]
            if shared.max() < 0.5:
                continue
            detected += 1
            miss = np.linalg.norm(joints[shared.argmax()] - points[:, :2], axis=1)
            near.append(miss[points[:, 2] > 0] < 0.1 * (box[3] - box[1]))
    assert detected >= 5
    assert np.concatenate(near).mean() >= 0.85, [each.mean().round(2) for each in near]
