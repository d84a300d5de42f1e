"""Attention of few tokens to many features is attention, and looks around joints where they are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from common.networks.layers.decoupled_attention import Attention, Layer
from common.networks.layers.neighborhood import at_places, neighborhood

WIDTH, HEADS = 16, 4


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def usual(attention: Attention, tokens: Tensor, features: Tensor, bias: Tensor | None) -> Tensor:
    """The same by keys and values made of every feature."""
    layers = (attention.query, tokens), (attention.key, features), (attention.value, features)
    heads = [layer(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for layer, x in layers]
    return attention.proj(scaled_dot_product_attention(*heads, attn_mask=bias).transpose(1, 2).flatten(2))


def test_queries_taken_to_features_see_what_keys_and_values_of_them_show() -> None:
    torch.manual_seed(0)
    attention = Attention(WIDTH, HEADS)
    tokens, features = drawn(2, 3, WIDTH).requires_grad_(), drawn(2, 50, WIDTH, seed=1).requires_grad_()
    learned = [tokens, features, *attention.parameters()]
    for bias in (None, drawn(2, HEADS, 3, 50, seed=2)):
        ours, theirs = attention(tokens, features, bias), usual(attention, tokens, features, bias)
        torch.testing.assert_close(ours, theirs)
        slopes = [torch.autograd.grad(each.square().sum(), learned) for each in (ours, theirs)]
        for mine, other in zip(*slopes, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=2e-5)


def test_tokens_do_not_see_the_order_of_features() -> None:
    torch.manual_seed(0)
    layer = Layer(WIDTH, HEADS).eval()
    tokens, features = drawn(2, 3, WIDTH), drawn(2, 50, WIDTH, seed=1)
    torch.testing.assert_close(layer(tokens, features), layer(tokens, features.flip(1)))


def test_without_features_tokens_look_at_each_other() -> None:
    torch.manual_seed(0)
    layer = Layer(WIDTH, HEADS).eval()
    tokens = drawn(1, 3, WIDTH)
    torch.testing.assert_close(layer(tokens), layer(tokens, layer.norm1(tokens)))
    changed = tokens + torch.eye(3)[2][None, :, None] * drawn(1, 1, WIDTH, seed=3)  # the last one alone
    assert not torch.allclose(layer(tokens)[:, 0], layer(changed)[:, 0])


def test_dropout_is_for_training_alone() -> None:
    layer = Layer(WIDTH, HEADS, dropout=0.5)
    tokens = drawn(1, 3, WIDTH)
    assert torch.equal(layer.eval()(tokens), layer(tokens))
    layer.train()
    assert not torch.equal(layer(tokens), layer(tokens))


def test_cells_around_a_point_are_those_next_to_it() -> None:
    points = torch.tensor([[[10.3, 20.8]]])
    places, offsets = neighborhood(points, (32, 48), radius=2)
    x, y = places % 48, places // 48
    assert x.unique().tolist() == [9, 10, 11, 12] and y.unique().tolist() == [19, 20, 21, 22]
    assert x[0, 0, :4].tolist() == [9] * 4  # column by column
    torch.testing.assert_close(offsets * 2 + points[:, :, None], torch.stack([x, y], -1).float())


def test_beyond_the_border_the_nearest_cells_count() -> None:
    points = torch.tensor([[[-9.0, 40.0], [0.0, 31.0]]])
    places, offsets = neighborhood(points, (32, 48), radius=2)
    assert places[0, 0].unique().tolist() == [31 * 48]
    torch.testing.assert_close(offsets[0, 0, 0], torch.tensor([4.5, -4.5]))
    assert (places[0, 1] % 48).unique().tolist() == [0, 1, 2]


def test_features_are_read_where_places_say_and_places_learn_from_offsets() -> None:
    features, points = drawn(2, 30, 3), (drawn(2, 4, 2, seed=1) + 2).requires_grad_()
    places, offsets = neighborhood(points, (5, 6), radius=1)
    read = at_places(features, places)
    assert torch.equal(read[1, 2, 3], features[1, places[1, 2, 3]])
    offsets.sum().backward()
    torch.testing.assert_close(points.grad, torch.full_like(points, -4.0))
