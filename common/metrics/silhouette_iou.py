"""How well a body fills a person's silhouette."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common.body_models.regressors import faces_of
from common.metrics.metric import Metric
from common.rendering.rasterizer import visible_faces
from common.structures import Batch, Prediction

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


@dataclass(frozen=True)
class SilhouetteIoU(Metric):
    """Intersection over union of the predicted body's silhouette and the true one, in numbers from 0 to 1.

    `silhouette_iou` is over all pixels of all persons at once (published by STRAPS); `mean_silhouette_iou` is
    the mean of the persons', as most papers have it. The body is drawn where the network's camera sees it in
    the full picture, so the number does not hang on the network's own view.
    """

    # a person's name -> the true silhouette (h, w) bool, the same size for all, and (2, 3): where in it a
    # pixel of the full picture lies; None: the data set's own `silhouette`
    silhouettes: Callable[[str], tuple[np.ndarray, np.ndarray]] | None = field(default=None, repr=False)

    def asking(self, dataset: Any) -> SilhouetteIoU:
        return self if self.silhouettes else replace(self, silhouettes=dataset.silhouette)

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        body = prediction.body
        if self.silhouettes is None:
            raise ValueError("Nobody says what the true silhouettes are; measure with a data set that does.")
        found = [self.silhouettes(name) for name in batch.name]
        truth = torch.stack([torch.from_numpy(mask) for mask, _ in found]).to(body.vertices.device)
        matrix = torch.stack([torch.from_numpy(matrix) for _, matrix in found]).to(body.vertices)
        crop = next(iter(batch.inputs.crops.values()))
        pixels = crop.back(prediction.camera.project(body.vertices))
        pixels = pixels @ matrix[:, :, :2].mT + matrix[:, None, :, 2]
        flat = torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1)  # what hides what does not matter
        faces = faces_of(body.topology).to(flat.device)
        return overlap(visible_faces(flat, faces, tuple(truth.shape[1:])) >= 0, truth)

    def summary(self, table: Mapping[str, Tensor]) -> dict[str, float]:
        iou = intersection_over_union(table)
        whole = intersection_over_union({name: table[name].sum(0, keepdim=True) for name in COUNTS})
        return {"silhouette_iou": whole.item(), "mean_silhouette_iou": iou.nanmean().item()}


def overlap(guess: Tensor, truth: Tensor) -> dict[str, Tensor]:
    """(B, h, w) bool each -> (B,) the pixels of each kind, by name."""
    pairs = ((guess & truth), (guess & ~truth), (~guess & ~truth), (~guess & truth))
    return {name: pixels.flatten(1).sum(1) for name, pixels in zip(COUNTS, pairs, strict=True)}


def intersection_over_union(counts: Mapping[str, Tensor]) -> Tensor:
    """(B,) pixels of each kind -> (B,) in float64; NaN where both silhouettes are empty."""
    both = counts["true_positives"].double()
    return both / (both + counts["false_positives"] + counts["false_negatives"])
