"""Symmetric half-edge collapse: fewer vertices, each one of the original, and the mirror image kept exact.

Garland and Heckbert's quadrics (1997) say which edge costs least. An edge's start moves onto its end, so
what the vertices carry (weights, shapes, any person) is carried over by picking rows. Edges off the middle
collapse in pairs.
"""

from __future__ import annotations

import heapq

import numpy as np

_LENGTH_COST = 2e-4  # keeps triangles even where the surface is flat and the quadrics are silent
_LARGEST_RING = 11
_SMALLEST_COSINE = 0.35  # by how much a triangle may turn
_THINNEST = 0.06  # twice a triangle's area over its longest edge squared


def decimate(
    vertices: np.ndarray, faces: np.ndarray, twin: np.ndarray, weight: np.ndarray, target: int
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 3), (F, 3), (N,), (N,) -> (target,) the vertices kept, in order, and (F', 3) their faces.

    `weight` makes a vertex dearer. Raises ValueError where no allowed collapse leads to `target`.
    """
    mesh = _Mesh(vertices, faces, weight)
    queue: list[tuple[float, int, int, int]] = []
    version = np.zeros(len(vertices), int)

    def push(start: int) -> None:
        for end in mesh.ring(start):
            to_itself = twin[end] == start
            off_the_middle = twin[start] == start and twin[end] != end
            if not (to_itself or off_the_middle):
                heapq.heappush(queue, (mesh.cost(start, end), start, end, version[start]))

    for start in range(len(vertices)):
        if twin[start] >= start:
            push(start)
    count = len(vertices)
    while count > target:
        if not queue:
            raise ValueError(
                f"The mesh cannot be reduced to {target} vertices; {count} are as few as it allows."
            )
        _, start, end, seen = heapq.heappop(queue)
        if not mesh.alive[start] or version[start] != seen or end not in mesh.ring(start):
            continue
        gone = _collapse(mesh, start, end, twin, count - target)
        if gone:
            count -= gone
            touched = mesh.ring(end) | {end} | mesh.ring(twin[end]) | {twin[end]}
            touched = {min(vertex, twin[vertex]) for vertex in touched}
            for vertex in touched:
                version[vertex] += 1
                push(vertex)
    return mesh.result()


def _collapse(mesh: _Mesh, start: int, end: int, twin: np.ndarray, most: int) -> int:
    """How many vertices went: 1 on the middle, 2 with the twin's edge, 0 where it is not allowed."""
    start_twin, end_twin = twin[start], twin[end]
    if start_twin == start:
        return int(mesh.try_collapse(start, end) is not None)
    if most < 2 or end_twin == start or start_twin in mesh.ring(start):
        return 0
    undo = mesh.try_collapse(start, end)
    if undo is None:
        return 0
    if mesh.try_collapse(start_twin, end_twin) is None:  # the two meet at the middle
        mesh.restore(start, end, undo)
        return 0
    return 2


class _Mesh:
    """A mesh that can lose vertices, with their quadrics."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, weight: np.ndarray) -> None:
        self._vertices, self._weight = vertices, weight
        self._faces = [[int(k) for k in face] for face in faces]
        self._face_alive = np.ones(len(faces), bool)
        self._around: list[set[int]] = [set() for _ in vertices]  # the faces at each vertex
        self.alive = np.ones(len(vertices), bool)
        self._quadrics = np.zeros((len(vertices), 4, 4))
        for number, face in enumerate(self._faces):
            quadric = _plane_quadric(vertices[face])
            for k in face:
                self._around[k].add(number)
                self._quadrics[k] += quadric

    def ring(self, vertex: int) -> set[int]:
        """The vertices that share an edge with this one."""
        return {k for face in self._around[vertex] for k in self._faces[face]} - {vertex}

    def cost(self, start: int, end: int) -> float:
        point = np.append(self._vertices[end], 1.0)
        squared = ((self._vertices[start] - self._vertices[end]) ** 2).sum()
        error = point @ (self._quadrics[start] + self._quadrics[end]) @ point
        return float((error + _LENGTH_COST * squared**1.5) * max(self._weight[start], self._weight[end]))

    def try_collapse(self, start: int, end: int) -> tuple[dict[int, list[int]], np.ndarray] | None:
        """Move `start` onto `end`; what `restore` needs, or None where the mesh would suffer."""
        if not self._allowed(start, end):
            return None
        before = {face: list(self._faces[face]) for face in self._around[start]}
        undo = before, self._quadrics[end].copy()
        for number, face in before.items():
            if end in face:
                self._face_alive[number] = False
                for k in face:
                    self._around[k].discard(number)
            else:
                self._faces[number] = [end if k == start else k for k in face]
                self._around[end].add(number)
        self._around[start].clear()
        self.alive[start] = False
        self._quadrics[end] = self._quadrics[end] + self._quadrics[start]
        return undo

    def restore(self, start: int, end: int, undo: tuple[dict[int, list[int]], np.ndarray]) -> None:
        """Take back the last collapse."""
        before, quadric = undo
        for number, face in before.items():
            for k in self._faces[number]:
                self._around[k].discard(number)
            self._faces[number], self._face_alive[number] = face, True
            for k in face:
                self._around[k].add(number)
        self.alive[start] = True
        self._quadrics[end] = quadric

    def _allowed(self, start: int, end: int) -> bool:
        """The surface stays closed and manifold, its triangles well-shaped and facing as they did."""
        around = self._around[start]
        common = [face for face in around if end in self._faces[face]]
        start_ring, end_ring = self.ring(start), self.ring(end)
        if len(start_ring & end_ring) != 2 or len(common) != 2:
            return False
        if len(start_ring) + len(end_ring) - 4 > _LARGEST_RING:
            return False
        others = (self._faces[face] for face in around if end not in self._faces[face])
        return all(self._stays_well_shaped(face, start, end) for face in others)

    def _stays_well_shaped(self, face: list[int], start: int, end: int) -> bool:
        before = self._vertices[face]
        after = self._vertices[[end if k == start else k for k in face]]
        old = np.cross(before[1] - before[0], before[2] - before[0])
        new = np.cross(after[1] - after[0], after[2] - after[0])
        old_area, new_area = np.linalg.norm(old), np.linalg.norm(new)
        if new_area < 1e-12 or old @ new < _SMALLEST_COSINE * old_area * new_area:
            return False
        longest = max(np.linalg.norm(after[k] - after[k - 1]) for k in range(3))
        return bool(new_area >= _THINNEST * longest**2)

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        kept = np.flatnonzero(self.alive)
        place = np.full(len(self.alive), -1)
        place[kept] = np.arange(len(kept))
        faces = [face for face, alive in zip(self._faces, self._face_alive, strict=True) if alive]
        return kept, place[np.array(faces)]


def _plane_quadric(corners: np.ndarray) -> np.ndarray:
    """(3, 3) -> (4, 4): squared distances from the triangle's plane, times its area."""
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    length = np.linalg.norm(normal)
    if length < 1e-14:
        return np.zeros((4, 4))
    normal = normal / length
    plane = np.append(normal, -normal @ corners[0])
    return np.outer(plane, plane) * length * 0.5
