"""The nearest face of every pixel, in plain torch on any device.

  coverage  a pixel is covered where its center lies inside a triangle or exactly on an edge, in float32;
            either winding is drawn. Centers are whole numbers, as in the whole house; to match a renderer
            whose centers lie at a half, move the points by minus half a pixel.
  depth     perspective-correct: 1/z is linear over the picture. The nearer face wins, at equal depth the one
            of lower index.
  dropped   faces with a corner at or before the near plane (none is clipped), without area, or not finite.

An edge function is computed from corner minus pixel, so that it is exactly opposite in two triangles that
share the edge: no pixel on a shared edge is missed by both.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

NEAR = 0.01  # meters
_EMPTY = 0x7F800000_FFFFFFFF  # the key of infinite depth and face -1; outside a triangle the key is greater
# How much is worked on at once: what stays in a core's cache, or else what fills an accelerator.
_FACES, _FACES_ON_DEVICE = 1 << 17, 1 << 22
_CANDIDATES, _CANDIDATES_ON_DEVICE = 1 << 16, 1 << 24
_WASTE = 1 << 14  # candidates outside all triangles that cost as much as one more run of them


def nearest(
    points: Tensor, faces: Tensor, size: tuple[int, int], near: float = NEAR, culled: bool = False
) -> tuple[Tensor, Tensor]:
    """points (B, V, 3) pixels x, y and depth z; faces (F, 3); size (height, width) -> face, depth (B, h, w).

    The face is int64, -1 for none; its depth float32, infinite for none. `culled` leaves out faces that are
    seen from behind; from outside, a face's corners run counter-clockwise.
    """
    limit = _FACES if points.device.type == "cpu" else _FACES_ON_DEVICE
    at_once = max(1, limit // max(1, len(faces), size[0] * size[1] // 4))
    pieces = [_decoded(_buffer(some, faces, size, near, culled)) for some in points.float().split(at_once)]
    if len(pieces) == 1:
        return pieces[0]
    face, depth = zip(*pieces, strict=True)
    return torch.cat(face), torch.cat(depth)


def edges(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Corners minus pixel (3, ...) each -> twice the areas of the pixel with the edge opposite a corner."""
    (ax, bx, cx), (ay, by, cy) = x.unbind(0), y.unbind(0)
    return bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx


def _area(x: Tensor, y: Tensor) -> Tensor:
    """Corners (3, ...) each -> (...) twice the area; negative where the face looks at the camera."""
    return (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])


def _box(x: Tensor, y: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Corners (3, ...) each -> left, top, columns, rows of the pixel centers in the picture and the box."""
    left, top = x.amin(0).ceil_().clamp_(min=0), y.amin(0).ceil_().clamp_(min=0)
    columns = x.amax(0).floor_().clamp_(max=size[1] - 1).sub_(left).add_(1)
    rows = y.amax(0).floor_().clamp_(max=size[0] - 1).sub_(top).add_(1)
    return left, top, columns, rows


def _triangles(
    points: Tensor, faces: Tensor, size: tuple[int, int], near: float, culled: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The T triangles whose boxes hold pixel centers, by their boxes' longer side.

    -> that side (T,), sorted; body (T,); face (T,); corners' x, y, z (3, 3, T).
    """
    z = points[..., 2:]
    # Whatever is compared with not-a-number is false, so that the face is dropped.
    points = points.masked_fill(~((z > near) & z.isfinite()), float("nan"))
    planes = points.permute(2, 0, 1).flatten(0, 1).contiguous()  # (3 B, V)
    corners = planes.index_select(1, faces.T.flatten().long()).view(3, len(points), 3, len(faces))
    x, y, _ = corners.transpose(1, 2)
    _, _, columns, rows = _box(x, y, size)
    kept = (columns > 0) & (rows > 0)
    if culled:
        kept &= _area(x, y) < 0
    body, face = kept.nonzero().unbind(1)
    side = torch.maximum(columns, rows).flatten().index_select(0, body * len(faces) + face)
    side, order = side.int().sort()
    body, face = body.index_select(0, order), face.index_select(0, order)
    first = body * (3 * len(faces)) + face
    all_three = torch.cat([first, first + len(faces), first + 2 * len(faces)])
    return side, body, face, corners.flatten(1).index_select(1, all_three).view(3, 3, len(face))


def _groups(side: Tensor) -> Iterator[tuple[int, int]]:
    """Runs (start, stop) of like sorted sides: the triangles of a run are tested on grids of one size."""
    start, stop, least = 0, 0, 1
    for length, count in enumerate(side.bincount().tolist()):
        if (stop - start) * (length**2 - least**2) > _WASTE:
            yield start, stop
            start = stop
        least = length if stop == start else least
        stop += count
    if stop > start:
        yield start, stop


def _buffer(points: Tensor, faces: Tensor, size: tuple[int, int], near: float, culled: bool) -> Tensor:
    """(B, h, w) int64 keys: the depth's bits above the face's index; the least is the nearest face."""
    side, body, face, corners = _triangles(points, faces, size, near, culled)
    left, top, columns, rows = _box(corners[0], corners[1], size)
    buffer = torch.full((len(points) * size[0] * size[1],), _EMPTY, device=points.device)
    limit = _CANDIDATES if points.device.type == "cpu" else _CANDIDATES_ON_DEVICE
    for start, stop in _groups(side):
        wide, tall = int(columns[start:stop].max()), int(rows[start:stop].max())
        across = torch.arange(wide, device=points.device, dtype=torch.int32)[:, None]
        down = torch.arange(tall, device=points.device, dtype=torch.int32)[:, None, None]
        step = limit // (wide * tall)
        step = step if step >= 16 else 1  # a triangle alone is laid out along its pixels
        for some in range(start, stop, step):
            part = slice(some, min(some + step, stop))
            # The grid may exceed the triangle's box; moved inwards, it does not exceed the picture.
            column, row = left[part].clamp(max=size[1] - wide), top[part].clamp(max=size[0] - tall)
            place = (row.int() + body[part].int() * size[0]) * size[1] + column.int()
            for band in down.split(max(1, limit // wide)):
                key = _keys(corners[..., part], column + across, row + band, face[part])
                places = (band * size[1] + across + place).long()
                buffer.scatter_reduce_(0, places.flatten(), key.flatten(), "amin")
    return buffer.view(len(points), *size)


def _keys(corners: Tensor, column: Tensor, row: Tensor, face: Tensor) -> Tensor:
    """Corners (3, 3, T), pixels' columns (w, T) and rows (h, 1, T), face (T,) -> (h, w, T) keys.

    Outside the triangle the depth's bits are all ones. It is done in bits, since `where` is slow on a CPU.
    """
    x, y, z = corners
    mirror = _area(x, y).sign()  # what lies inside becomes positive, whatever the winding
    # Corner minus pixel is rounded once: else a shared edge would round another way in the next triangle.
    a, b, c = edges((x * mirror)[:, None, None] - column * mirror, y[:, None, None] - row)
    inside = torch.minimum(torch.minimum(a, b), c).add_(0.0)  # a negative zero would count as outside
    a_z, b_z, c_z = z.reciprocal()
    depth = (a + b).add_(c).div_(a.mul_(a_z).add_(b.mul_(b_z)).add_(c.mul_(c_z)))
    bits = (inside.view(torch.int32) >> 31).bitwise_or_(depth.view(torch.int32)).bitwise_and_(0x7FFFFFFF)
    return bits.long().bitwise_left_shift_(32).bitwise_or_(face)


def _decoded(key: Tensor) -> tuple[Tensor, Tensor]:
    """Keys -> faces, the lower half with its sign, and depths, the upper half's bits."""
    return key.int().long(), (key >> 32).int().view(torch.float32)
