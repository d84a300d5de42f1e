"""Hands alone and hands of whole bodies, and how much of one mesh lies near another."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from common.body_models.build import body_model
from common.body_models.regressors import part_vertices
from common.joints import MANO, MANO_21, SMPLX, SMPLX_144
from common.metrics.f_score import FScore
from common.metrics.hands import AnnotatedHand, HandMesh
from common.metrics.point_error import PointError
from common.structures import Batch, Body
from data.loading.dataset import bodies
from data.on_device.mesh_targets import MeshTargets

pytestmark = pytest.mark.usefixtures("human_model_files")


def truth(vertices: torch.Tensor, joints: torch.Tensor) -> Batch:
    batch = bodies(tuple("ab"), torch.arange(2), MANO_21, MANO)
    annotated = torch.cat([joints, torch.ones(2, 21, 1)], -1)
    batch = replace(batch, target=replace(batch.target, vertices=vertices, joints_3d=annotated))
    return MeshTargets(SimpleNamespace(), MANO)(batch)


def posed(layout) -> Body:
    model = body_model(layout)
    turns = 0.2 * torch.randn(2, len(layout.joints), 3, generator=torch.Generator().manual_seed(0))
    flat = torch.ones(2, dtype=torch.bool)
    return model(model.params(turns, torch.zeros(2, 10), torch.zeros(2, layout.expression), flat))


def test_the_hand_of_a_whole_body_is_measured_as_a_hand_alone():
    body = posed(SMPLX)
    hand = body.vertices[:, part_vertices("smplx", "right_hand")]
    names = tuple("right_" + name for name in MANO_21.names)
    joints = body.joints[:, list(SMPLX_144.indices(names))]
    batch = truth(2 * hand + 1, 2 * joints + 1)
    for points in (HandMesh(), AnnotatedHand()):
        errors = PointError("pa", points, "procrustes").measure(SimpleNamespace(body=body), batch)["pa"]
        assert errors.max() < 1e-2


def test_a_hand_alone_is_measured_against_its_own_mesh_and_annotated_joints():
    hand = posed(MANO)
    batch = truth(hand.vertices, hand.joints + torch.tensor([0.1, 0, 0]))
    prediction = SimpleNamespace(body=hand)
    assert PointError("pve", HandMesh(), "none").measure(prediction, batch)["pve"].max() == 0
    assert PointError("mpjpe", AnnotatedHand()).measure(prediction, batch)["mpjpe"].max() < 1e-3
    assert batch.target.body.joints.isnan().all() and batch.target.body.topology == "mano"


def test_a_mesh_of_another_kind_is_refused():
    hand = posed(MANO)
    other = replace(hand, topology="humanmesh-778")
    with pytest.raises(ValueError, match="cannot compare"):
        FScore("f", HandMesh(), 5.0).measure(SimpleNamespace(body=other), truth(hand.vertices, hand.joints))


def test_the_share_of_near_points_needs_no_order_and_knows_both_directions():
    hand = posed(MANO)
    batch = truth(hand.vertices, hand.joints)
    shuffled = replace(hand, vertices=hand.vertices[:, torch.randperm(778)])
    score = FScore("f", HandMesh(), 1.0, aligned=False)
    assert (score.measure(SimpleNamespace(body=shuffled), batch)["f"] == 1).all()
    half = hand.vertices.clone()
    half[:, ::2] += 100.0
    found = score.measure(SimpleNamespace(body=replace(hand, vertices=half)), batch)["f"]
    assert (found > 0.45).all() and (found < 0.75).all()
    far = replace(hand, vertices=hand.vertices + 100)
    assert (score.measure(SimpleNamespace(body=far), batch)["f"] == 0).all()
    aligned = FScore("f", HandMesh(), 1.0)
    assert (aligned.measure(SimpleNamespace(body=far), batch)["f"] > 0.99).all()
