"""The free default's network: key points in, posed bodies out; and its training."""

from __future__ import annotations

import numpy as np
import torch

from common.joints import BLAZEPOSE_33
from common.networks.model import Model
from common.preprocess.sample import make_sample
from common.structures import Person, Sample
from common.utils.distributed import device
from common.utils.timing import milliseconds
from data.loading.dataset import Samples
from data.loading.loader import Loader, every_once
from main.experiment import Experiment, load


def measure() -> list[tuple[str, str]]:
    """Milliseconds of a prediction, and samples a second of a training step."""
    experiment = load("config/lifter/lifter.py")
    model = experiment.model().eval()
    rows = []
    for count in (1, 32):
        inputs = Sample.stack([_sample(model, seed) for seed in range(count)]).inputs
        with torch.inference_mode():
            taken = milliseconds(lambda inputs=inputs: model(inputs)) / count
        rows.append((f"key points to mesh, batch of {count}", f"{taken:.2f} ms a person"))
    return [*rows, ("training, synthesis included", f"{_training_rate(experiment):.0f} samples/s")]


def _sample(model: Model, seed: int) -> Sample:
    points = np.random.default_rng(seed).uniform(50, 450, (33, 3)).astype(np.float32)
    points[:, 2] = 1
    person = Person(str(seed), np.zeros((512, 512, 3), np.uint8), joint_set=BLAZEPOSE_33, joints_2d=points)
    return make_sample(person, model.views, model.joint_set, model.body_model.layout)


def _training_rate(experiment: Experiment, steps: int = 8) -> float:
    model = experiment.model().train()
    objective = experiment.objective()
    prepare = experiment.prepare(model, model.body_model.layout)
    samples = Samples(experiment.train, model, model.joint_set, model.body_model.layout, experiment.augment)
    batch = next(iter(Loader(samples, every_once(len(samples), experiment.batch_size, 0, 1), 0)))

    def step() -> None:
        ready = prepare(batch.to(device()))
        with torch.autocast("cpu", torch.bfloat16, enabled=experiment.precision == "bf16"):
            prediction = model(ready.inputs)
        sum(objective(prediction, ready.target).values()).backward()

    return 1000 * experiment.batch_size / milliseconds(step, steps)
