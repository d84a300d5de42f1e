"""PyMAF-X's body alone on the free body, ResNet-50, from pictures that anyone can draw.

python -m tool.prepare.rendered_people
python main/train.py --config config/pymaf_x/pymaf_x_body_rendered.py
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch.optim import Adam

from common.joints import SPIN_159
from common.losses.objective import Term, WeightedSum
from common.losses.part_joints import PartJoints2D, PartJoints3D
from common.networks.pymaf_x.pymaf_x import PyMAFX
from common.preprocess.augment import Augment
from config.pymaf_x.pymaf_x_body import experiment as base
from config.pymaf_x.terms import BODY
from data.on_device.posed_targets import PosedTargets
from data.rendered import Rendered, benchmark

# the free body has no chart of its surface, and its pictures name OpenPose's joints
TERMS = {name: BODY[name] for name in ("pose", "betas", "camera")} | {
    "joints_2d": Term(300.0, PartJoints2D(SPIN_159, "openpose"), every_stage=True),
    "joints_3d": Term(300.0, PartJoints3D(SPIN_159, "openpose", ("pelvis",)), every_stage=True),
}

experiment = replace(
    base,
    name="pymaf_x_body_rendered",
    model=partial(PyMAFX, parts=("body",), backbone="resnet", free="only"),
    objective=partial(WeightedSum, terms=TERMS),
    train=Rendered(),
    test=(benchmark(),),
    released=None,
    prepare=PosedTargets,
    augment=Augment(scale=0, rotation=0, flip=0, color=0),
    optimizer=partial(Adam, lr=1e-4),
    learning_rates={"dense": 0.0},
    epochs=200,
    batch_size=8,
    weights={},
    workers=1,
    evaluate_every=25,
)
