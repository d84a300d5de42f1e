"""Every term of the configs of OSX, SMPLer-X and SMPLest-X, with its weight, on predictions on record: as
published.

`losses.npz` holds what the networks predict for the published training batches, these batches, and their
losses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from published_losses import NAMES, batch_of, our_target, published_losses
from torch import Tensor

from common.joints import WHOLE_BODY_137
from common.losses.joints import Joints3D
from common.losses.objective import Term
from common.losses.parameters import Pose
from common.networks.whole_body import EPSILON, FOCAL
from common.structures import Body, BodyParams, Perspective, Prediction
from common.utils.paths import ROOT
from config.osx import osx_l, osx_l_agora
from config.smpler_x import smpler_x_s32
from config.smplest_x import smplest_x_h

EXACT = 1e-5  # relative, as the published numbers' README has it


@cache
def record() -> dict[str, np.ndarray]:
    return dict(np.load(ROOT / "tests" / "parity" / "losses.npz"))


def prediction_of(group: str) -> Prediction:
    start = f"{group}/prediction/"
    said = {k.removeprefix(start): torch.from_numpy(v) for k, v in record().items() if k.startswith(start)}
    joints, count = said.pop("joints"), len(said["betas"])
    turns = torch.eye(3).expand(count, 55, 3, 3)
    if "rotations" in said:
        turns = torch.cat([said.pop("rotations"), turns[:, 22:]], 1)
    params = BodyParams(turns, said.pop("betas"), said.pop("expression"))
    lens, center = torch.full((count, 2), 2 * FOCAL), torch.tensor([[192.0, 256.0]]).expand(count, 2)
    camera = Perspective(lens, center, said.pop("translation"), EPSILON)
    return Prediction(params, Body(joints, joints, joints, "smplx"), joints, camera, extras=said)


def losses_of(case: str) -> dict[str, float]:
    start = f"{case}/loss/"
    return {k.removeprefix(start): float(v) for k, v in record().items() if k.startswith(start)}


def as_published(terms: Mapping[str, Term]) -> dict[str, Term]:
    """Terms with what their published bugs made of them."""
    switchable = {name for name, term in terms.items() if hasattr(term.loss, "as_published")}
    return {
        name: term._replace(loss=replace(term.loss, as_published=True)) if name in switchable else term
        for name, term in terms.items()
    }


def assert_same(ours: Mapping[str, Tensor], published: Mapping[str, float]) -> None:
    assert ours.keys() == published.keys()
    for name, value in ours.items():
        assert value.item() == pytest.approx(published[name], rel=EXACT), name


def test_osx_with_decoders() -> None:
    terms = osx_l.experiment.objective().terms
    terms["face_positions"] = as_published(terms)["face_positions"]
    ours = published_losses(terms, prediction_of("osx_b.normal"), batch_of(record(), "osx/"))
    assert_same(ours, losses_of("osx_b.normal"))


def test_osx_on_agora_alone() -> None:
    terms = osx_l_agora.experiment.objective().terms
    ours = published_losses(terms, prediction_of("osx_b.wo_decoder.agora"), batch_of(record(), "osx/"))
    assert_same(ours, losses_of("osx_b.wo_decoder.agora"))


@pytest.mark.parametrize("bugs", [False, True])
def test_smpler_x(bugs: bool) -> None:
    terms = smpler_x_s32.experiment.objective().terms
    terms = as_published(terms) if bugs else terms  # they need a batch without boxes to show
    ours = published_losses(terms, prediction_of("smpler_x"), batch_of(record(), "smpler_x/"))
    assert_same(ours, losses_of("smpler_x/default"))


def test_smpler_x_without_the_root() -> None:
    pose = smpler_x_s32.experiment.objective().terms["pose"]
    assert isinstance(pose.loss, Pose)
    term = pose._replace(loss=replace(pose.loss, first=1))
    ours = published_losses({"pose": term}, prediction_of("smpler_x"), batch_of(record(), "smpler_x/"))
    assert ours["smplx_pose"].item() == pytest.approx(
        losses_of("smpler_x/no_orient")["smplx_pose"], rel=EXACT
    )


def test_smpler_x_in_a_batch_without_boxes_as_published() -> None:
    terms = as_published(smpler_x_s32.experiment.objective().terms)
    batch = batch_of(record(), "smpler_x/")
    batch |= {f"{part}_bbox_valid": torch.zeros(4) for part in ("lhand", "rhand", "face")}
    ours = published_losses(terms, prediction_of("smpler_x"), batch)
    boxes = [name for name in ours if name.endswith("bbox")]
    assert all(ours.pop(name) == 0 for name in boxes)  # where the published terms are absent
    assert_same(ours, losses_of("smpler_x/no_boxes"))


def test_a_batch_without_boxes_is_no_different_unless_as_published() -> None:
    terms = smpler_x_s32.experiment.objective().terms
    batch = batch_of(record(), "smpler_x/")
    before = published_losses(terms, prediction_of("smpler_x"), batch)
    batch |= {f"{part}_bbox_valid": torch.zeros(4) for part in ("lhand", "rhand", "face")}
    after = published_losses(terms, prediction_of("smpler_x"), batch)
    for name in ("joint_proj", "joint_img", "smplx_joint_img"):
        assert before[name] == after[name]


def test_smplest_x() -> None:
    terms = smplest_x_h.experiment.objective().terms
    ours = published_losses(terms, prediction_of("smplest_x"), batch_of(record(), "smplest_x/"))
    assert_same(ours, losses_of("smplest_x/default"))


def test_hands_of_smplest_x_alone() -> None:
    hands = Joints3D(WHOLE_BODY_137, in_view=True, only=("left_hand", "right_hand"))
    parts = smplest_x_h.experiment.objective().terms["fitted_3d"].loss
    assert isinstance(parts, Joints3D)
    terms = {
        "align": Term(1.0, replace(hands, root=("pelvis",))),
        "pose": Term(1.0, replace(parts, only=hands.only)),
    }
    ours = published_losses(terms, prediction_of("smplest_x"), batch_of(record(), "smplest_x/"))
    published = losses_of("smplest_x/hand_loss")
    assert ours["align"].item() == pytest.approx(published["hand_align"], rel=EXACT)
    assert ours[NAMES["pose"]].item() == pytest.approx(published["hand_pose"], rel=EXACT)


def test_every_loss_of_joints_ignores_what_is_unknown() -> None:
    terms = as_published(osx_l.experiment.objective().terms)
    guess = prediction_of("osx_b.normal")
    target = our_target(batch_of(record(), "osx/"), in_space=True)
    unknown = {
        name: torch.where(value[..., -1:] > 0, value, torch.tensor([float("nan")]))
        for name in ("joints_2d", "joints_3d", "fitted_2d", "fitted_3d", "part_boxes")
        if (value := getattr(target, name)) is not None
    }
    unknown = {
        name: torch.cat([v[..., :-1], getattr(target, name)[..., -1:]], -1) for name, v in unknown.items()
    }
    for name, term in terms.items():
        known, spoilt = term.loss(guess, target), term.loss(guess, replace(target, **unknown))
        assert spoilt == known, name
