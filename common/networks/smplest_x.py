"""SMPLest-X: the whole body read off 80 tokens, with no boxes and no heat maps (Yin et al. 2025)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from common.body_models.files import Free
from common.geometry.rotation import axis_angle_from_6d, matrix_from_6d
from common.networks.backbones.vit import Size, ViT, size_of
from common.networks.layers.attention import CrossAttention, SelfAttention
from common.networks.layers.linear import Linear
from common.networks.layers.precision import in_float32
from common.networks.whole_body import WholeBody
from common.structures import Inputs, Prediction

TOKENS = 80
LAYERS, HEADS, HEAD_WIDTH = 6, 8, 64
FEATURES = 512
ROOT, BODY, SHAPE, CAMERA = slice(0, 1), slice(1, 22), slice(22, 32), slice(32, 33)
HAND_ROOTS, HANDS = slice(33, 35), slice(35, 65)  # 65 to 67 were to be the hands' cameras
EXPRESSION, JAW = slice(68, 78), slice(78, 79)  # 67 and 79 were to be the face's root and camera

_LAYER = r"^decoder\.transformer\.transformer\.layers\.(\d+)\."


class SMPLestX(WholeBody):
    """Its prediction's extras, besides `pose`: hand_roots (B, 2, 3, 3), the turns of left and right wrist in
    the camera's frame, said by tokens of their own.
    """

    published: ClassVar = (
        (r"^smplx_layer\.", None),
        # layers that nothing reads, neither the body nor a loss
        (r"^decoder\.transformer\.to_token_embedding\.", None),
        (r"^decoder\.dec_(?:hand_cam|face_root_pose|face_cam)\.", None),
        (r"^decoder\.transformer\.pos_embedding$", "decoder.embedding"),
        (_LAYER + r"(\d)\.norm\.", r"decoder.layers.\1.norms.\2."),
        (_LAYER + r"0\.fn\.to_", r"decoder.layers.\1.self_attention."),
        (_LAYER + r"1\.fn\.to_", r"decoder.layers.\1.cross_attention."),
        (r"(_attention\.)out\.0\.", r"\1proj."),
        (_LAYER + r"2\.fn\.net\.0\.", r"decoder.layers.\1.linear1."),
        (_LAYER + r"2\.fn\.net\.3\.", r"decoder.layers.\1.linear2."),
        (r"^decoder\.token_conv\.", "regressor.token_conv."),
        (r"^decoder\.dec_body_(root_pose|pose|shape|cam)\.", r"regressor.\1."),
        (r"^decoder\.dec_hand_root_pose\.", "regressor.hand_roots."),
        (r"^decoder\.dec_hand_pose\.", "regressor.hands."),
        (r"^decoder\.dec_face_(expression|jaw_pose)\.", r"regressor.\1."),
    )

    def __init__(
        self, encoder: str | Size = "huge", checkpointing: bool = False, free: Free = "never"
    ) -> None:
        """`encoder`: "huge" as published, another name or one's own Size. Others: see ViT and WholeBody."""
        super().__init__(free)
        self.encoder = ViT(encoder, TOKENS, checkpointing)
        self.decoder = TokenDecoder(self.encoder.width)
        self.regressor = TokenRegressor(self.encoder.width)

    def forward(self, inputs: Inputs) -> Prediction:
        tokens, features = self.encoder(self.image(inputs))
        tokens = self.decoder(tokens, features.flatten(2).mT)
        turns, betas, camera, hand_roots, hands, expression, jaw = self.regressor(tokens)
        hand_pose = axis_angle_from_6d(hands).unflatten(1, (2, -1))
        extras = {"hand_roots": matrix_from_6d(hand_roots)}
        return self.predict(turns, jaw, hand_pose, betas, expression, camera, extras)

    @classmethod
    def variant(cls, state: Mapping[str, Tensor]) -> str | None:
        places = state.get("encoder.pos_embed")
        size = None if places is None else size_of(places.shape[-1])
        return f"SMPLestX(encoder='{size}')" if size and "decoder.embedding" in state else None


class TokenDecoder(nn.Module):
    """Tokens and patches think together, six times looking at the encoder's patches again."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.randn(1, 1, width))
        self.layers = nn.ModuleList(DecoderLayer(width) for _ in range(LAYERS))

    def forward(self, tokens: Tensor, patches: Tensor) -> Tensor:
        """(B, T, C), (B, N, C) -> (B, T, C): what is thought of the tokens."""
        thoughts = torch.cat([tokens, patches], 1) + self.embedding
        for layer in self.layers:
            thoughts = layer(thoughts, patches)
        return thoughts[:, : tokens.shape[1]]


class DecoderLayer(nn.Module):
    """A norm before each of the three, a shortcut beside it; the memory is not normed (published)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.self_attention = SelfAttention(width, HEADS, HEAD_WIDTH, bias=False)
        self.cross_attention = CrossAttention(width, HEADS, HEAD_WIDTH, bias=False)
        self.linear1, self.linear2 = Linear(width, width, gelu=True), Linear(width, width)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        """(B, N, C), (B, M, C) -> (B, N, C)."""
        tokens = self.self_attention(self.norms[0](tokens)) + tokens
        tokens = self.cross_attention(self.norms[1](tokens), memory) + tokens
        return self.linear2(self.linear1(self.norms[2](tokens))) + tokens


class TokenRegressor(nn.Module):
    """Each group of tokens says its own numbers, in one linear layer."""

    def __init__(self, width: int) -> None:
        super().__init__()

        def reads(tokens: slice, outputs: int) -> nn.Linear:
            return nn.Linear((tokens.stop - tokens.start) * FEATURES, outputs)

        self.token_conv = nn.Linear(width, FEATURES)
        self.root_pose, self.pose = reads(ROOT, 6), reads(BODY, 21 * 6)
        self.shape, self.cam = reads(SHAPE, 10), reads(CAMERA, 3)
        self.hand_roots, self.hands = reads(HAND_ROOTS, 2 * 6), reads(HANDS, 2 * 15 * 6)
        self.expression, self.jaw_pose = reads(EXPRESSION, 10), reads(JAW, 6)

    @in_float32
    def forward(self, tokens: Tensor) -> tuple[Tensor, ...]:
        """(B, 80, C) -> turns (B, 22, 6), betas (B, 10), camera (B, 3), hand roots (B, 2, 6),
        hands (B, 30, 6) left first, expression (B, 10), jaw (B, 6); turns in the 6D form.
        """
        tokens = self.token_conv(tokens)

        def read(layer: nn.Linear, group: slice) -> Tensor:
            return layer(tokens[:, group].flatten(1))

        turns = torch.cat([read(self.root_pose, ROOT), read(self.pose, BODY)], 1).unflatten(1, (22, 6))
        return (
            turns,
            read(self.shape, SHAPE),
            read(self.cam, CAMERA),
            read(self.hand_roots, HAND_ROOTS).unflatten(1, (2, 6)),
            read(self.hands, HANDS).unflatten(1, (30, 6)),
            read(self.expression, EXPRESSION),
            read(self.jaw_pose, JAW),
        )
