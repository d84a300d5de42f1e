"""The measures of predicted bodies, in the size the network believes in or at a height that is known."""

from __future__ import annotations

import torch
from torch import Tensor

from common.body_models.body_model import BodyModel
from common.body_models.measurements import Measurements, measure
from common.utils.errors import UserError


class Measuring:
    """A tape measure for the bodies of one model."""

    def __init__(self, body_model: BodyModel, height: float | None = None) -> None:
        """`height` (meters) of the people measured, where it is known. UserError for a hand or a head."""
        if "pelvis" not in body_model.layout.joints.names:
            raise UserError(
                f"A {body_model.layout.name} body has no height and no girths; leave --measure out."
            )
        self.body_model, self.height = body_model, height

    def __call__(self, betas: Tensor) -> Measurements:
        """(B, S) shape coefficients -> the measures of each, on the processor."""
        found = measure(self.body_model, betas).to("cpu")
        return found if self.height is None else found.at_height(self.height)

    def of_tracks(self, betas: Tensor, people: Tensor) -> tuple[list[int], Measurements]:
        """(N, S) of the frames of a video and (N,) who is seen -> who there is, and the measures of the mean
        shape of each: a person's own does not change.
        """
        known, place = people.unique(return_inverse=True)
        total = betas.new_zeros(len(known), betas.shape[1]).index_add(0, place, betas)
        return known.tolist(), self(total / torch.bincount(place)[:, None])
