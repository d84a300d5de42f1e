"""What a network sees of some people, with its answer drawn over it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from common.networks.model import Model
from common.rendering.overlay import BACKGROUND, overlay
from common.structures import Batch, Crop, Prediction, View
from common.utils.files import written_beside

DOT = (230, 60, 40)  # red, green, blue of an annotated point


def pictures(model: Model, batch: Batch, prediction: Prediction, most: int = 8) -> np.ndarray:
    """(H, W * N, 3) uint8 RGB: the first `most` people of a batch side by side in the main view.

    The body that the network sees is drawn over each, and the annotated points as dots.
    """
    name, view = next(iter(model.views.items()))
    batch, prediction = batch.to("cpu"), prediction.to("cpu")
    count = len(batch.name)
    still = Crop(  # a map that changes nothing, for a camera onto the view itself
        torch.eye(3)[:2].expand(count, 2, 3),
        torch.zeros(count),
        torch.zeros(count, dtype=torch.bool),
        torch.ones(count, 2),
    )
    camera = prediction.camera.in_image(still)
    faces = model.body_model.faces.cpu()
    drawn = []
    for place in range(min(most, count)):
        seen = picture_of(view, batch.inputs.views[name][place])
        one = camera.map(lambda tensor, place=place: tensor[place : place + 1])
        body = overlay(seen, prediction.body.vertices[place : place + 1], faces, one, opacity=0.8)
        drawn.append(_dotted(body, batch.target.joints_2d[place]))
    return np.concatenate(drawn, 1)


def picture_of(view: View, seen: Tensor) -> np.ndarray:
    """What a network looks at, as (H, W, 3) uint8 RGB: a photograph, a silhouette, or points on gray."""
    if view.content == "image":
        mean, std = (torch.tensor(numbers)[:, None, None] for numbers in (view.mean, view.std))
        return (
            (255 * (seen.float() * std + mean)).round().clamp(0, 255).byte().permute(1, 2, 0).numpy().copy()
        )
    canvas = np.full((*view.size, 3), BACKGROUND, np.uint8)
    if view.content == "keypoints":
        return _dotted(canvas, seen, (120, 120, 120))
    silhouette = seen[0].float().clamp(0, 1).numpy()[..., None]
    return (canvas * (1 - 0.5 * silhouette)).astype(np.uint8)


def _dotted(picture: np.ndarray, points: Tensor, color: tuple[int, int, int] = DOT) -> np.ndarray:
    """(K, 3) points, confidence last, as dots on a copy of the picture."""
    dotted = np.ascontiguousarray(picture)
    radius = max(1, picture.shape[0] // 100)
    for x, y, confidence in points.tolist():
        if confidence > 0 and max(abs(x), abs(y)) < 1e4:
            cv2.circle(dotted, (round(x), round(y)), radius, color, -1, cv2.LINE_AA)
    return dotted


def save(path: Path, picture: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB as the kind of file the path's ending names, whole or not at all."""
    _, encoded = cv2.imencode(path.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    with written_beside(path) as file:
        file.write_bytes(encoded.tobytes())
