"""OSX: one encoder for body, hands and face, decoders that look closer at the last two (Lin et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from common.body_models.files import Free
from common.networks import one_stage
from common.networks.backbones.vit import Size, sized
from common.networks.heads.face import DecodedFace, Face
from common.networks.heads.hands import DecodedHands, Hands

_HEAD = r"^((?:hand|face)_decoder\.)keypoint_head\."
_LAYER = r"^((?:hand|face)_decoder\.)keypoint_head\.transformer\.decoder\.layers\.(\d+)\."


class OSX(one_stage.OneStage):
    """See OneStage for what it predicts."""

    published: ClassVar = (
        # a whole ResNet-50, four flows and several heads lie in each decoder; nothing ever reads their output
        (r"^(?:hand|face)_decoder\.backbone\.", None),
        (_HEAD + r"(?:enc|dec)_flow[23]d\.", None),
        (_HEAD + r"fc_(?:sigma|coord|coord_output)_branches\.", None),
        (_HEAD + r"transformer\.(?:fc_sigma|fc_coord|pos_trans|pos_trans_norm)\.", None),
        (_LAYER + r"attentions\.0\.attn\.", r"\1layers.\2.self_attention."),
        (
            _LAYER + r"attentions\.1\.value_proj_(weight|bias)\.weight$",
            r"\1layers.\2.cross_attention.value_\3",
        ),
        (_LAYER + r"attentions\.1\.", r"\1layers.\2.cross_attention."),
        (_LAYER + r"ffns\.0\.layers\.0\.0\.", r"\1layers.\2.linear1."),
        (_LAYER + r"ffns\.0\.layers\.1\.", r"\1layers.\2.linear2."),
        (_LAYER, r"\1layers.\2."),
        (_HEAD + r"transformer\.pos_embed\.weight$", r"\1query_embeds"),
        (_HEAD + r"transformer\.", r"\1"),
        (r"^((?:hand|face)_decoder\.neck\.)convs\.(\d)\.conv\.", r"\1\2.0."),
        (r"^((?:hand|face)_decoder\.neck\.)convs\.(\d)\.gn\.", r"\1\2.1."),
        *one_stage.PUBLISHED,
    )

    def __init__(
        self,
        encoder: str | Size = "large",
        hand_decoder: bool = True,
        face_decoder: bool = True,
        checkpointing: bool = False,
        free: Free = "never",
    ) -> None:
        """`encoder`: "base" or "large" as published, another name or one's own Size. Without a decoder, hands
        are read off one map, the face off two tokens. `checkpointing`, `free`: see ViT and WholeBody.
        """
        width = sized(encoder).width
        hands = (DecodedHands if hand_decoder else Hands)(width)
        face = (DecodedFace if face_decoder else Face)(width)
        super().__init__(encoder, hands, face, checkpointing, free)

    @classmethod
    def translate(cls, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Cuts the fourth level embedding, which has no map, and gives each head its value weights."""
        ours = dict(state)
        for name, tensor in state.items():
            if name.endswith(".decoder.level_embeds"):
                ours[name] = tensor[:3]
            elif name.endswith(".cross_attention.value_weight"):
                heads = len(state[name.removesuffix("weight") + "bias"])
                ours[name] = tensor.unflatten(0, (heads, -1))
        return ours

    @classmethod
    def variant(cls, state: Mapping[str, Tensor]) -> str | None:
        return one_stage.variant(state)
