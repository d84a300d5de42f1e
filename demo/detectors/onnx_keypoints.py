"""Key points by an ONNX file of the user's: RTMPose, and whatever else says columns and rows (SimCC)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from common.geometry import crop
from common.joints import COCO_17, COCO_WHOLE_BODY_133, JointSet
from common.structures import Person
from common.utils.errors import UserError
from demo.detectors.detector import Detector
from demo.detectors.parts import SLICES, with_parts

Array = np.ndarray
JOINT_SETS = {len(joint_set): joint_set for joint_set in (COCO_17, COCO_WHOLE_BODY_133)}
PADDING = 1.25  # published: of a person's box
MEAN, STD = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])
AT_ONCE = 16  # people


class OnnxKeypoints:
    """A detector that reads the key points of those whom another detector finds, by the user's file.

    The file takes (N, 3, H, W) RGB, normalized as ImageNet, and answers how likely each column and each row
    of a finer grid is: (N, K, columns) and (N, K, rows), K being 17 (COCO) or 133 (COCO-WholeBody). With 133
    the people have `part_boxes` and `part_scores`.

    Raises UserError where onnxruntime or the file is missing, or the file is of another kind.
    """

    def __init__(self, file: Path, detector: Detector) -> None:
        self.file = file
        self.detector = detector
        self.session = _session(file)
        shape = self.session.get_inputs()[0].shape
        if len(shape) != 4 or not all(isinstance(side, int) for side in shape[2:]):
            raise UserError(f"{file} takes input of shape {shape}; wanted is (N, 3, height, width).")
        self.all_at_once = isinstance(shape[0], int)  # no fewer than so many
        self.at_once: int = shape[0] if self.all_at_once else AT_ONCE
        self.size: tuple[int, int] = (shape[2], shape[3])

    def __call__(self, image: Array, name: str) -> list[Person]:
        """(H, W, 3) uint8 RGB -> the other detector's people that have a box, in its order."""
        people = [person for person in self.detector(image, name) if person.box is not None]
        height, width = self.size
        boxes = [crop.padded(np.float64(person.box), width / height, PADDING) for person in people]
        matrices = [_matrix(box, self.size) for box in boxes]
        read: list[Person] = []
        for start in range(0, len(people), self.at_once):
            some = matrices[start : start + self.at_once]
            joints, joint_set = self._read(image, some)
            read += [_with(people[start + i], one, joint_set) for i, one in enumerate(joints)]
        return read

    def _read(self, image: Array, matrices: list[Array]) -> tuple[Array, JointSet]:
        """(N, K, 3) in pixels of the picture."""
        height, width = self.size
        cuts = [cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR) for matrix in matrices]
        if self.all_at_once:
            cuts += [np.zeros_like(cuts[0])] * (self.at_once - len(cuts))
        pictures = ((np.stack(cuts) - MEAN) / STD).transpose(0, 3, 1, 2)
        outputs = self.session.run(None, {self.session.get_inputs()[0].name: np.ascontiguousarray(pictures)})
        joints = decoded(*self._lines(outputs), self.size)[: len(matrices)]
        for one, matrix in zip(joints, matrices, strict=True):
            one[:, :2] = (one[:, :2] - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        return joints, JOINT_SETS[joints.shape[1]]

    def _lines(self, outputs: list[Array]) -> tuple[Array, Array]:
        """What is said of columns and of rows; UserError where it is something else."""
        shapes = [output.shape for output in outputs]
        points = shapes[0][1] if len(outputs) == 2 and all(len(shape) == 3 for shape in shapes) else None
        if points not in JOINT_SETS or shapes[1][1] != points:
            wanted = " or ".join(map(str, JOINT_SETS))
            raise UserError(
                f"{self.file} answers with arrays of shape {', '.join(map(str, shapes))}; wanted are two, "
                f"(N, K, columns) and (N, K, rows) of K = {wanted} points, as RTMPose gives them."
            )
        return outputs[0], outputs[1]


def decoded(columns: Array, rows: Array, size: tuple[int, int]) -> Array:
    """(N, K, columns), (N, K, rows) -> (N, K, 3) x, y in a crop of (height, width), confidence in 0..1.

    Published (SimCC, RTMPose): the likeliest column and row, believed as far as the less likely of the two.
    """
    height, width = size
    x = columns.argmax(-1) * (width / columns.shape[-1])
    y = rows.argmax(-1) * (height / rows.shape[-1])
    confidence = np.minimum(columns.max(-1), rows.max(-1)).clip(0, 1)
    return np.stack([x, y, confidence], -1).astype(np.float64)


def _matrix(box: Array, size: tuple[int, int]) -> Array:
    """(2, 3) picture -> crop of (height, width), the middle of the one on the middle of the other."""
    middle, sides = crop.middle_and_sides(box)
    corner = np.array(size[::-1]) / 2
    zoom = size[1] / sides[0]
    return np.concatenate([np.eye(2) * zoom, (corner - zoom * middle)[:, None]], 1)


def _with(person: Person, joints: Array, joint_set: JointSet) -> Person:
    if joint_set is COCO_WHOLE_BODY_133:
        return with_parts(person, joints, [joints[part] for part in SLICES])
    return replace(person, joint_set=joint_set, joints_2d=joints.astype(np.float32))


def _session(file: Path) -> Any:
    if not file.is_file():
        raise UserError(f"{file} is missing; give an ONNX file of RTMPose's kind.")
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(f"{file} needs onnxruntime: pip install 'humanmesh[onnx]'.") from error
    try:
        return onnxruntime.InferenceSession(str(file), providers=onnxruntime.get_available_providers())
    except Exception as error:  # onnxruntime's own errors share no other base
        reason = str(error).splitlines()[0]
        raise UserError(f"{file} is no ONNX file that onnxruntime can run ({reason}).") from error
