"""PyMAF-X, all parts: experts of body, hands and face put together, SMPL-X; measured on EHF.

The published experts are trained apart, then put together: `config.pymaf_x.together` says how. Published:
this training could not be started; its step reads a setting that does not exist.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch.optim import Adam

from common.losses.objective import WeightedSum
from common.networks.pymaf_x.pymaf_x import PyMAFX
from common.preprocess.augment import Augment
from common.utils.paths import PRETRAINED
from config.pymaf_x.terms import WHOLE
from data import ehf
from data.on_device.iuv_targets import IuvTargets
from data.whole_body_mix import h36m_coco_itw
from main.experiment import Experiment
from main.schedules import constant

RESNET = PRETRAINED / "resnet50-19c8e357.pth"  # torchvision's, of ImageNet
AUGMENT = Augment(scale=0.25, rotation=30, rotation_chance=0.4, flip=0.5, color=0.4, flip_first=True)
# what nothing reads: the coarsest map, and who is visible before the last stage
UNREAD = ("encoders.body.stage4.2.fuse_layers.3", "regressors.0.visibility", "regressors.1.visibility")
# what only says where hands and face are looked at next, and is learnt by each expert alone
HANDS_ASIDE = (
    *(f"regressors.{i}.hand.{head}" for i in range(3) for head in ("betas", "camera")),
    *(f"regressors.{i}.hand.{head}" for i in range(2) for head in ("root", "fc3")),
)
FACE_ASIDE = tuple(
    f"regressors.{i}.face.{head}" for i in range(3) for head in ("betas", "root", "camera", "fc3")
)

experiment = Experiment(
    name="pymaf_x",
    model=partial(PyMAFX),
    objective=partial(WeightedSum, terms=WHOLE),
    train=h36m_coco_itw(),
    test=(ehf.benchmark(),),
    released=PRETRAINED / "PyMAF-X_model_checkpoint_v1.1.pt",
    prepare=partial(IuvTargets),
    augment=replace(AUGMENT, parts_from_body=True),
    optimizer=partial(Adam, lr=5e-5),
    schedule=constant,
    learning_rates=dict.fromkeys((*UNREAD, *HANDS_ASIDE, *FACE_ASIDE), 0.0),
    epochs=201,
    batch_size=64,
    weights={
        "encoders.body": PRETRAINED / "pose_hrnet_w48_256x192.pth",
        "encoders.hand": RESNET,
        "encoders.face": RESNET,
    },
)
