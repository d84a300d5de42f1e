"""The one-stage network that OSX and SMPLer-X are: one encoder for body, hands and face."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from common.body_models.files import Free
from common.networks.backbones.vit import Size, ViT, size_of
from common.networks.heads import body, hands
from common.networks.heads.boxes import BoxHead
from common.networks.heads.keypoint_decoder import DecoderLayer
from common.networks.heads.positions import PositionHead
from common.networks.whole_body import CELL, WholeBody
from common.structures import Inputs, Prediction

DEPTH = 16  # cells of the body's volume along z
AT_REST, FACING = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0), (1.0, 0.0, 0.0, -1.0, 0.0, 0.0)  # in the 6D form

PUBLISHED: tuple[tuple[str, str | None], ...] = (
    (r"^smplx_layer\.", None),
    (r"^backbone\.", "encoder."),  # an older name
    (r"^(body|hand)_rotation_net\.", r"\1_regressor."),  # and two more
    (r"^(box_net\.)lhand_size\.", r"\1sizes.left_hand."),
    (r"^(box_net\.)rhand_size\.", r"\1sizes.right_hand."),
    (r"^(box_net\.)face_size\.", r"\1sizes.face."),
    (r"^(box_net\.bbox_center|.*_(?:position|roi)_net\.conv|face_regressor\.conv)\.0\.", r"\1."),
    (r"^(.*_regressor\.(?:body_conv|joint_conv|\w+_out))\.0\.", r"\1."),
    (r"^(hand|face)_position_net\.(?:hand|face)_conv\.", r"\1_position_net.features."),
    (r"^hand_", "hands."),
    (r"^face_", "face."),
)


class OneStage(WholeBody):
    """Encoder, body, part boxes; a subclass says which networks read hands and face.

    Its prediction's extras, besides `pose`:

        part_centers    (B, 3, 2) left hand, right hand, face: as supervised, in pixels of the view
        part_sizes      (B, 3, 2) likewise
        part_boxes      (B, 3, 4) made of both: square, with room around the part, without gradient, in pixels
        positions       (B, 65, 3) where heat maps see the first 65 joints, in cells: the body's 25 in its map
                        of 12 x 16 x 16, then each hand's 20, left first, in its box's 16 x 16 x 16
        positions_2d    (B, 65, 2) the same in pixels of the view
        face_positions  (B, 72, 3) in cells of the face box's 8 x 8 x 8; only where a decoder reads the face

    A cell of a part's volume is that fraction of its box; the body's is 32 pixels, counted from the corner.
    """

    def __init__(
        self, encoder: str | Size, hands: nn.Module, face: nn.Module, checkpointing: bool, free: Free
    ) -> None:
        super().__init__(free)
        self.encoder = ViT(encoder, body.TOKENS, checkpointing)
        width = self.encoder.width
        self.body_position_net = PositionHead(width, body.JOINTS, DEPTH)
        self.body_regressor = body.BodyRegressor(width)
        self.box_net = BoxHead(width + body.JOINTS * DEPTH)
        self.hands, self.face = hands, face
        for module in (self.body_position_net, self.body_regressor, self.box_net, hands, face):
            module.apply(start)
        stand(self)

    def forward(self, inputs: Inputs) -> Prediction:
        tokens, features = self.encoder(self.image(inputs))
        positions, volume = self.body_position_net(features)
        turns, betas, camera = self.body_regressor(tokens, positions)
        centers, sizes = self.box_net(features, volume.detach())
        boxes = self.box_net.boxes(centers, sizes)
        hand_positions, hand_pose = self.hands(features, boxes[:, :2])
        expression, jaw, seen = self.face(tokens, features, boxes[:, 2:])
        extras = {
            "part_centers": centers * CELL,
            "part_sizes": sizes * CELL,
            "part_boxes": boxes * CELL,
            "positions": torch.cat([positions, hand_positions.flatten(1, 2)], 1),
            "positions_2d": in_view(positions, hand_positions, boxes),
            **seen,
        }
        return self.predict(turns, jaw, hand_pose, betas, expression, camera, extras)


def in_view(body: Tensor, both_hands: Tensor, boxes: Tensor) -> Tensor:
    """Positions in cells, (B, 25, 3) of the body and (B, 2, 20, 3) of the hands in their boxes (B, 3, 4)
    -> (B, 65, 2) pixels of the view.
    """
    corners, sides = boxes[:, :2, None, :2], boxes[:, :2, None, 2:] - boxes[:, :2, None, :2]
    in_boxes = both_hands[..., :2] / hands.CELLS * sides + corners
    return torch.cat([body[..., :2], in_boxes.flatten(1, 2)], 1) * CELL


def start(module: nn.Module) -> None:
    """The values that a head begins training with (published)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=0.001)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
    elif isinstance(module, DecoderLayer):
        module.start()
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def stand(network: nn.Module) -> None:
    """Let rotations begin at rest, before the camera.

    Published: at random, as small weights of many features and of places up to 16 make it; from there limbs
    come to lie where joints are annotated, but twisted about themselves.
    """
    for name, module in network.named_modules():
        if name.endswith("pose_out"):
            turn = FACING if name.endswith("root_pose_out") else AT_REST
            with torch.no_grad():
                module.weight.zero_()
                module.bias.copy_(torch.tensor(turn).repeat(module.out_features // 6))


def variant(state: Mapping[str, Tensor], plain: str = "OSX") -> str | None:
    """The constructor call that tensors under our names look like; `plain` is the system without decoders."""
    places = state.get("encoder.pos_embed")
    size = None if places is None else size_of(places.shape[-1])
    if size is None:
        return None
    if not any(name.startswith("box_net.") for name in state):
        return f"an encoder of size '{size}' alone: load it as the part 'encoder'"
    hand, face = (any(name.startswith(f"{part}.decoder.") for name in state) for part in ("hands", "face"))
    if plain != "OSX" and not hand and not face:
        return f"{plain}(encoder='{size}')"
    return f"OSX(encoder='{size}', hand_decoder={hand}, face_decoder={face})"
