"""The sub-nets of PyMAF-X: an encoder, a look at each stage, and a regressor at each stage, for each part."""

from __future__ import annotations

from torch import nn

from common.networks.backbones.pyramid import HRNetPyramid, ResNetPyramid
from common.networks.pymaf_x.alignment import GridFeatures, MeshFeatures
from common.networks.pymaf_x.bodies import FACE_BETAS
from common.networks.pymaf_x.regressors import BodyRegressor, PartRegressor, Visibility

STAGES = 3
POINTS = {"body": 431, "hand": 195, "face": 708}  # of a mesh, that are looked at
LANDMARKS = 68  # of a face, that are looked at instead
SEEN = {"body": 2048, "hand": 1024, "face": 1024}  # numbers that a look at a mesh comes to
FINGERS, FACE = 15 * 6, 3 * 6  # turns of a hand, and of jaw and eyes, in the 6D form


def encoder(part: str, backbone: str) -> nn.Module:
    """HRNet-W48 ("hrnet") or ResNet-50 ("resnet") for the body; hands and face have a ResNet-50 each."""
    if backbone not in ("hrnet", "resnet"):
        raise ValueError(f"There is no backbone '{backbone}' here; there are 'hrnet' and 'resnet'.")
    return HRNetPyramid(48) if part == "body" and backbone == "hrnet" else ResNetPyramid()


def looks(part: str, channels: tuple[int, ...], dense_face: bool) -> nn.ModuleList:
    """What each stage sees of a part; `channels` of the maps, the coarsest first."""
    points = LANDMARKS if part == "face" and not dense_face else POINTS[part]
    further = (MeshFeatures(count, points, SEEN[part]) for count in channels[1:])
    return nn.ModuleList([GridFeatures(channels[0]), *further])


def regressors(
    parts: tuple[str, ...], widths: dict[str, list[int]], expression: int, face: bool
) -> nn.ModuleList:
    """What each stage says; `widths` of what it has seen. `face`: whether a face has a shape of its own."""
    stages = []
    for place in range(STAGES):
        made: dict[str, nn.Module] = {}
        for part in parts:
            width = widths[part][place]
            if part == "body":
                made[part] = BodyRegressor(width)
            elif part == "hand":
                made[part] = PartRegressor(width, FINGERS, 10)
            else:
                made[part] = PartRegressor(width, FACE, FACE_BETAS, expression, face)
        if {"body", "hand"} <= set(parts):
            made["visibility"] = Visibility()
        stages.append(nn.ModuleDict(made))
    return nn.ModuleList(stages)
