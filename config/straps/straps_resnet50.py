"""STRAPS with a ResNet-50, which the authors' program offers and of which they released no weights."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.networks.straps import STRAPS
from config.straps import straps

experiment = replace(straps.experiment, name="straps_resnet50", model=partial(STRAPS, depth=50, size=256))
