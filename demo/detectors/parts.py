"""The hands and the face of a detected person: who wants them, and how a person carries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from common.joints import BLAZEPOSE_33, COCO_WHOLE_BODY_133
from common.preprocess.views import PARTS
from common.structures import Person, View

Array = np.ndarray
SLICES = [COCO_WHOLE_BODY_133.parts[name] for name in PARTS]
READ = 0.3  # trust from which on what was read of a part replaces what the body says of it


def are_wanted(views: Mapping[str, View]) -> bool:
    """Whether a network with these views looks at hands or faces, or at points that only they give."""
    given = set(BLAZEPOSE_33.names)
    fine = {name for part in SLICES for name in COCO_WHOLE_BODY_133.names[part]} - given
    return any(
        view.box in PARTS or (view.joint_set is not None and not fine.isdisjoint(view.joint_set.names))
        for view in views.values()
    )


def whole(person: Person) -> Array:
    """(133, 3): the points of a person by COCO-WholeBody's names, confidence 0 where there is none."""
    assert person.joint_set is not None and person.joints_2d is not None
    order = np.array(COCO_WHOLE_BODY_133.taken_from(person.joint_set))
    return np.where((order >= 0)[:, None], person.joints_2d[order].astype(np.float64), 0.0)


def with_parts(person: Person, body: Array, parts: list[Array]) -> Person:
    """The person with 133 points, boxes around what was read of PARTS, (J, 3) each, and a score of each."""
    assert isinstance(person.image, np.ndarray)
    height, width = person.image.shape[:2]
    joints = body.copy()
    boxes = np.zeros((len(PARTS), 5)) if person.part_boxes is None else person.part_boxes.astype(np.float64)
    scores = np.array([part[:, 2].mean() for part in parts])
    for i, (place, part) in enumerate(zip(SLICES, parts, strict=True)):
        if scores[i] < READ:
            continue
        inside = ((part[:, :2] >= -0.5) & (part[:, :2] <= [width - 0.5, height - 0.5])).all(1)
        joints[place] = np.concatenate([part[:, :2], (part[:, 2] * inside)[:, None]], 1)
        boxes[i] = [*part[:, :2].min(0), *part[:, :2].max(0), scores[i]]
    return replace(
        person,
        joint_set=COCO_WHOLE_BODY_133,
        joints_2d=joints.astype(np.float32),
        part_boxes=boxes.astype(np.float32),
        part_scores=scores.astype(np.float32),
    )
