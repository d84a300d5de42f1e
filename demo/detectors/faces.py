"""Faces: looked for where the body says its eyes and nose are, read by MediaPipe's mesh."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from common.joints import COCO_WHOLE_BODY_133
from demo.detectors import face_mesh, squares
from demo.detectors.looking import Looking
from demo.detectors.weights import load

Array = np.ndarray

# The mesh's points that lie where the 68 of COCO-WholeBody (those of 300-W) do, in its order: the contour
# from the person's right ear over the chin to the left one, brows, nose, eyes, outer and inner lips.
OF_MESH = np.array((
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
))  # fmt: skip
NOSE_TIP, RIGHT_CORNER, LEFT_CORNER = 4, 33, 263  # of the mesh; the outer corners of the eyes
HEAD = list(COCO_WHOLE_BODY_133.indices(("nose", "left_eye", "right_eye", "left_ear", "right_ear")))
MOUTH = list(COCO_WHOLE_BODY_133.indices(("left_mouth_corner", "right_mouth_corner")))
SHOULDERS = list(COCO_WHOLE_BODY_133.indices(("left_shoulder", "right_shoulder")))
SEEN = 0.2  # mean confidence of nose and eyes from which on a face is looked for; of others, that they count
SMALLEST = 8.0  # pixels: no smaller face is looked for
OF_HEAD, OF_MOUTH = 1.3, 2.4  # length of a face, in widths of the head's points, and from eyes to mouth
ROOM = 1.5  # published: the square of a face, in sizes of the box around its mesh
NEAR, FAR = 0.3, 0.6  # lengths of a face from the body's nose to the one read: all right, and another's face
TWINS = 0.3  # sizes of a face: two faces that lie closer are one


@dataclass(frozen=True)
class _Face:
    """Where the body says that a face is, then what was read there."""

    person: int
    nose: Array  # (2,)
    length: float
    place: Array  # (2, 2)
    mesh: Array  # (468, 2)
    trust: float  # 0..1 that it is this person's face


class Faces:
    """The network and what surrounds it; coordinates are pixels, 0 being the edge of the picture."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        network = load(face_mesh.FaceNetwork(), "face_mesh", device)
        self.look = Looking(network, face_mesh.SIZE, device)

    def __call__(self, image: Array, bodies: Array) -> Array:
        """(H, W, 3) uint8 RGB, COCO_WHOLE_BODY_133 (N, 133, 3) -> (N, 68, 3); confidence 0: not read."""
        found = np.zeros((len(bodies), len(OF_MESH), 3))
        faces = [face for i, body in enumerate(bodies) if (face := _place_in(body, i)) is not None]
        if not faces:
            return found
        levels = squares.pyramid(image, face_mesh.SIZE)
        once = self._read(levels, faces)
        again = self._read(levels, [replace(face, place=_place_of(face.mesh)) for face in once])
        better = [max(each, key=lambda face: face.trust) for each in zip(again, once, strict=True)]
        for face in without_twins(better):
            found[face.person, :, :2] = face.mesh[OF_MESH]
            found[face.person, :, 2] = face.trust
        return found

    def _read(self, levels: list[Array], faces: list[_Face]) -> list[_Face]:
        seen, matrices = self.look(levels, [face.place for face in faces])
        read = []
        for i, (face, matrix) in enumerate(zip(faces, matrices, strict=True)):
            mesh = squares.carried_back(seen.points[i, :, :2], matrix)
            away = float(np.hypot(*(mesh[NOSE_TIP] - face.nose))) / face.length
            near = min(max((FAR - away) / (FAR - NEAR), 0.0), 1.0)
            read.append(replace(face, mesh=mesh, trust=float(seen.is_face[i]) * near))
        return read


def _place_in(body: Array, person: int) -> _Face | None:
    """Where the face of a body may be; None where it is not seen, or too small to be read."""
    head, mouth = body[HEAD], body[MOUTH]
    if head[:3, 2].mean() < SEEN:
        return None
    nose, eyes = head[0, :2], head[1:3, :2].mean(0)
    length = OF_HEAD * float(np.ptp(head[:, :2], 0).max())
    if mouth[:, 2].min() > SEEN:
        up = eyes - mouth[:, :2].mean(0)
        length = max(length, OF_MOUTH * float(np.hypot(*up)))
        middle = eyes - 0.6 * up
    else:
        shoulders = body[SHOULDERS]
        up = eyes - shoulders[:, :2].mean(0) if shoulders[:, 2].min() > SEEN else np.array([0.0, -1.0])
        middle = nose
    if length < SMALLEST:
        return None
    place = squares.place_in(middle, up, ROOM * length)
    return _Face(person, nose, length, place, np.zeros((face_mesh.POINTS, 2)), 0.0)


def _place_of(mesh: Array) -> Array:
    """Where the published tracker would look for the face again."""
    right = mesh[LEFT_CORNER] - mesh[RIGHT_CORNER]
    return squares.square_around(mesh, np.array([right[1], -right[0]]), ROOM)


def without_twins(faces: list[_Face]) -> list[_Face]:
    """Of faces that lie on one another only the most trusted still is."""
    kept: list[_Face] = []
    for face in sorted(faces, key=lambda each: -each.trust):
        size = float(np.ptp(face.mesh, 0).max())
        if any(np.hypot(*(face.mesh - other.mesh).T).mean() < TWINS * size for other in kept):
            face = replace(face, trust=0.0)
        kept.append(face)
    return kept
