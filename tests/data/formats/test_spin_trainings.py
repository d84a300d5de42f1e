"""Each training of PyMAF-X learns from a miniature of its label files: every step lowers the loss."""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path

import pytest
import spin_labels
import torch

from common.joints import SMPL
from common.networks.pymaf_x.pymaf_x import PyMAFX
from common.structures import Sample
from data.formats.spin_npz import SpinNpz
from data.loading.dataset import Samples
from data.spin_sets import COCOFull, FreiHANDLabels, VGGFace2
from main.experiment import load
from main.learning import freeze

STEPS, PERSONS = 2, 2
LARGE = ("pymaf_x", "pymaf_x_body")
SETS = {
    "pymaf_x": COCOFull,
    "pymaf_x_body": COCOFull,
    "pymaf_x_body_smpl": partial(COCOFull, body=SMPL),
    "pymaf_x_hand": FreiHANDLabels,
    "pymaf_x_face": VGGFace2,
}


@pytest.fixture(scope="module")
def root(human_model_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return spin_labels.write(tmp_path_factory.mktemp("spin_trainings") / "data", persons=PERSONS)


@pytest.mark.parametrize("name", SETS)
def test_each_training_lowers_its_loss(name: str, root: Path, human_model_files: Path) -> None:
    """In evaluation, for chance must not judge; the largest encoders stay as they are."""
    experiment, people = load(f"config/pymaf_x/{name}.py"), SETS[name]("train", root=root, folder="")
    assert isinstance(people, SpinNpz)
    torch.manual_seed(0)
    model = experiment.model().eval()
    assert isinstance(model, PyMAFX)
    model.every_stage = True
    freeze(model, experiment.learning_rates | ({"encoders": 0.0} if name in LARGE else {}))
    layout, objective = model.body_model.layout, experiment.objective()
    samples = Samples(people, model, model.joint_set, layout, experiment.augment)
    batch = samples.__getitems__([(place, place) for place in range(PERSONS)])
    assert isinstance(batch, Sample)
    batch = experiment.prepare(model, layout)(batch)
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=0.0)
    losses = []
    for _ in range(STEPS):
        terms = objective(model(batch.inputs), batch.target)
        loss = torch.stack(list(terms.values())).sum()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        idle = [
            name for name, weight in model.named_parameters() if weight.requires_grad and weight.grad is None
        ]
        assert not idle, "what nothing teaches has to be frozen, or several processes wait for it forever"
        length = torch.nn.utils.clip_grad_norm_(learning, 1.0)
        assert torch.isfinite(length) and length > 0
        optimizer.param_groups[0]["lr"] = 1e-3
        optimizer.step()
    assert all(after < before for before, after in itertools.pairwise(losses)), losses
    assert all(term.isfinite() for term in terms.values())
