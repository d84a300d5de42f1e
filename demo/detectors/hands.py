"""Hands: looked for where the body says its wrists are, read by MediaPipe's networks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from common.joints import COCO_WHOLE_BODY_133
from demo.detectors import hand_landmarks, palm_detector, squares
from demo.detectors.looking import Looking
from demo.detectors.weights import load

Array = np.ndarray
SIDES = ("left", "right")
ARM = {
    side: list(
        COCO_WHOLE_BODY_133.indices(
            tuple(f"{side}_{name}" for name in ("elbow", "wrist", "index_1", "pinky_1"))
        )
    )
    for side in SIDES
}
SEEN = 0.2  # confidence of a wrist from which on its hand is looked for, of knuckles from which on they count
SMALLEST = 10.0  # pixels: no smaller hand is looked for
OF_FOREARM, OF_PALM = 0.6, 2.4  # length of a hand, in lengths of the forearm, and from wrist to knuckles
REACH = 0.4  # from the wrist to the middle of a hand, in lengths
ROOM, SEARCH_ROOM = 1.6, 2.2  # squares around where the body says a hand is, in lengths of a hand
SURE = 0.8  # trust from which on the palm detector is not asked
PALM = 0.4  # score from which on a palm counts
AGAIN = 0.1  # trust from which on a hand is read again, in a square that fits what was read
NEAR, FAR = 0.4, 0.8  # lengths of a hand from the body's wrist to that read: all right, and another's hand
UNFIT = 0.25  # probability of the arm's side below which a hand is trusted less
TWINS = 0.3  # sizes of a hand: two hands that lie closer are one
PALM_ROOM, PALM_SHIFT = 2.6, 0.5  # published: square of a hand, in sizes of the palm's box
HAND_ROOM, HAND_SHIFT = 2.0, 0.1  # published: the same, in sizes of the box around all but the tips
BUT_TIPS = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18]
POINTING = [6, 10, 10, 14]  # published: from the root to the mean of these is up


@dataclass(frozen=True)
class _Arm:
    """Where the body says that a hand is."""

    person: int
    side: int  # 0 left, 1 right
    wrist: Array  # (2,)
    up: Array  # (2,) from the wrist to the fingers
    length: float

    @property
    def middle(self) -> Array:
        return self.wrist + REACH * self.length * self.up / max(float(np.hypot(*self.up)), 1e-9)


@dataclass(frozen=True)
class _Hand:
    """What was read at the end of an arm."""

    points: Array  # (21, 2)
    trust: float  # 0..1 that it is this arm's hand
    fitting: float  # 0..1 that it is a hand of that side, by its looks alone

    @property
    def size(self) -> float:
        return float(np.ptp(self.points, 0).max())


class Hands:
    """The two networks and what surrounds them; coordinates are pixels, 0 being the edge of the picture."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        palms = load(palm_detector.PalmNetwork(), "palm_detector", device)
        landmarks = load(hand_landmarks.HandNetwork(), "hand_landmarks", device)
        self.palms = Looking(palms, palm_detector.SIZE, device)
        self.landmarks = Looking(landmarks, hand_landmarks.SIZE, device)

    def __call__(self, image: Array, bodies: Array) -> Array:
        """(H, W, 3) uint8 RGB, COCO_WHOLE_BODY_133 (N, 133, 3) -> (N, 2, 21, 3): left hands, right hands.

        A side is the arm's, whatever the hand looks like. Confidence 0: not looked for, or another's.
        """
        hands = np.zeros((len(bodies), len(SIDES), hand_landmarks.POINTS, 3))
        arms = [arm for i, body in enumerate(bodies) for j in (0, 1) if (arm := _arm(body, i, j)) is not None]
        if arms:
            for arm, hand in zip(arms, without_twins(self._read_arms(image, arms)), strict=True):
                hands[arm.person, arm.side, :, :2] = hand.points
                hands[arm.person, arm.side, :, 2] = hand.trust
        return hands

    def _read_arms(self, image: Array, arms: list[_Arm]) -> list[_Hand]:
        levels = squares.pyramid(image, palm_detector.SIZE)
        hands = self._read(levels, arms, [squares.place_in(a.middle, a.up, ROOM * a.length) for a in arms])
        unsure = [i for i, hand in enumerate(hands) if hand.trust < SURE]
        palms = self._palms(levels, [arms[i] for i in unsure]) if unsure else []
        found = {i: palm for i, palm in zip(unsure, palms, strict=True) if palm is not None}
        self._better(hands, levels, arms, found)
        again = {
            i: squares.square_around(hand.points[BUT_TIPS], _up(hand.points), HAND_ROOM, HAND_SHIFT)
            for i, hand in enumerate(hands)
            if hand.trust > AGAIN
        }
        self._better(hands, levels, arms, again)
        return hands

    def _better(
        self, hands: list[_Hand], levels: list[Array], arms: list[_Arm], places: dict[int, Array]
    ) -> None:
        """Read some of the hands elsewhere, and keep what is trusted more."""
        if not places:
            return
        read = self._read(levels, [arms[i] for i in places], list(places.values()))
        for i, hand in zip(places, read, strict=True):
            hands[i] = max(hand, hands[i], key=lambda each: each.trust)

    def _read(self, levels: list[Array], arms: list[_Arm], places: list[Array]) -> list[_Hand]:
        seen, matrices = self.landmarks(levels, places)
        hands = []
        for i, (arm, matrix) in enumerate(zip(arms, matrices, strict=True)):
            points = squares.carried_back(seen.points[i, :, :2], matrix)
            fitting = float(seen.is_right[i] if arm.side else 1 - seen.is_right[i])
            trust = float(seen.is_hand[i]) * _nearness(points[:1], arm)[0] * _of_side(fitting)
            hands.append(_Hand(points, float(trust), fitting))
        return hands

    def _palms(self, levels: list[Array], arms: list[_Arm]) -> list[Array | None]:
        """The place of the likeliest hand near each wrist, None where there is no palm."""
        where = [squares.place_in(arm.middle, arm.up, SEARCH_ROOM * arm.length) for arm in arms]
        seen, matrices = self.palms(levels, where)
        places: list[Array | None] = []
        for i, (arm, matrix) in enumerate(zip(arms, matrices, strict=True)):
            points = squares.carried_back(seen.points[i], matrix)
            wrists, knuckles = points[:, palm_detector.WRIST], points[:, palm_detector.MIDDLE_KNUCKLE]
            likely = np.where(seen.scores[i] > PALM, seen.scores[i], 0.0) * _nearness(wrists, arm)
            best = int(likely.argmax())
            if likely[best] == 0:
                places.append(None)
                continue
            low, high = seen.boxes[i, best].reshape(2, 2)
            side = float((high - low).max()) / float(np.hypot(*matrix[:, 0]))
            up = (knuckles - wrists)[best] / max(float(np.hypot(*(knuckles - wrists)[best])), 1e-9)
            middle = squares.carried_back((low + high) / 2, matrix) + PALM_SHIFT * side * up
            places.append(squares.place_in(middle, up, PALM_ROOM * side))
        return places


def _arm(body: Array, person: int, side: int) -> _Arm | None:
    """None where the wrist is not seen, or the hand too small to be read."""
    elbow, wrist, index, pinky = body[ARM[SIDES[side]]]
    if wrist[2] < SEEN:
        return None
    forearm, palm = wrist[:2] - elbow[:2], (index[:2] + pinky[:2]) / 2 - wrist[:2]
    knuckles_seen = min(index[2], pinky[2]) > SEEN
    length = max(OF_FOREARM * np.hypot(*forearm), OF_PALM * np.hypot(*palm) if knuckles_seen else 0.0)
    if length < SMALLEST:
        return None
    return _Arm(person, side, wrist[:2], palm if knuckles_seen else forearm, float(length))


def _up(points: Array) -> Array:
    return points[POINTING].mean(0) - points[0]


def _nearness(wrists: Array, arm: _Arm) -> Array:
    """(N, 2) -> (N,) 0..1 that a hand with that wrist is this arm's."""
    away = np.hypot(*(wrists - arm.wrist).T) / arm.length
    return np.clip((FAR - away) / (FAR - NEAR), 0, 1)


def _of_side(fitting: float) -> float:
    """What is left of the trust in a hand that looks as if it were one of the other side."""
    return 0.5 + 0.5 * min(1.0, fitting / UNFIT)


def without_twins(hands: list[_Hand]) -> list[_Hand]:
    """Of hands that lie on one another only the one that fits its arm best is still trusted."""
    order = sorted(range(len(hands)), key=lambda i: -hands[i].trust * hands[i].fitting)
    kept: list[int] = []
    judged = list(hands)
    for i in order:
        if any(_same(hands[i], hands[j]) for j in kept):
            judged[i] = replace(hands[i], trust=0.0)
        elif hands[i].trust > 0:
            kept.append(i)
    return judged


def _same(one: _Hand, other: _Hand) -> bool:
    apart = np.hypot(*(one.points - other.points).T).mean()
    return bool(apart < TWINS * max(one.size, other.size))
