"""The encoder's sizes, its tokens, and what training changes in it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import interpolate

from common.networks.backbones.vit import SIZES, Block, Size, ViT

TINY = Size(32, 3, 2, 0.4)
# of SMPLer-X's encoders, 31 task tokens included
PARAMETERS = {"small": 21_675_648, "base": 85_818_624, "large": 303_328_256, "huge": 630_951_680}


@pytest.mark.parametrize("size", SIZES)
def test_each_size_has_the_published_number_of_parameters(size: str) -> None:
    with torch.device("meta"):
        encoder = ViT(size)
    assert sum(parameter.numel() for parameter in encoder.parameters()) == PARAMETERS[size]


def test_tokens_come_before_patches_and_know_all_of_the_picture() -> None:
    torch.manual_seed(0)
    encoder, image = ViT(TINY, tokens=5).eval(), torch.rand(2, 3, 256, 192)
    tokens, features = encoder(image)
    assert tokens.shape == (2, 5, 32) and features.shape == (2, 32, 16, 12)
    changed = image.clone()
    changed[0, :, 200:, 100:] += 1.0
    with torch.no_grad():
        other, _ = encoder(changed)
    assert not torch.allclose(other[0], tokens[0], atol=1e-5)
    assert torch.allclose(other[1], tokens[1], atol=1e-6)


def test_training_from_scratch_begins_where_pictures_differ() -> None:
    torch.manual_seed(0)
    encoder = ViT(TINY)
    grey = encoder.patch_embed(torch.full((1, 3, 256, 192), 0.5)).unflatten(1, (16, 12))
    torch.testing.assert_close(grey[:, 1:, 1:], torch.zeros(1, 15, 11, 32), rtol=0, atol=1e-5)  # no padding
    pictures = interpolate(0.5 + 0.15 * torch.randn(8, 3, 8, 6), (256, 192), mode="bilinear")
    tokens, _ = encoder.eval()(pictures)
    assert (tokens - tokens.mean(0)).norm() > 0.1 * tokens.norm()  # 0.03 with no bias


def test_patches_lie_row_by_row_and_begin_two_pixels_early() -> None:
    torch.manual_seed(0)
    embed, image = ViT(TINY).patch_embed, torch.rand(1, 3, 256, 192)
    brighter = image.clone()
    brighter[:, :, 16 * 9 - 2 : 16 * 10 - 2, 16 * 4 - 2 : 16 * 5 - 2] += 1.0
    with torch.no_grad():
        moved = (embed(brighter) - embed(image)).abs().sum(-1)[0]
    assert moved.nonzero().flatten().tolist() == [9 * 12 + 4]


def test_a_block_is_skipped_by_some_samples_in_training_alone() -> None:
    torch.manual_seed(0)
    block, tokens = Block(32, 2, drop_path=0.5), torch.randn(64, 4, 32)
    whole = block.eval()(tokens) - tokens
    change = block.train()(tokens) - tokens
    skipped = change.abs().amax((1, 2)) == 0
    assert 4 < skipped.sum() < 60 - 4
    assert not (whole.abs().amax((1, 2)) == 0).any()


def test_what_is_left_of_a_change_makes_up_for_what_was_skipped() -> None:
    torch.manual_seed(0)
    change = Block(8, 2, drop_path=0.25).train().sometimes(torch.ones(4000, 1, 1))
    assert torch.allclose(change.unique(), torch.tensor([0.0, 4 / 3]))
    assert change.mean().item() == pytest.approx(1, abs=0.03)


def test_the_last_block_is_skipped_most_the_first_never() -> None:
    chances = [block.drop_path for block in ViT(TINY).blocks]
    assert chances == pytest.approx([0, 0.2, 0.4])


def test_checkpointing_changes_memory_and_nothing_else() -> None:
    torch.manual_seed(0)
    size = Size(32, 3, 2, 0.0)
    encoder, image = ViT(size, tokens=2).train(), torch.rand(1, 3, 256, 192)
    frugal = ViT(size, tokens=2, checkpointing=True).train()
    frugal.load_state_dict(encoder.state_dict())
    for network in (encoder, frugal):
        tokens, features = network(image)
        (tokens.square().sum() + features.square().sum()).backward()
    for ours, theirs in zip(encoder.parameters(), frugal.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-5)


def test_an_unknown_size_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no 'giant' encoder; choose one of small, base, large, huge"):
        ViT("giant")
