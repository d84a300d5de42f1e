"""The body model that a layout names."""

from __future__ import annotations

from typing import Any

from common.body_models.body_model import BodyModel
from common.body_models.flame import FLAME
from common.body_models.mano import MANO
from common.body_models.smpl import SMPL
from common.body_models.smplx import SMPLX
from common.joints import BodyLayout


def body_model(layout: BodyLayout, gender: str = "neutral", **options: Any) -> BodyModel:
    """SMPL, SMPL-X, MANO or FLAME with the layout's numbers of coefficients; `options` are its constructor's.

    For MANO, `gender` is not asked: give `side`.
    """
    match layout.name:
        case "smpl":
            return SMPL(gender, layout.betas, **options)
        case "smplx":
            return SMPLX(gender, layout.betas, layout.expression, **options)
        case "mano":
            return MANO(betas=layout.betas, **options)
        case "flame":
            return FLAME(gender, layout.betas, layout.expression, **options)
    raise ValueError(f"There is no body model '{layout.name}'; there are smpl, smplx, mano and flame.")
