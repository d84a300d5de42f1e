"""What published training batches teach OSX, SMPLer-X and SMPLest-X: the gradients' lengths, as published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import standins
import torch
from published_losses import batch_of, published_losses
from published_networks import filled
from torch import Tensor, nn

from common.checkpoint import translated
from common.losses.objective import Term
from common.networks.backbones.vit import Size
from common.networks.osx import OSX
from common.networks.smpler_x import SMPLerX
from common.networks.smplest_x import SMPLestX
from common.structures import Inputs, Prediction
from common.utils.paths import ROOT
from config.osx import osx_l, osx_l_agora
from config.smpler_x import smpler_x_s32
from config.smplest_x import smplest_x_h

SHARED = ROOT.parent / "shared" / "parity"
EXACT, CLOSE = 1e-5, 1e-3  # relative, of losses and of gradients, as the published numbers' READMEs have it
# Where a decoder looks, the gradient jumps as a point crosses into the next cell of a map: noise on the
# picture that is as small as the rounding of a network's layers moves its length by more than CLOSE. There
# the published length must lie among those that such noise gives.
BROKEN, NOISE = "sampling_offsets", 1e-6

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason=f"{SHARED} is not there: nothing to compare with")

Numbers = Mapping[str, np.ndarray]
Terms = dict[str, Term]


def read(system: str) -> Numbers:
    return dict(np.load(SHARED / system / "losses.npz"))


def predicted(network: nn.Module, image: str, count: int, seed: int = 0) -> Prediction:
    """Of the published picture, with noise on it that follows from the seed, if it is not 0."""
    picture = torch.from_numpy(standins.input_image(image, count, 3, 512, 384))
    if seed:
        picture += NOISE * torch.randn(picture.shape, generator=torch.Generator().manual_seed(seed))
    views = {"body": picture}
    return network(Inputs(views, {}, torch.eye(3).expand(count, 3, 3), torch.full((count, 3), -1.0)))


def terms_of(experiment: object, **changes: Callable[[Term], Term]) -> Terms:
    terms = dict(experiment.objective().terms)  # type: ignore[attr-defined]
    return terms | {name: change(terms[name]) for name, change in changes.items()}


def but(**changes: object) -> Callable[[Term], Term]:
    return lambda term: term._replace(loss=replace(term.loss, **changes))  # type: ignore[type-var]


def assert_taught(
    network: nn.Module,
    prediction: Prediction,
    terms: Terms,
    batch: Mapping[str, Tensor],
    numbers: Numbers,
    case: str,
) -> dict[str, float]:
    """Compares losses and gradients; the lengths of ours."""
    losses = published_losses(terms, prediction, batch)
    for name, value in losses.items():
        if f"{case}/loss/{name}" in numbers:
            assert value.item() == pytest.approx(float(numbers[f"{case}/loss/{name}"]), rel=EXACT), name
    taught = lengths(network, losses)
    compared = 0
    for key, expected in numbers.items():
        if key.startswith(f"{case}/grad_norm/"):
            ours = _our_names(network, key.split("/")[-1])
            if ours and BROKEN not in key:  # else it is a layer that nothing reads
                assert taught.get(ours[0], 0.0) == pytest.approx(float(expected), rel=CLOSE, abs=1e-12), key
                compared += 1
    assert compared > 8
    return taught


def lengths(network: nn.Module, losses: Mapping[str, Tensor]) -> dict[str, float]:
    """Of the gradient of each weight that anything teaches."""
    network.zero_grad(set_to_none=True)
    torch.stack(list(losses.values())).sum().backward(retain_graph=True)
    weights = network.named_parameters()
    return {name: weight.grad.norm().item() for name, weight in weights if weight.grad is not None}


def _our_names(network: nn.Module, published: str) -> list[str]:
    """What a published tensor is called here, first; its translation may look at the bias beside it."""
    beside = published.replace("value_proj_weight", "value_proj_bias")
    return list(translated(network, {published: torch.zeros(4, 1)} | {beside: torch.zeros(2, 1)}))


@pytest.mark.parametrize(
    ("case", "decoders", "terms"),
    [
        ("osx_b.normal", True, terms_of(osx_l.experiment, face_positions=but(as_published=True))),
        ("osx_b.wo_decoder.agora", False, terms_of(osx_l_agora.experiment)),
    ],
)
def test_osx(human_model_files: Path, case: str, decoders: bool, terms: Terms) -> None:
    network = filled(OSX("base", decoders, decoders), f"osx/{case.removesuffix('.agora')}")
    numbers = read("osx")
    batch = batch_of(numbers, f"{case}/")
    taught = assert_taught(network, predicted(network, "osx:train_img", 2), terms, batch, numbers, case)
    start = f"{case}/grad_norm/"
    looks = {name: float(numbers[name]) for name in numbers if name.startswith(start) and BROKEN in name}
    assert bool(looks) == decoders
    if not looks:
        return
    with_noise = [taught] + [
        lengths(network, published_losses(terms, predicted(network, "osx:train_img", 2, seed), batch))
        for seed in (1, 2)
    ]
    for name, expected in looks.items():
        (ours, *_) = _our_names(network, name.removeprefix(start))
        among = [each[ours] for each in with_noise]
        assert min(among) * (1 - CLOSE) <= expected <= max(among) * (1 + CLOSE), (name, expected, among)


def test_smpler_x(human_model_files: Path) -> None:
    network = filled(SMPLerX("small"), "smpler_x/s")
    numbers = read("smpler_x")
    batch = batch_of(numbers)
    no_boxes = batch | {f"{part}_bbox_valid": torch.zeros(4) for part in ("lhand", "rhand", "face")}
    prediction = predicted(network, "smpler_x/loss_img", 4)
    bugs = {name: but(as_published=True) for name in ("joints_2d", "positions", "fitted_positions")}
    for case, terms, given in (
        ("default", terms_of(smpler_x_s32.experiment), batch),
        ("no_orient", terms_of(smpler_x_s32.experiment, pose=but(first=1)), batch),
        ("agora_only_detach", terms_of(smpler_x_s32.experiment, joints_2d=but(camera_only=True)), batch),
        ("no_boxes", terms_of(smpler_x_s32.experiment, **bugs), no_boxes),
    ):
        assert_taught(network, prediction, terms, given, numbers, case)


def test_smplest_x(human_model_files: Path) -> None:
    network = filled(SMPLestX(Size(384, 4, 6, 0.0)), "smplest_x/small")
    numbers = read("smpler_x")
    prediction = predicted(network, "smpler_x/loss_lest_img", 4)
    terms, batch = terms_of(smplest_x_h.experiment), batch_of(numbers, "smplest_x/")
    assert_taught(network, prediction, terms, batch, numbers, "smplest_x/default")
    del terms["hand_root_chain"]
    assert_taught(network, prediction, terms, batch, numbers, "smplest_x/no_chain")
