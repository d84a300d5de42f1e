"""SMPLer-X, ViT-S, learns sixteen pictures by heart: network, losses, data and loop, on any machine.

    python -m tool.prepare.rendered_people
    python main/train.py --config config/smpler_x/smpler_x_s_rendered.py

From nothing, on the free body, on a processor.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch.optim import AdamW

from common.networks.smpler_x import SMPLerX
from common.preprocess.augment import Augment
from config.smpler_x.family import smpler_x
from data.rendered import Rendered, benchmark
from main.schedules import cosine

experiment = replace(
    smpler_x("s", 32),
    name="smpler_x_s_rendered",
    model=partial(SMPLerX, encoder="small", free="only"),
    train=Rendered(),
    test=(benchmark(),),
    augment=Augment(scale=0, rotation=0, flip=0, color=0),
    optimizer=partial(AdamW, lr=3e-4, weight_decay=0.0),
    schedule=partial(cosine, floor=1e-5, warmup=50),
    epochs=150,
    batch_size=4,
    clip=1.0,
    precision="bf16",
    sync_batch_norm=False,
    weights={},
    workers=1,
    evaluate_every=25,
    best="Rendered/mpvpe",
)
