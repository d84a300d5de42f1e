"""What the free run of STRAPS begins with: views of 64 x 64 of whole persons whom detectors find well."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.losses.objective import WeightedSum
from common.networks.straps import STRAPS
from config.straps.straps_free import experiment as base
from config.straps.straps_free import terms
from data.on_device.proxy_errors import ProxyErrors
from data.on_device.synthetic_proxies import ProxyCameras, SyntheticProxies
from main.schedules import constant

SIDE = 64

experiment = replace(
    base,
    name="straps_free_64",
    model=partial(STRAPS, depth=18, size=SIDE, free="only", both=True),
    objective=partial(WeightedSum, terms=terms(SIDE)),
    released=None,
    prepare=partial(
        SyntheticProxies,
        cameras=ProxyCameras(cut_below=0.0, cut_aside=0.0),
        errors=ProxyErrors.good(),
        vertex_noise=0.0,
    ),
    schedule=partial(constant, warmup=100),
    epochs=48,
)
