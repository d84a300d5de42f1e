"""What of a mask belongs to the person whose points were read."""

from __future__ import annotations

import cv2
import numpy as np

SEEN = 0.5  # confidence from which on a point counts as seen
SMALL = 0.05  # of the largest piece: a smaller one is the person's where a point of theirs lies in it


def own_pieces(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(H, W) bool, (J, 3) points in pixels with confidence -> (H, W) bool without what is someone else's.

    Kept are the pieces in which a seen point lies, and those that are not small beside the largest of these;
    where no point lies in any, the largest. A speck at the picture's rim would otherwise say how large the
    person is.
    """
    count, labels, numbers, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    sizes = numbers[:, cv2.CC_STAT_AREA].copy()
    sizes[0] = 0  # what is no mask
    seen = np.rint(points[points[:, 2] > SEEN, :2]).astype(int)
    height, width = mask.shape
    inside = ((seen >= 0) & (seen < [width, height])).all(1)
    hit = np.zeros(count, bool)
    hit[labels[seen[inside, 1], seen[inside, 0]]] = True
    hit[0] = False
    if not hit.any():
        return labels == sizes.argmax()
    return (hit | (sizes > SMALL * sizes[hit].max()))[labels]
