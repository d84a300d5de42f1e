"""What a published training batch teaches SMPLer: losses and the gradients' lengths, as published."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache

import numpy as np
import published_smpler as published
import pytest
import torch
from published_smpler import HERE, SHARED, Table
from torch import Tensor, nn

from common.body_models.regressors import Regressor
from common.checkpoint import _renamed
from common.geometry.align import procrustes
from common.joints import H36M_17, LSP_14, SMPL, SPIN_24
from common.losses.joints import Joints3D
from common.losses.objective import Objective, Term
from common.losses.parameters import Betas
from common.networks.layers.decoupled_attention import Attention
from common.networks.smpler import SMPLer
from common.structures import Prediction, Target, WeakPerspective
from config.smpler import smpler, smpler_3dpw, smpler_backbone
from data.loading.dataset import bodies
from main.experiment import Experiment

GOLDEN = HERE / "smpler_losses.npz"
NAMES = {
    "vertices": "loss_vertices",
    "joints_2d": "loss_2d_joints",
    "joints_3d": "loss_3d_joints",
    "rotations": "loss_theta",
}
EXACT, CLOSE, FIRST = 1e-5, 1e-4, 1e-3  # relative: of losses, of gradients, of the first layer's
TRAINING, TRAINING_CLOSE = 2e-4, 1e-2  # where batch norms count the batch

pytestmark = pytest.mark.usefixtures("human_model_files")


@cache
def numbers() -> Table:
    return dict(np.load(GOLDEN))


def truth(model: SMPLer) -> Target:
    """The published batch: of four persons one lacks the body, one the joints in space, one those seen."""
    given = {key.removeprefix("target/"): value for key, value in numbers().items() if "target/" in key}
    count = len(given["pose"])
    target = bodies(tuple("abcd"), torch.arange(count), model.joint_set, SMPL).target
    chosen = list(model.joint_set.taken_from(SPIN_24))
    joints_2d = torch.from_numpy(given["joints_2d"])[:, chosen]
    joints_3d = torch.from_numpy(given["joints_3d"])[:, chosen]
    known = torch.from_numpy(given["has_smpl"]).float()[:, None].expand(-1, len(SMPL.joints) + 2)
    known_3d = torch.from_numpy(given["has_3d_joints"])[:, None, None]
    pose, betas = torch.from_numpy(given["pose"]).unflatten(1, (24, 3)), torch.from_numpy(given["betas"])
    params = model.body_model.params(pose, betas, betas[:, :0], target.flat_hand)
    return replace(
        target,
        joints_2d=torch.cat([(joints_2d[..., :2] + 1) * 112, joints_2d[..., 2:]], -1),
        joints_3d=torch.cat([joints_3d[..., :3], joints_3d[..., 3:] * known_3d], -1),
        known=known,
        params=params,
        body=model.body_model(params),
    )


def predicted(model: SMPLer) -> Prediction:
    return model(published.inputs("smpler/loss-batch/image", 4, 3, 224, 224))


def terms(experiment: Experiment, **changes: object) -> dict[str, Term]:
    found: Objective = experiment.objective()
    return {
        name: term._replace(loss=replace(term.loss, **changes)) if "joints" in name else term
        for name, term in found.terms.items()
    }


def seen_from_hips(loss: Joints3D, prediction: Prediction, target: Target) -> Tensor:
    """Published: a person whose hips are not annotated is seen from wherever they are said to be.

    Ours is not taught in space then; who has hips is taught alike.
    """
    hips = list(loss.joint_set.indices(loss.root))
    points, guess = target.joints_3d, prediction.joints
    told = replace(prediction, joints=guess - guess[:, hips].mean(1, keepdim=True))
    middle = points[:, hips, :3].mean(1, keepdim=True)
    target = replace(target, joints_3d=torch.cat([points[..., :3] - middle, points[..., 3:]], -1))
    seen = replace(loss, root=())(told, target)
    known = (points[:, hips, 3:] > 0).all(1, keepdim=True)
    sure = replace(target, joints_3d=torch.cat([points[..., :3] - middle, points[..., 3:] * known], -1))
    torch.testing.assert_close(loss(prediction, sure), replace(loss, root=())(told, sure))
    return seen


def hold(
    case: str, prediction: Prediction, target: Target, chosen: Mapping[str, Term], within: float
) -> Tensor:
    """Compares the terms; their weighted sum."""
    values = {name: term.loss(prediction, target) for name, term in chosen.items() if name != "joints_3d"}
    values["joints_3d"] = seen_from_hips(chosen["joints_3d"].loss, prediction, target)
    for name, value in values.items():
        assert value.item() == pytest.approx(float(numbers()[f"{case}/{NAMES[name]}"]), rel=within), name
    total = torch.stack([chosen[name].weight * value for name, value in values.items()]).sum()
    assert total.item() == pytest.approx(float(numbers()[f"{case}/loss_combine"]), rel=within)
    return total


def hold_gradients(case: str, model: SMPLer, total: Tensor, first: float, others: float) -> None:
    model.zero_grad(set_to_none=True)
    total.backward()
    slopes = {name: weight.grad for name, weight in model.named_parameters()}
    slopes["SMPL_predictor.decpose.bias"] = slopes["first.layers.4.bias"][:144]
    lacking = sum(slope is None for slope in slopes.values())
    assert lacking == numbers()[f"{case}/params_without_grad"]
    taught = {name: slope.norm().item() for name, slope in slopes.items() if slope is not None}
    compared = 0
    for key, expected in numbers().items():
        name = key.removeprefix(f"{case}/grad_norm/")
        if name == key or np.isnan(expected):
            continue
        if name == "all":
            del taught["SMPL_predictor.decpose.bias"]
            found = np.linalg.norm(list(taught.values()))
        else:
            found = taught[_renamed(name, SMPLer.published)]
        within = first if name in ("backbone.conv1.weight", "all") else others
        assert found == pytest.approx(float(expected), rel=within), name
        compared += 1
    assert compared >= 4


def without_dropout(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if isinstance(module, Attention):
            module.dropout = 0.0
    return model


def test_the_truth_is_the_published_one() -> None:
    """As their loss has it: 14 points, and bodies as seen from the regressed pelvis."""
    loaded = {key.split("/loaded/")[1]: value for key, value in numbers().items() if "/loaded/" in key}
    with torch.device("meta"):
        model = SMPLer(32, 0)
    target = truth(model)
    points = torch.cat([target.joints_2d[..., :2] / 112 - 1, target.joints_2d[..., 2:]], -1)
    np.testing.assert_allclose(points.numpy(), loaded["gt_2d_joints"], rtol=0, atol=1e-6)
    known = torch.from_numpy(numbers()["target/has_3d_joints"]) > 0
    pelvis = torch.from_numpy(numbers()["target/joints_3d"])[:, SPIN_24.index("pelvis_h36m"), None, :3]
    points = (target.joints_3d[..., :3] - pelvis)[known]
    np.testing.assert_allclose(points, loaded["gt_3d_joints_minus_pelvis"][known, :, :3], rtol=0, atol=1e-6)
    regressor = Regressor("smpl", "h36m_correct")
    meshes = target.body.vertices - regressor(target.body)[:, :1]
    theirs = loaded["gt_vertices_minus_pelvis[:, ::97]"]
    np.testing.assert_allclose(meshes[:, ::97].numpy(), theirs, rtol=0, atol=2e-5)


def test_the_camera_fitted_to_the_truth_is_where_ours_sees_least_error() -> None:
    """Of who has a body and points in the picture; the published loss takes no notice of it."""
    with torch.device("meta"):
        model = SMPLer(32, 0)
    target = truth(model)
    known = numbers()["w32_eval_mode/loaded/has_gt_cam"]
    given = [numbers()[f"target/has_{name}"] for name in ("smpl", "2d_joints")]
    np.testing.assert_array_equal(known, given[0] * given[1])
    fitted = torch.from_numpy(numbers()["w32_eval_mode/loaded/gt_cam"]).double().requires_grad_()
    seen = target.joints_2d[known > 0].double()
    joints = LSP_14.taken_from(H36M_17)
    points = Regressor("smpl", "h36m_correct")(target.body)[known > 0][:, list(joints)].double()
    assert_least(fitted, points, seen[..., :2] / 112 - 1, seen[..., 2])


def assert_least(fitted: Tensor, points: Tensor, seen: Tensor, confidence: Tensor) -> None:
    """Cameras (B, 3) from which (B, J, 3) are nearest to (B, J, 2)."""
    camera = WeakPerspective(fitted[:, 0], fitted[:, 1:], fitted.new_full((1, 2), 224))
    missed = camera.project(points) / 112 - 1 - seen
    error = (confidence[..., None] * missed).square().sum()
    (slope,) = torch.autograd.grad(error, fitted)
    assert (slope.abs() < 1e-4).all()


def test_the_published_fit_of_a_camera_is_where_ours_sees_least_error() -> None:
    with np.load(HERE / "smpler_forward.npz") as table:
        given = {
            key: torch.from_numpy(table[f"geometry/fit_{key}"]).double() for key in ("joints3d", "joints2d")
        }
        confidence, fitted = (
            torch.from_numpy(table[f"geometry/fit_{key}"]).double() for key in ("conf", "cam")
        )
    fitted.requires_grad_()
    assert_least(fitted, given["joints3d"], given["joints2d"], confidence)


@pytest.mark.parametrize("width", [32, 48])
def test_a_batch_teaches_what_it_was_published_to(width: int) -> None:
    model, case = published.network(width), f"w{width}_eval_mode"
    prediction, target = predicted(model), truth(model)
    total = hold(case, prediction, target, terms(smpler.experiment), EXACT)
    if width == 32:
        hold_gradients(case, model, total, FIRST, CLOSE)
        hold(f"{case}_l1", prediction, target, terms(smpler.experiment, kind="l1"), EXACT)
        hold_unused(f"{case}/unused", prediction, target)


def hold_unused(case: str, prediction: Prediction, target: Target) -> None:
    """What the published program can compute, and never teaches: the shape, and joints after alignment."""
    shape = Betas(over="persons")(prediction, target)
    assert shape.item() == pytest.approx(float(numbers()[f"{case}/loss_betas"]), rel=EXACT)
    points, confidence = target.joints_3d.split([3, 1], -1)
    apart = (procrustes(prediction.joints, points) - points).norm(dim=-1) * confidence[..., 0]
    known = torch.from_numpy(numbers()["target/has_3d_joints"]) > 0
    assert apart[known].mean().item() == pytest.approx(float(numbers()[f"{case}/loss_3djoint_PA"]), rel=EXACT)


def test_on_3dpw_points_are_read_by_its_own_regressor() -> None:
    model = published.network(32, regressor="3dpw")
    hold("w32_3dpw_eval_mode", predicted(model), truth(model), terms(smpler_3dpw.experiment), EXACT)


@pytest.mark.parametrize("refinements", [3, 0])
def test_in_training_it_is_taught_the_same(refinements: int) -> None:
    case = "w32_train_mode_dropout0" if refinements else "w32_backbone_train_mode_dropout0"
    experiment = smpler.experiment if refinements else smpler_backbone.experiment
    model = without_dropout(deepcopy(published.network(32, refinements)).train())
    means = {name: model.backbone.bn1.get_buffer(name) for name in ("running_mean", "running_var")}
    kept = {name: value.clone() for name, value in means.items()}
    total = hold(case, predicted(model), truth(model), terms(experiment), TRAINING)
    for name, value in means.items():
        np.testing.assert_allclose(value.numpy(), numbers()[f"{case}/bn1.{name}"], rtol=1e-5, atol=1e-6)
        assert not torch.equal(value, kept[name])
    hold_gradients(case, model, total, TRAINING_CLOSE, TRAINING_CLOSE)


def test_the_numbers_kept_here_are_the_published_ones() -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there to compare with")
    with np.load(SHARED / "losses.npz") as theirs:
        assert set(numbers()) == set(theirs)
        for key, value in numbers().items():
            assert np.array_equal(value, theirs[key], equal_nan=value.dtype.kind == "f"), key
