"""SMPLer-X, ViT-S, learns sixteen pictures: network, losses, data and loop, on any machine.

    python -m tool.prepare.rendered_people
    python main/train.py --config config/smpler_x/smpler_x_s_rendered.py

From nothing, on the free body, on a processor.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch.optim import AdamW

from common.networks.backbones.vit import SIZES
from common.networks.smpler_x import SMPLerX
from common.preprocess.augment import Augment
from config.smpler_x.family import smpler_x
from data.rendered import Rendered, benchmark
from main.schedules import cosine

WIDE = ("body_regressor.root_pose_out", "body_regressor.body_pose_out", "hands.regressor.hand_pose_out")
LAST = (*WIDE, "body_regressor.shape_out", "body_regressor.cam_out", "face.regressor.expr_out",
        "face.regressor.jaw_pose_out")  # fmt: skip
RATES = {
    "encoder": 0.2,
    **dict.fromkeys(WIDE, 0.1),  # of so many inputs that a step moves a limb by a radian
    # The mean person is left to the last biases. An encoder that learns it makes all pictures' tokens alike,
    # and what tells them apart comes back slowly.
    **{f"{name}.bias": 100.0 for name in LAST},
    **dict.fromkeys(("body_regressor.shape_out.weight", "face.regressor.expr_out.weight"), 3.0),
}

experiment = replace(
    smpler_x("s", 32),
    name="smpler_x_s_rendered",
    model=partial(SMPLerX, encoder=replace(SIZES["small"], drop_path=0.0), free="only"),
    train=Rendered(),
    test=(benchmark(),),
    augment=Augment(scale=0, rotation=0, flip=0, color=0),
    optimizer=partial(AdamW, lr=1e-4, betas=(0.9, 0.95), weight_decay=0.0),
    learning_rates=RATES,
    schedule=partial(cosine, floor=1e-6, warmup=20),
    epochs=400,
    batch_size=8,
    clip=1.0,
    precision="bf16",
    sync_batch_norm=False,
    weights={},
    workers=1,
    evaluate_every=25,
    best="Rendered/mpvpe",
)
