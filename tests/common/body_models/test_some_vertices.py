"""A few vertices posed alone are where the whole body has them; which ones are chosen is read off files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

from common.body_models.downsampling import chosen_by, sampled_vertices
from common.body_models.flame import FLAME
from common.body_models.mano import MANO
from common.body_models.some_vertices import SomeVertices
from common.geometry.rotation import matrix_from_axis_angle
from common.structures import BodyParams


@pytest.mark.parametrize("kind", [MANO, FLAME])
@pytest.mark.parametrize("learning", [False, True])
def test_they_are_those_of_the_whole_body(human_model_files: Path, kind: type, learning: bool) -> None:
    torch.manual_seed(0)
    body = kind(betas=7)
    layout = body.layout
    turns = matrix_from_axis_angle(0.5 * torch.randn(3, len(layout.joints), 3))
    params = BodyParams(turns, torch.randn(3, 7), torch.randn(3, layout.expression))
    chosen = torch.tensor([700, 3, 3, 41])
    with torch.set_grad_enabled(learning):
        found, whole = SomeVertices(body, chosen)(params), body(params).vertices[:, chosen]
    torch.testing.assert_close(found, whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("family", "count"), [("smpl", 431), ("mano", 195), ("flame", 708)])
def test_the_published_choices_are_read(human_model_files: Path, family: str, count: int) -> None:
    chosen = sampled_vertices(family)
    assert chosen.shape == (count,) and chosen.dtype == torch.int64
    assert len(chosen.unique()) == count


def test_a_choice_of_two_steps_is_the_choice_of_a_choice(tmp_path: Path) -> None:
    (tmp_path / "mano").mkdir()
    down = np.empty(2, object)
    rows = np.arange(195)
    down[:] = [scipy.sparse.coo_matrix((np.ones(195), (rows, 3 * rows + 1)), (195, 778)), None]
    np.savez(tmp_path / "mano" / "mano_downsampling.npz", D=down)
    assert sampled_vertices("mano", tmp_path).tolist() == (3 * rows + 1).tolist()


def test_a_missing_choice_says_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"flame_downsampling\.npy is missing: it comes from .*PyMAF-X"
    ):
        sampled_vertices("flame", tmp_path)


def test_a_choice_of_another_length_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flame").mkdir()
    np.save(tmp_path / "flame" / "flame_downsampling.npy", np.arange(5))
    with pytest.raises(ValueError, match="chooses 5 vertices, not 708"):
        sampled_vertices("flame", tmp_path)


def test_a_matrix_that_mixes_vertices_chooses_none() -> None:
    picks = torch.zeros(2, 4)
    picks[0, 3] = picks[1, 1] = 1
    assert chosen_by(picks, "It").tolist() == [3, 1]
    with pytest.raises(ValueError, match="It does not pick one vertex a row"):
        chosen_by(picks + torch.eye(2, 4) / 2, "It")
