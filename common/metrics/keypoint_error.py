"""How far a body's joints lie from annotated points in the picture."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from common.joints import JointSet
from common.metrics.metric import Metric
from common.metrics.points import read_joints
from common.structures import Batch, Prediction


@dataclass(frozen=True)
class KeypointError(Metric):
    """The mean distance of a person's joints from the annotated points, in pixels of the picture or the view.

    `joint_set` is the benchmark's; joints that body models report are seen through the predicted camera.
    Points without annotation do not count; a person without any has no number. In pixels of the network's
    main view (published) the number hangs on its size; of the picture, on how large the person is there.
    """

    name: str  # "joints_2d_pixels" ...
    joint_set: JointSet
    names: tuple[str, ...] = ()  # which of them count; all by default
    in_picture: bool = False

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        names = self.names or self.joint_set.names
        truth, confidence = batch.target.joints_2d[:, list(self.joint_set.indices(names))].split([2, 1], -1)
        guess = prediction.camera.project(read_joints(prediction.body, names))
        if self.in_picture:
            crop = next(iter(batch.inputs.crops.values()))
            guess, truth = crop.back(guess), crop.back(truth)
        known = (confidence[..., 0] > 0).to(guess.dtype)
        return {self.name: ((guess - truth).norm(dim=-1) * known).sum(1) / known.sum(1)}
