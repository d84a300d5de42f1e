"""Every config loads, builds its network, and its objective finds what it reads: without data or weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from common.metrics.metric import Metric
from common.networks.model import Model
from common.structures import Batch, Crop, Inputs
from common.utils.paths import FREE
from data.loading.dataset import PoseDataset, Samples, bodies
from data.on_device.iuv_targets import DrawnTargets
from main import record
from main.experiment import load
from main.learning import freeze, groups

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(path for path in (ROOT / "config").rglob("*.py") if "\nexperiment = " in path.read_text())
COUNT = 2

pytestmark = pytest.mark.usefixtures("human_model_files", "nothing_is_drawn")
each_config = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)


@contextmanager
def without_numbers() -> Iterator[None]:
    """New tensors have a shape and nothing in it."""
    with torch.device("meta"):
        yield


@pytest.fixture
def nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which faces a pixel shows cannot be told in shapes alone."""
    monkeypatch.setattr(
        DrawnTargets, "draw", lambda self, target: target.joints_2d.new_zeros(COUNT, 3, 56, 56)
    )


@cache
def built(path: Path) -> Model:
    with without_numbers():
        return load(path).model().to("meta")


def photographed(model: Model) -> Batch:
    """A batch of people with pictures, in shapes alone."""
    batch = bodies(("a", "b"), torch.arange(COUNT), model.joint_set, model.body_model.layout)
    crop = Crop(
        torch.eye(3)[:2].expand(COUNT, 2, 3),
        torch.zeros(COUNT),
        torch.zeros(COUNT, dtype=torch.bool),
        torch.ones(COUNT, 2),
    )
    views = {name: torch.zeros(COUNT, 3, *view.size) for name, view in model.views.items()}
    inputs = Inputs(views, dict.fromkeys(views, crop), torch.eye(3).expand(COUNT, 3, 3), torch.ones(COUNT, 3))
    return replace(batch, inputs=inputs).to("meta")


def is_shown_pictures(model: Model) -> bool:
    return all(view.content == "image" for view in model.views.values())


def at_hand(people: PoseDataset) -> PoseDataset:
    """The same, with the shipped poses in place of a file that is not here."""
    file = getattr(people, "file", None)
    return people if file is None or file.exists() else replace(people, file=FREE / "poses.npz")


def one_step(path: Path) -> dict[str, Tensor]:
    """The terms of one step: in shapes alone, or for real where `prepare` makes what the network sees."""
    experiment, model = load(path), built(path)
    if is_shown_pictures(model):
        batch = photographed(model)
    else:
        model, layout = experiment.model(), model.body_model.layout
        assert isinstance(experiment.train, PoseDataset)
        samples = Samples(at_hand(experiment.train), model, model.joint_set, layout, experiment.augment)
        batch = samples.__getitems__([(place, place) for place in range(COUNT)])
    prepare = experiment.prepare(model, model.body_model.layout).to(batch.seed.device)
    batch = prepare(batch)
    return experiment.objective()(model(batch.inputs), batch.target)


def test_there_are_configs() -> None:
    assert CONFIGS


@each_config
def test_a_config_loads_and_is_named_as_its_file(path: Path) -> None:
    experiment = load(path)
    assert experiment.name == path.stem
    assert record.differences(record.resolved(experiment), record.resolved(load(path))) == []
    assert all(isinstance(metric, Metric) for benchmark in experiment.test for metric in benchmark.metrics)
    if experiment.best:
        assert experiment.best.split("/")[0] in {benchmark.name for benchmark in experiment.test}


@each_config
def test_its_weights_are_grouped_and_its_schedule_made(path: Path) -> None:
    experiment = load(path)
    model = built(path)
    assert all(tensor.device.type == "meta" for tensor in (*model.parameters(), *model.buffers()))
    for part in experiment.weights:
        model.get_submodule(part)
    freeze(model, experiment.learning_rates)
    made = groups(model, experiment.objective(), experiment.learning_rates, experiment.optimizer)
    schedule = experiment.schedule(experiment.optimizer(made), 1000)
    assert schedule.get_last_lr()


@each_config
def test_its_objective_finds_what_it_reads(path: Path) -> None:
    experiment = load(path)
    terms = one_step(path)
    assert terms.keys() == experiment.objective().terms.keys()
    for name, term in terms.items():
        assert term.shape == () and term.dtype == torch.float32, name
    assert any(term.requires_grad for term in terms.values())
