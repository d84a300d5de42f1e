"""Losses of meshes: posed, seen from the root, and at rest."""

from __future__ import annotations

from dataclasses import replace

import torch

from common.joints import COCO_17, SMPL
from common.losses.vertices import Vertices
from common.structures import Body, Prediction, Target
from data.loading.dataset import bodies


def pair() -> tuple[Prediction, Target]:
    """Two persons told as they are."""
    target = bodies(
        ("a", "b"), torch.arange(2), COCO_17, SMPL, pose=torch.zeros(2, 24, 3), betas=torch.zeros(2, 10)
    ).target
    body = Body(torch.rand(2, 9, 3), torch.rand(2, 4, 3), torch.rand(2, 9, 3), "toy")
    return Prediction(None, body, body.joints, None), replace(target, body=body)


def test_a_mesh_as_it_is_costs_nothing() -> None:
    prediction, target = pair()
    for loss in (Vertices(), Vertices(relative=True), Vertices(rest=True)):
        assert loss(prediction, target) < 1e-6


def test_at_rest_neither_place_nor_size_counts_but_shape_does() -> None:
    prediction, target = pair()
    moved = replace(prediction, body=replace(prediction.body, rest=3 * prediction.body.rest + 1))
    assert Vertices(rest=True)(moved, target) < 1e-6
    taller = prediction.body.rest * torch.tensor([1.0, 2.0, 1.0])
    assert Vertices(rest=True)(replace(prediction, body=replace(prediction.body, rest=taller)), target) > 0.01


def test_an_unknown_shape_teaches_nothing() -> None:
    prediction, target = pair()
    known = target.known.clone()
    known[:, -2] = 0
    other = replace(prediction, body=replace(prediction.body, rest=torch.rand(2, 9, 3)))
    assert Vertices(rest=True)(other, replace(target, known=known)) == 0
