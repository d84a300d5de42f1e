"""SMPLer: the second stage, the whole network, trained on the mixture of METRO; measured on Human3.6M.

The published run: 2 GPUs with 100 persons each, in float32. Every stage starts from the one before:
`smpler_backbone`, this, `smpler_3dpw`. `--joint_criterion l1` of the published program is
`objective.terms.joints_2d.loss.kind=l1 objective.terms.joints_3d.loss.kind=l1`. Of its bugs, annotated points
were cut to whole pixels in the view, and moved by one: `augment.whole_points=True` brings that back.
"""

from __future__ import annotations

from functools import partial

from torch.optim import Adam

from common.joints import LSP_14
from common.losses.joints import Joints2D, Joints3D
from common.losses.objective import Term, WeightedSum
from common.losses.parameters import Rotations
from common.losses.vertices import Vertices
from common.networks.smpler import SMPLer
from common.preprocess.augment import Augment
from common.utils.paths import PRETRAINED
from data import human36m_tsv, pw3d_tsv
from data.h36m_mixed import H36MMixed
from main.experiment import Experiment
from main.schedules import constant

HALF = 112.0  # pixels of the view: a unit of the loss in the picture
HIPS = ("right_hip_h36m", "left_hip_h36m")
TERMS = {
    "vertices": Term(100.0, Vertices(relative=True, regressor="h36m_correct", over="persons")),
    "joints_2d": Term(100.0, Joints2D(pixels=HALF, kind="l2")),
    "joints_3d": Term(1000.0, Joints3D(LSP_14, HIPS, kind="l2", over="persons")),
    "rotations": Term(50.0, Rotations(kind="l1", over="persons")),
}

experiment = Experiment(
    name="smpler",
    model=partial(SMPLer, width=32, refinements=3, regressor="h36m_correct"),
    objective=partial(WeightedSum, terms=TERMS),
    train=H36MMixed("train"),
    test=(human36m_tsv.benchmark(),),
    on_request=(pw3d_tsv.benchmark(),),
    published={"Human36M/mpjpe": 47.0, "Human36M/pa_mpjpe": 32.8},
    augment=Augment(scale=0.25, rotation=30, rotation_chance=0.4, flip=0.5, color=0.4, flip_first=True),
    optimizer=partial(Adam, lr=2e-4),
    schedule=constant,
    epochs=100,
    batch_size=200,
    seed=1234,
    sync_batch_norm=True,
    weights=dict.fromkeys(("backbone", "first"), PRETRAINED / "smpler_backbone.pt"),
)
