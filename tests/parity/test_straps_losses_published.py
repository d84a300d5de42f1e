"""The losses of STRAPS, their learned weights and their gradients, as the published program computes them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import published_straps as published
import pytest
import standins
import torch
from torch import Tensor, nn
from torch.optim import Adam

from common.losses.objective import LearnedWeights, Objective, Term
from common.networks.straps import STRAPS
from common.structures import Inputs, Prediction, Target
from config.straps.straps import TERMS
from data.loading.dataset import bodies
from data.on_device.posed_targets import PosedTargets

NAMES = {  # ours, as published
    "vertices": "verts", "joints_2d": "joints2D", "joints_3d": "joints3D", "shape": "shape_params",
    "pose": "pose_params",
}  # fmt: skip
FROM_INIT = {
    "weights_init": TERMS,
    "weights_none": {name: Term(1.0, term.loss) for name, term in TERMS.items()},
}

pytestmark = pytest.mark.usefixtures("human_model_files")


@pytest.fixture(scope="module")
def table() -> Iterator[dict[str, np.ndarray]]:
    with np.load(published.HERE / "straps_losses.npz") as stored:
        yield {name: stored[name] for name in stored.files}


@pytest.fixture(scope="module")
def proxies() -> Tensor:
    return torch.from_numpy(standins.input_image("straps/losses", 4, 18, 256, 256))


def objective(weights: str) -> Objective:
    made = LearnedWeights(FROM_INIT[weights])
    if weights == "weights_none":
        with torch.no_grad():
            for variance in made.log_variance.values():
                variance.zero_()
    return made


def target(model: STRAPS, table: dict[str, np.ndarray], masked: bool) -> Target:
    """The published truth, posed."""
    pose = torch.from_numpy(table["target/pose_axis_angle"]).unflatten(1, (24, 3))
    betas = torch.from_numpy(table["target/betas"])
    layout = model.body_model.layout
    batch = bodies(tuple("abcd"), torch.arange(4), model.joint_set, layout, pose=pose, betas=betas)
    truth = PosedTargets(model, layout)(batch).target
    truth.joints_3d = torch.cat([model.read_joints(truth.body), torch.ones(4, 31, 1)], -1)
    seen = torch.from_numpy(table["target/vis"]) if masked else torch.ones(4, 17, dtype=torch.bool)
    truth.joints_2d[:, :17, :2] = torch.from_numpy(table["target/joints2D_px"])
    truth.joints_2d[:, :17, 2] = seen.float()
    return truth


def told(model: STRAPS, proxies: Tensor) -> Prediction:
    return model(Inputs({"proxy": proxies}, {}, torch.eye(3).expand(4, 3, 3), torch.zeros(4, 3)))


def lengths(model: STRAPS, losses: Objective) -> dict[str, float]:
    """The length of each gradient on record, by published names."""
    ours = dict(model.named_parameters())
    feedback = {"fc1": "layers.0", "fc2": "layers.2", "fc3": "layers.4"}
    found = {}
    for name, parameter in ours.items():
        name = name.replace("encoder.", "image_encoder.")
        for theirs, layer in feedback.items():
            name = name.replace(f"feedback.{layer}.", f"ief_module.{theirs}.")
        found[name] = parameter.grad.norm().item()
    for name, variance in losses.log_variance.items():
        found[f"criterion.{NAMES[name]}_log_var"] = variance.grad.norm().item()
    return found


def hold_prediction(step: str, prediction: Prediction, table: dict[str, np.ndarray]) -> None:
    """Where a step has one on record."""
    if f"{step}/pred_shape" in table:
        np.testing.assert_allclose(
            prediction.params.betas.detach().numpy(), table[f"{step}/pred_shape"], atol=1e-5
        )
        seen = prediction.camera.project(prediction.joints[:, :17]).detach() / 128 - 1
        np.testing.assert_allclose(seen, table[f"{step}/pred_joints2D_norm"], atol=1e-5)


def hold_step(
    step: str, model: STRAPS, losses: Objective, table: dict[str, np.ndarray], values: Tensor, within: float
) -> None:
    """Losses to `within`, gradients to ten times that, relative."""
    model.zero_grad()
    losses.zero_grad()
    sum(values.values()).backward()
    np.testing.assert_allclose(sum(values.values()).item(), table[f"{step}/total"], rtol=within)
    for name, value in values.items():
        weighted = value.item() - losses.log_variance[name].item()
        np.testing.assert_allclose(weighted, table[f"{step}/weighted/{NAMES[name]}"], rtol=within, atol=1e-6)
        raw = weighted * losses.log_variance[name].exp().item()
        np.testing.assert_allclose(raw, table[f"{step}/raw/{NAMES[name]}"], rtol=within, atol=1e-6)
    gradients = lengths(model, losses)
    asked = [name for name in table if name.startswith(f"{step}/grad_norm/")]
    assert asked
    for name in asked:
        np.testing.assert_allclose(
            gradients[name.split("/")[-1]], table[name], rtol=max(10 * within, 1e-4), atol=1e-6, err_msg=name
        )


@pytest.mark.parametrize("masked", [False, True], ids=["vis_0", "vis_1"])
@pytest.mark.parametrize("weights", FROM_INIT)
def test_losses_and_gradients_are_the_published_ones(
    weights: str, masked: bool, table: dict[str, np.ndarray], proxies: Tensor
) -> None:
    model, losses = published.network(), objective(weights)
    step, prediction = f"eval/{weights}/vis_{int(masked)}/step0", told(model, proxies)
    hold_prediction(step, prediction, table)
    values = losses(prediction, target(model, table, masked))
    hold_step(step, model, losses, table, values, 1e-5)
    Adam([*model.parameters(), *losses.parameters()], lr=1e-4).step()
    hold_weights(f"{step}/after", model, losses, table)


def test_three_steps_of_training_go_where_the_published_ones_went(
    table: dict[str, np.ndarray], proxies: Tensor
) -> None:
    model, losses = published.network().train(), objective("weights_init")
    optimizer = Adam([*model.parameters(), *losses.parameters()], lr=1e-4)
    truth = target(model, table, True)
    for step in range(3):
        place = f"train/weights_init/vis_1/step{step}"
        prediction = told(model, proxies)
        hold_prediction(place, prediction, table)
        values = losses(prediction, truth)
        hold_step(place, model, losses, table, values, 1e-5 if step == 0 else 1e-3)
        optimizer.step()
    hold_weights("train/weights_init/vis_1/step2/after", model, losses, table)


def hold_weights(after: str, model: STRAPS, losses: Objective, table: dict[str, np.ndarray]) -> None:
    """Log-variances, some weights, a mean; what is on record of each step is the end of all three."""
    for name, variance in losses.log_variance.items():
        np.testing.assert_allclose(variance.item(), table[f"{after}/{NAMES[name]}_log_var"], atol=1e-6)
    weight = model.feedback.layers[4].weight[::16, ::64].detach().numpy()
    np.testing.assert_allclose(weight, table[f"{after}/fc3.weight_sub"], atol=1e-5)
    if f"{after}/bn1.running_mean" in table:
        mean = model.encoder.bn1.running_mean.numpy()
        np.testing.assert_allclose(mean, table[f"{after}/bn1.running_mean"], rtol=1e-3, atol=1e-5)


def test_the_truth_is_the_published_one(table: dict[str, np.ndarray]) -> None:
    truth = target(published.network(), table, True)
    np.testing.assert_allclose(truth.body.vertices[:, ::97], table["target/vertices_97"], atol=1e-5)
    np.testing.assert_allclose(truth.joints_3d[:, 17:, :3], table["target/joints_h36mlsp14"], atol=1e-5)
    np.testing.assert_allclose(truth.params.rotations, table["target/rotmats"], atol=1e-6)


def test_where_no_joint_is_visible_the_loss_is_zero_and_its_gradient_a_number(
    table: dict[str, np.ndarray],
) -> None:
    """Published: not a number."""
    model, losses = published.network(), objective("weights_init")
    truth = target(model, table, True)
    truth.joints_2d[..., 2] = 0
    values = losses(told(model, torch.rand(4, 18, 32, 32)), truth)
    assert values["joints_2d"].item() == pytest.approx(losses.log_variance["joints_2d"].item())
    sum(values.values()).backward()
    parts: tuple[nn.Module, ...] = (model, losses)
    assert all(p.grad.isfinite().all() for part in parts for p in part.parameters())
