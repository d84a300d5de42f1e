"""Of a mask remains what is the person's."""

from __future__ import annotations

import numpy as np

from demo.detectors.silhouettes import own_pieces


def pieces(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """(100, 120) with blocks x0, y0, x1, y1."""
    mask = np.zeros((100, 120), bool)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    return mask


def points(*places: tuple[float, float, float]) -> np.ndarray:
    return np.array(places).reshape(-1, 3)


BODY, FOOT, SPECK, NEIGHBOR = (30, 10, 60, 80), (40, 90, 46, 96), (110, 2, 113, 4), (80, 10, 110, 80)


def test_specks_go_and_what_holds_a_point_stays() -> None:
    mask = pieces(BODY, FOOT, SPECK)
    found = own_pieces(mask, points((45, 40, 0.9), (43, 93, 0.9), (111, 3, 0.2)))
    np.testing.assert_array_equal(found, pieces(BODY, FOOT))


def test_a_large_piece_stays_without_a_point() -> None:
    mask = pieces(BODY, (70, 10, 90, 30))
    np.testing.assert_array_equal(own_pieces(mask, points((45, 40, 0.9))), mask)


def test_where_no_point_lies_in_any_the_largest_is_the_persons() -> None:
    mask = pieces(BODY, SPECK)
    for nowhere in (points(), points((5, 5, 0.9)), points((500, -7, 0.9))):
        np.testing.assert_array_equal(own_pieces(mask, nowhere), pieces(BODY))


def test_one_piece_or_none_is_kept_as_it_is() -> None:
    for mask in (pieces(), pieces(NEIGHBOR)):
        np.testing.assert_array_equal(own_pieces(mask, points((45, 40, 0.9))), mask)
