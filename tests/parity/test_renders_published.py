"""Part renders of STRAPS, made by the published renderer's own kernels, pixel by pixel."""

from pathlib import Path

import numpy as np
import pytest
import torch

from common.rendering import compiled
from common.rendering.rasterizer import part_labels, visible_faces

# Two stand-in bodies (one with noise on its vertices) seen by the published camera, in pixels whose centers
# lie at a half; a part 1..6 per face; the published 256 x 256 label maps.
RENDERS = Path(__file__).parent / "renders.npz"


@pytest.mark.parametrize("fast", [False, True])
def test_no_pixel_differs_from_the_published_renderer(fast):
    if fast and not compiled.installed():
        pytest.skip("the optional package numba is not installed")
    with np.load(RENDERS) as stored:
        points = torch.from_numpy(stored["points"]) - torch.tensor([0.5, 0.5, 0.0])
        faces, labels = (torch.from_numpy(stored[name].astype(np.int64)) for name in ("faces", "labels"))
        published = stored["published"]
    drawn = part_labels(visible_faces(points, faces, (256, 256), near=0.1, fast=fast), labels)
    assert (published > 0).sum() > 5000
    np.testing.assert_array_equal(drawn.numpy(), published)
