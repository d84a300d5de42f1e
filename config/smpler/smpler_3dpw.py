"""SMPLer: the third stage, the whole network trained on for 3DPW, and measured on it.

Published: points are read by another regressor here, in training and in the test, and the test set itself
chose among the epochs.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch.optim import Adam

from common.losses.objective import Term, WeightedSum
from common.losses.vertices import Vertices
from common.networks.smpler import SMPLer
from common.utils.paths import PRETRAINED
from config.smpler.smpler import TERMS
from config.smpler.smpler import experiment as base
from data import pw3d_tsv
from data.pw3d_tsv import PW3DTSV

MESH = {"vertices": Term(100.0, Vertices(relative=True, regressor="3dpw", over="persons"))}

experiment = replace(
    base,
    name="smpler_3dpw",
    model=partial(SMPLer, width=32, refinements=3, regressor="3dpw"),
    objective=partial(WeightedSum, terms=TERMS | MESH),
    train=PW3DTSV("train"),
    test=(pw3d_tsv.benchmark(),),
    on_request=base.test,
    published={"PW3D/mpjpe": 75.7, "PW3D/pa_mpjpe": 45.2, "PW3D/mpvpe": 84.7},
    optimizer=partial(Adam, lr=1e-4),
    epochs=2,
    batch_size=32,
    weights={"": PRETRAINED / "SMPLer_h36m.pt"},
)
