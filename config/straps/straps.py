"""STRAPS as published: ResNet-18 on proxies of the official SMPL body, with learned weights of its losses.

The published run: one GPU, 140 bodies a step, 100 epochs of 2,485 steps. Resuming works here (published:
never), validation keeps every sample, and the last epochs are written.
"""

from __future__ import annotations

from functools import partial

from torch.optim import Adam

from common.joints import STRAPS_31
from common.losses.joints import Joints2D, Joints3D
from common.losses.objective import LearnedWeights, Term
from common.losses.parameters import Betas, Rotations
from common.losses.vertices import Vertices
from common.networks.straps import STRAPS
from data import straps_poses
from data.on_device.published_proxies import PublishedProxies
from main.experiment import Experiment
from main.schedules import constant

TERMS = {  # with the weights that they begin with
    "vertices": Term(1.0, Vertices(kind="l2")),
    "joints_2d": Term(0.1, Joints2D(pixels=128, kind="l2", over="entries")),
    "joints_3d": Term(1.0, Joints3D(STRAPS_31, only=("lsp",), kind="l2", over="entries")),
    "shape": Term(0.1, Betas(kind="l2")),
    "pose": Term(0.1, Rotations(kind="l2")),
}

experiment = Experiment(
    name="straps",
    model=partial(STRAPS, depth=18, size=256),
    objective=partial(LearnedWeights, terms=TERMS),
    train=straps_poses.STRAPSPoses(),
    test=(straps_poses.benchmark(),),
    published={  # reported by the paper and its successor, from detections of their own
        "3DPW_LSP14/mpjpe_sc": 99.0,
        "3DPW_LSP14/pa_mpjpe": 66.8,
        "SSP3D/pve_t_sc": 15.9,
        "SSP3D/mean_silhouette_iou": 0.80,
    },
    prepare=PublishedProxies,
    optimizer=partial(Adam, lr=1e-4),
    schedule=partial(constant),
    epochs=100,
    batch_size=140,
    workers=1,
    best="straps_val/pve_pa",
)
