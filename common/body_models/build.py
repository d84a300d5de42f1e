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
    """SMPL, SMPL-X, FLAME or the right hand of MANO, with as many coefficients as the layout has.

    `options` are the constructor's: `folder`, `file`, `free`, `dtype`. Hands have no gender. Raises what the
    constructor raises, and ValueError for an unknown layout.
    """
    match layout.name:
        case "smplx":
            return SMPLX(gender, layout.betas, layout.expression, **options)
        case "smpl":
            return SMPL(gender, layout.betas, **options)
        case "flame":
            return FLAME(gender, layout.betas, layout.expression, **options)
        case "mano":
            return MANO(betas=layout.betas, **options)
    raise ValueError(f"There is no body model '{layout.name}'; there are smplx, smpl, flame and mano.")
