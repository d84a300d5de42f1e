"""How fast proxies are made (a body posed, seen, cropped, drawn, and its heat maps), and what STRAPS takes.

Large pictures wait for fresh memory: THP_MEM_ALLOC_ENABLE=1 in the environment makes PyTorch ask for large
pages.
"""

from __future__ import annotations

import torch

from common.joints import COCO_17, SMPL
from common.networks.straps import STRAPS
from common.preprocess.proxy import deviation, proxy
from common.rendering import compiled
from common.structures import Batch
from common.utils.timing import milliseconds
from data.on_device.synthetic_proxies import SyntheticProxies
from data.synthetic import SyntheticPeople
from main.experiment import load
from main.trainer import TrainingStep

SIDES = (256, 128, 64)
COUNT = 32  # bodies at a time


def measure() -> list[tuple[str, str]]:
    """Whole proxies a second, heat maps alone, STRAPS's answers and training; of one thread's time."""
    way = "compiled z-buffer" if compiled.installed() else "plain z-buffer; numba makes it faster"
    rows = []
    for side in SIDES:
        with torch.device("meta"):
            model = STRAPS(size=side, free="only")
        prepare, batch = SyntheticProxies(model, model.body_model.layout), people()
        taken = milliseconds(lambda prepare=prepare, batch=batch: prepare(batch)) / COUNT
        rows.append((f"whole proxies at {side} x {side} ({way})", f"{1000 / taken:.0f} /s"))
    for side in SIDES:
        mask = torch.zeros(COUNT, side, side, dtype=torch.bool)
        points, drawn = side * torch.rand(COUNT, 17, 2), torch.ones(COUNT, 17, dtype=torch.bool)
        taken = milliseconds(lambda m=mask, p=points, d=drawn: proxy(m, p, d, deviation(m.shape[1])))
        rows.append((f"17 heat maps at {side} x {side}", f"{taken / COUNT:.3f} ms"))
    return [*rows, *straps()]


def people() -> Batch:
    """COUNT bodies that nobody photographed."""
    places = torch.arange(COUNT)
    return SyntheticPeople().batch(places, places, COCO_17, SMPL)


def straps() -> list[tuple[str, str]]:
    """The free recipe: proxy to mesh, and a step of training with the synthesis in it."""
    experiment = load("config/straps/straps_free.py")
    model = experiment.model()
    prepare = experiment.prepare(model, model.body_model.layout)
    inputs = prepare(people()).inputs
    with torch.inference_mode():
        taken = milliseconds(lambda: model.eval()(inputs), 3) / COUNT
    step = TrainingStep(model.train(), experiment.objective(), experiment.precision == "bf16")

    def learn() -> None:
        sum(step(prepare(people())).values()).backward()

    rate = 1000 * COUNT / milliseconds(learn, 3)
    return [
        ("STRAPS, proxy of 128 x 128 to mesh, both sides of a mirror", f"{taken:.1f} ms a person"),
        ("its training at 128 x 128, synthesis included", f"{rate:.0f} persons/s"),
    ]
