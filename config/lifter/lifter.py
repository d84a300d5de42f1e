"""The free default: key points in, SMPL-X-format body out, trained on synthetic poses alone.

The shipped weights are one run of it. `--end_epoch 5` is a first result within five minutes on two cores.
"""

from __future__ import annotations

from functools import partial

from torch.optim import AdamW

from common.joints import LIFTER_39
from common.losses.extras import Vanishing
from common.losses.joints import Joints3D
from common.losses.objective import Term, WeightedSum
from common.losses.parameters import Betas, Rotations
from common.networks.lifter import Lifter
from common.utils.paths import FREE
from data import synthetic
from data.on_device.synthetic_keypoints import SyntheticKeypoints
from main.experiment import Experiment
from main.schedules import cosine

experiment = Experiment(
    name="lifter",
    model=partial(Lifter, width=768, blocks=2, steps=4),
    objective=partial(
        WeightedSum,
        terms={
            "joints_3d": Term(8.0, Joints3D(LIFTER_39, root=("pelvis",)), every_stage=True),
            "joints_3d_last": Term(60.0, Joints3D(LIFTER_39, root=("pelvis",))),
            "rotations": Term(2.0, Rotations(last=22), every_stage=True),
            "miss": Term(5.0, Vanishing("miss"), every_stage=True),
            "betas": Term(0.03, Betas(kind="l2"), every_stage=True),
        },
    ),
    train=synthetic.SyntheticPeople(count=65_536, shape=1.2),
    test=(synthetic.benchmark("test"), synthetic.benchmark("unseen_subject")),
    released=FREE / "lifter.safetensors",
    prepare=SyntheticKeypoints,
    optimizer=partial(AdamW, lr=1.5e-3, weight_decay=0.01, fused=True),
    schedule=partial(cosine, floor=1e-6, warmup=100),
    epochs=54,
    batch_size=256,
    clip=1.0,
    ema=0.999,
    precision="bf16",
    workers=1,
    evaluate_every=6,
    best="synthetic/mpjpe",
)
