import numpy as np

from demo.tracking import Tracker, overlaps


def box(x: float, y: float = 0.0) -> list[float]:
    return [x, y, x + 100, y + 200]


def test_a_box_overlaps_itself_wholly_and_a_far_one_not_at_all():
    one, far = np.array([box(0)]), np.array([box(500)])
    assert overlaps(one, one) == 1
    assert overlaps(one, far) == 0


def test_people_keep_their_ids_whatever_the_order_of_the_boxes():
    tracker = Tracker()
    assert tracker([box(0), box(300)]) == [0, 1]
    assert tracker([box(310), box(8)]) == [1, 0]


def test_a_person_hidden_for_a_few_frames_comes_back_under_the_same_id():
    tracker = Tracker()
    for x in (0, 30, 60):
        tracker([box(x)])
    for _ in range(4):
        assert tracker([]) == []
    assert tracker([box(210)]) == [0]


def test_a_person_hidden_for_long_is_a_new_one_and_no_id_is_given_twice():
    tracker = Tracker(patience=3)
    tracker([box(0)])
    for _ in range(5):
        tracker([])
    assert tracker([box(0)]) == [1]


def test_two_people_who_cross_keep_going_their_way():
    tracker = Tracker()
    for x in range(0, 420, 20):
        left, right = tracker([box(x), box(400 - x)])
    assert (left, right) == (0, 1)
