"""What flows: predictions with their stages, cameras and crops; records have tests of their own."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from common.structures import Body, BodyParams, Crop, Perspective, Prediction, WeakPerspective


def prediction() -> Prediction:
    params = BodyParams(torch.eye(3).expand(2, 24, 3, 3), torch.zeros(2, 10), torch.zeros(2, 0))
    body = Body(torch.zeros(2, 9, 3), torch.zeros(2, 24, 3), torch.zeros(2, 9, 3), "toy")
    camera = Perspective(torch.ones(2, 2), torch.zeros(2, 2), torch.ones(2, 3), 1e-4)
    return Prediction(params, body, torch.zeros(2, 17, 3), camera)


def test_a_prediction_with_its_stages_and_camera_is_mapped_as_one():
    whole = replace(prediction(), stages=(prediction(),), extras={"boxes": torch.zeros(2, 3)})
    first = whole.map(lambda tensor: tensor[:1])
    assert first.body.topology == "toy" and first.camera.epsilon == 1e-4
    assert len(first.stages[0].camera.focal) == len(first.extras["boxes"]) == len(first.params.betas) == 1


@pytest.mark.parametrize("kind", [Perspective, WeakPerspective])
def test_cameras_and_crops_compile_without_a_graph_break(kind):
    crop = Crop(torch.eye(3)[None, :2] * 2, torch.full((1,), 0.1), torch.tensor([True]), torch.ones(1, 2))
    camera = (
        Perspective(torch.ones(1, 2), torch.ones(1, 2), torch.ones(1, 3))
        if kind is Perspective
        else WeakPerspective(torch.ones(1), torch.zeros(1, 2), torch.full((1, 2), 224.0))
    )

    def seen(points: Tensor) -> Tensor:
        turned = crop.turned(points)
        return crop.back(crop.points(camera.project(turned))) + camera.in_image(crop).project(turned)

    points = torch.rand(1, 5, 3)
    torch.testing.assert_close(torch.compile(seen, fullgraph=True, backend="eager")(points), seen(points))
