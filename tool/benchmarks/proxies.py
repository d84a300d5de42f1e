"""How fast proxies are made: a body posed, seen, cropped, drawn, and its heat maps."""

from __future__ import annotations

import torch

from common.joints import COCO_17, SMPL
from common.networks.straps import STRAPS
from common.preprocess.proxy import deviation, proxy
from common.rendering import compiled
from common.utils.timing import milliseconds
from data.on_device.synthetic_proxies import SyntheticProxies
from data.synthetic import SyntheticPeople

SIDES = (256, 128, 64)
COUNT = 32  # bodies at a time


def measure() -> list[tuple[str, str]]:
    """Whole proxies and heat maps alone a second, of one thread's time."""
    way = "compiled z-buffer" if compiled.installed() else "plain z-buffer; numba makes it faster"
    rows = []
    for side in SIDES:
        count = COUNT
        with torch.device("meta"):
            model = STRAPS(size=side, free="only")
        prepare = SyntheticProxies(model, model.body_model.layout)
        places = torch.arange(count)
        batch = SyntheticPeople().batch(places, places, COCO_17, SMPL)
        taken = milliseconds(lambda prepare=prepare, batch=batch: prepare(batch), 20) / count
        rows.append((f"whole proxies at {side} x {side} ({way})", f"{1000 / taken:.0f} /s"))
    for side in SIDES:
        count = COUNT
        mask = torch.zeros(count, side, side, dtype=torch.bool)
        points, drawn = side * torch.rand(count, 17, 2), torch.ones(count, 17, dtype=torch.bool)
        taken = milliseconds(lambda m=mask, p=points, d=drawn: proxy(m, p, d, deviation(m.shape[1])), 20)
        rows.append((f"17 heat maps at {side} x {side}", f"{taken / count:.3f} ms"))
    return rows
