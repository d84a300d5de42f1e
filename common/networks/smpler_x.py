"""SMPLer-X: OSX grown and without its decoders, trained on very many data sets (Cai et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from common.body_models.files import Free
from common.networks import one_stage
from common.networks.backbones.vit import Size, sized
from common.networks.heads.face import Face
from common.networks.heads.hands import Hands


class SMPLerX(one_stage.OneStage):
    """See OneStage for what it predicts."""

    published: ClassVar = one_stage.PUBLISHED

    def __init__(
        self, encoder: str | Size = "base", checkpointing: bool = False, free: Free = "never"
    ) -> None:
        """`encoder`: a name of SIZES or one's own Size. `checkpointing`, `free`: see ViT and WholeBody."""
        width = sized(encoder).width
        super().__init__(encoder, Hands(width), Face(width), checkpointing, free)

    @classmethod
    def variant(cls, state: Mapping[str, Tensor]) -> str | None:
        return one_stage.variant(state, plain=cls.__name__)
