"""The networks of palms, hands and faces against the published ones: kept numbers, and LiteRT where it is."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_parts import background, pixels, with_face, with_hand

from demo.detectors import face_mesh, hand_landmarks, palm_detector
from demo.detectors.weights import load

PUBLISHED = Path(__file__).parents[2] / "parity" / "detectors_wholebody.npz"
CLOSE = 0.1  # pixels
FILES = {
    "palm": "palm_detection/palm_detection_full.tflite",
    "hand": "hand_landmark/hand_landmark_lite.tflite",
    "face": "face_landmark/face_landmark.tflite",
}


@pytest.fixture(scope="module")
def published() -> dict[str, np.ndarray]:
    """What LiteRT 2.3 said of the pictures drawn here."""
    with np.load(PUBLISHED) as file:
        return dict(file)


def palm_picture() -> np.ndarray:
    first, _ = with_hand(background(192, 192), (70, 120), 70, 20)
    return pixels(with_hand(first, (140, 150), 50, -15, mirrored=True)[0])


def hand_picture() -> np.ndarray:
    return pixels(with_hand(background(224, 224), (112, 180), 120, 10)[0])


def face_picture() -> np.ndarray:
    return pixels(with_face(background(192, 192), (96, 75), 110, -12)[0])


def as_tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.float32(picture)).permute(2, 0, 1)[None] / 255


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits, -80, 80)))


def check_palms(scores: np.ndarray, places: np.ndarray, numbers: np.ndarray) -> None:
    """Scores (2016,) as logits; numbers (N, 18) of the anchors at the places (N,)."""
    network = load(palm_detector.PalmNetwork(), "palm_detector")
    with torch.inference_mode():
        seen = network(as_tensor(palm_picture()))
    np.testing.assert_allclose(seen.scores[0].numpy(), sigmoid(scores), atol=1e-4)
    anchors = network.anchors[places].numpy()
    box = seen.boxes[0, places].numpy()
    np.testing.assert_allclose((box[:, :2] + box[:, 2:]) / 2, numbers[:, :2] + anchors, atol=CLOSE)
    np.testing.assert_allclose(box[:, 2:] - box[:, :2], numbers[:, 2:4], atol=CLOSE)
    points = numbers[:, 4:].reshape(-1, 7, 2) + anchors[:, None]
    np.testing.assert_allclose(seen.points[0, places].numpy(), points, atol=CLOSE)


def check_hand(points: np.ndarray, is_hand: float, is_right: float, world: np.ndarray) -> None:
    network = load(hand_landmarks.HandNetwork(), "hand_landmarks")
    with torch.inference_mode():
        seen = network(as_tensor(hand_picture()))
    np.testing.assert_allclose(seen.points[0].numpy(), points.reshape(21, 3), atol=CLOSE)
    np.testing.assert_allclose([seen.is_hand[0], seen.is_right[0]], [is_hand, is_right], atol=1e-4)
    np.testing.assert_allclose(seen.world[0].numpy(), world.reshape(21, 3), atol=1e-3)


def check_face(points: np.ndarray, is_face: float) -> None:
    network = load(face_mesh.FaceNetwork(), "face_mesh")
    with torch.inference_mode():
        seen = network(as_tensor(face_picture()))
    np.testing.assert_allclose(seen.points[0].numpy(), points.reshape(468, 3), atol=CLOSE)
    np.testing.assert_allclose(seen.is_face[0].item(), sigmoid(is_face), atol=1e-4)


def test_the_palm_detector_says_what_the_published_one_says(published):
    check_palms(published["palm_scores"], published["palm_places"], published["palm_numbers"])


def test_the_hand_network_says_what_the_published_one_says(published):
    check_hand(*(published[f"hand_{name}"] for name in ("points", "is_hand", "is_right", "world")))


def test_the_face_mesh_says_what_the_published_one_says(published):
    check_face(published["face_points"], published["face_is_face"])


def test_all_three_see_what_was_drawn(published):
    assert sigmoid(published["palm_scores"]).max() > 0.8
    assert published["hand_is_hand"] > 0.9 and sigmoid(published["face_is_face"]) > 0.9


@pytest.mark.parametrize(
    ("network", "name", "size"),
    [
        (palm_detector.PalmNetwork, "palm_detector", palm_detector.SIZE),
        (hand_landmarks.HandNetwork, "hand_landmarks", hand_landmarks.SIZE),
        (face_mesh.FaceNetwork, "face_mesh", face_mesh.SIZE),
    ],
)
def test_a_batch_says_what_its_squares_say_one_by_one(network, name, size):
    loaded = load(network(), name)
    pictures = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        both, first, second = loaded(pictures), loaded(pictures[:1]), loaded(pictures[1:])
    torch.testing.assert_close(both.points, torch.cat([first.points, second.points]), atol=0.01, rtol=0)


@pytest.fixture(scope="module")
def original_modules() -> Path:
    """The folder of the original .tflite files: in an installed mediapipe package."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("LiteRT (ai-edge-litert) is not installed; the kept numbers stand in for it")
    mediapipe = importlib.util.find_spec("mediapipe")
    places = list(mediapipe.submodule_search_locations or ()) if mediapipe else []
    folder = Path(places[0]) / "modules" if places else None
    if folder is None or not (folder / FILES["palm"]).is_file():
        pytest.skip("mediapipe 0.10.21, which holds the original .tflite files, is not installed")
    return folder


def lite(path: Path, picture: np.ndarray) -> list[np.ndarray]:
    """The outputs in the file's own order."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()[0]
    interpreter.set_tensor(details["index"], np.float32(picture[None] / 255))
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"])[0] for detail in interpreter.get_output_details()]


def originals(folder: Path) -> dict[str, np.ndarray]:
    """The numbers kept in PUBLISHED, made anew."""
    numbers, scores = lite(folder / FILES["palm"], palm_picture())
    places = np.argsort(-scores[:, 0])[:40]
    points, is_hand, is_right, world = lite(folder / FILES["hand"], hand_picture())
    mesh, is_face = lite(folder / FILES["face"], face_picture())
    return {
        "palm_scores": scores[:, 0], "palm_places": places, "palm_numbers": numbers[places],
        "hand_points": points, "hand_is_hand": is_hand[0], "hand_is_right": is_right[0], "hand_world": world,
        "face_points": mesh.reshape(-1), "face_is_face": is_face.reshape(()),
    }  # fmt: skip


def test_all_three_say_what_litert_says(original_modules):
    truth = originals(original_modules)
    check_palms(truth["palm_scores"], truth["palm_places"], truth["palm_numbers"])
    check_hand(*(truth[f"hand_{name}"] for name in ("points", "is_hand", "is_right", "world")))
    check_face(truth["face_points"], truth["face_is_face"])
