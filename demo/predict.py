"""People in, bodies out: the network's answer for detected people, in the frame of their whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from common.geometry.camera import assumed_intrinsics, focal_from_field_of_view
from common.networks.model import Model
from common.preprocess.sample import make_sample
from common.structures import Body, BodyParams, Person, Perspective, Sample
from common.utils.record import Record

AnyRecord = TypeVar("AnyRecord", bound=Record)


@dataclass
class Found:
    """The N people of a picture and the bodies a network sees there, on the processor."""

    people: list[Person]
    params: BodyParams
    body: Body  # before the camera
    camera: Perspective  # of the whole picture, through the lens the network assumes
    scene: Perspective  # the same through the picture's own lens, which all its people share

    def __len__(self) -> int:
        return len(self.people)

    @classmethod
    def joined(cls, parts: Sequence[Found]) -> Found:
        """The people of several batches, one after the other."""
        people = [person for part in parts for person in part.people]
        names = ("params", "body", "camera", "scene")
        return cls(people, *(_joined([getattr(part, name) for part in parts]) for name in names))


class Predictor:
    """A network that answers for any number of people, `batch_size` at a time."""

    def __init__(self, model: Model, device: torch.device | str = "cpu", batch_size: int = 16) -> None:
        self.model = model.to(device).eval()
        self.device, self.batch_size = device, batch_size

    @torch.inference_mode()
    def __call__(self, people: Sequence[Person]) -> Found | None:
        """None where there is nobody."""
        starts = range(0, len(people), self.batch_size)
        parts = [self._batch(people[start : start + self.batch_size]) for start in starts]
        return Found.joined(parts) if parts else None

    def _batch(self, people: Sequence[Person]) -> Found:
        model = self.model
        layout = model.body_model.layout
        samples = [make_sample(person, model.views, model.joint_set, layout) for person in people]
        inputs = Sample.stack(samples).inputs.to(self.device)
        prediction = model(inputs)
        camera = prediction.camera.in_image(inputs.crops[next(iter(model.views))])
        lens = inputs.intrinsics.diagonal(dim1=1, dim2=2)[:, :2]
        scene = camera.at_focal(lens, inputs.intrinsics[:, :2, 2])
        answers = (prediction.params, prediction.body, camera, scene)
        return Found(list(people), *(answer.to("cpu") for answer in answers))


def _joined(records: Sequence[AnyRecord]) -> AnyRecord:
    """Batches after one another; what is no tensor is the same in all of them."""
    first = records[0]
    names = [field.name for field in fields(first) if isinstance(getattr(first, field.name), Tensor)]
    return replace(
        first, **{name: torch.cat([getattr(record, name) for record in records]) for name in names}
    )


def intrinsics_of(image: np.ndarray, focal: float | None, field_of_view: float | None) -> np.ndarray:
    """(3, 3) of a picture: by its focal length in pixels or its longer side's degrees of view."""
    height, width = image.shape[:2]
    if field_of_view is not None:
        focal = focal_from_field_of_view(np.radians(field_of_view), max(width, height))
    return assumed_intrinsics(width, height, focal).numpy()
