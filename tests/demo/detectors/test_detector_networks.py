"""The detectors' networks against the published ones: numbers kept here, and LiteRT where it is at hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn import drawn_people
from safetensors import safe_open

from common.utils.paths import FREE
from demo.detectors import blazepose_detector, blazepose_landmarks, nanodet_network
from demo.detectors.nanodet import MEAN, STD
from demo.detectors.weights import load

PUBLISHED = Path(__file__).parents[2] / "parity" / "detectors.npz"
CLOSE = 0.1  # pixels


@pytest.fixture(scope="module")
def published():
    """What LiteRT 2.3 and, for NanoDet, the published graph said of the pictures drawn here."""
    with np.load(PUBLISHED) as file:
        return dict(file)


@pytest.fixture(scope="module")
def detector():
    return load(blazepose_detector.DetectorNetwork(), "blazepose_detector")


@pytest.fixture(scope="module")
def landmarks():
    return load(blazepose_landmarks.LandmarkNetwork(), "blazepose_full")


def pair_picture() -> np.ndarray:
    return drawn_people(224, 224, [(60, 200), (160, 190)], 150)


def single_picture() -> np.ndarray:
    return drawn_people(256, 256, [(128, 236)], 215)


def as_tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture, np.float32)).permute(2, 0, 1)[None]


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(logits, -80, 80)))


def check_detector(network, scores: np.ndarray, places: np.ndarray, numbers: np.ndarray) -> None:
    """Scores (2254,) as logits; numbers (N, 12) of the anchors at the places (N,)."""
    with torch.inference_mode():
        seen = network(as_tensor(pair_picture()) / 127.5 - 1)
    np.testing.assert_allclose(seen.scores[0].numpy(), sigmoid(scores), atol=1e-4)
    anchors = network.anchors[places].numpy()
    box = seen.boxes[0, places].numpy()
    np.testing.assert_allclose((box[:, :2] + box[:, 2:]) / 2, numbers[:, :2] + anchors, atol=CLOSE)
    np.testing.assert_allclose(box[:, 2:] - box[:, :2], numbers[:, 2:4], atol=CLOSE)
    points = numbers[:, 4:].reshape(-1, 4, 2) + anchors[:, None]
    np.testing.assert_allclose(seen.points[0, places].numpy(), points, atol=CLOSE)


def check_landmarks(network, truth: dict[str, np.ndarray]) -> None:
    with torch.inference_mode():
        seen = network(as_tensor(single_picture()) / 255, with_mask=True)
    np.testing.assert_allclose(seen.points[0, :, :2].numpy(), truth["points"][:, :2], atol=CLOSE)
    np.testing.assert_allclose(seen.visibility[0].numpy(), sigmoid(truth["points"][:, 3]), atol=1e-3)
    np.testing.assert_allclose(seen.presence[0].numpy(), sigmoid(truth["points"][:, 4]), atol=1e-3)
    np.testing.assert_allclose(seen.is_person[0].item(), truth["is_person"], atol=1e-4)
    np.testing.assert_allclose(seen.world[0].numpy(), truth["world"], atol=1e-3)
    np.testing.assert_allclose(seen.heat[0, :, 2::4, 2::4].numpy(), truth["heat"], atol=0.05)
    mask = sigmoid(seen.mask[0, 4::8, 4::8].numpy())
    np.testing.assert_allclose(mask, sigmoid(truth["mask"]), atol=0.02)


def test_the_person_detector_says_what_the_published_one_says(detector, published):
    check_detector(
        detector, published["detector_scores"], published["detector_places"], published["detector_numbers"]
    )


def test_both_drawn_persons_are_among_its_candidates(detector):
    with torch.inference_mode():
        seen = detector(as_tensor(pair_picture()) / 127.5 - 1)
    hips = seen.points[0, seen.scores[0] > 0.5, 0, 0]
    assert (hips - 60).abs().min() < 10 and (hips - 160).abs().min() < 10


def test_the_landmark_network_says_what_the_published_one_says(landmarks, published):
    check_landmarks(landmarks, published)


def test_nanodet_says_what_the_published_graph_says(published):
    network = load(nanodet_network.NanoDetNetwork(), "nanodet")
    picture = (drawn_people(416, 416, [(110, 380), (290, 370)], 300) - MEAN) / STD
    with torch.inference_mode():
        seen = network(as_tensor(picture))
    np.testing.assert_allclose(seen.scores[0].numpy(), published["nanodet_scores"], atol=1e-4)
    cells = published["nanodet_cells"]
    bins = torch.from_numpy(published["nanodet_sides"]).view(-1, 4, 11).softmax(-1) @ torch.arange(11.0)
    stride, first, across = (np.empty(len(cells), int) for _ in range(3))
    start = 0
    for step in (8, 16, 32):
        here = (cells >= start) & (cells < start + (416 // step) ** 2)
        stride[here], first[here], across[here] = step, start, 416 // step
        start += (416 // step) ** 2
    x, y = (cells - first) % across + 0.5, (cells - first) // across + 0.5
    left, top, right, bottom = bins.numpy().T
    boxes = np.stack([x - left, y - top, x + right, y + bottom], -1) * stride[:, None]
    np.testing.assert_allclose(seen.boxes[0, cells].numpy(), boxes, atol=CLOSE)


def test_a_batch_says_what_its_pictures_say_one_by_one(landmarks):
    one, other = as_tensor(single_picture()) / 255, as_tensor(single_picture()[:, ::-1]) / 255
    with torch.inference_mode():
        both = landmarks(torch.cat([one, other])).points
        alone = torch.cat([landmarks(one).points, landmarks(other).points])
    torch.testing.assert_close(both, alone, atol=0.01, rtol=0)


def test_all_weights_fit_in_twenty_megabytes_and_carry_their_license():
    files = sorted((FREE / "detectors").glob("*.safetensors"))
    assert len(files) == 6 and sum(path.stat().st_size for path in files) <= 20e6
    notice = (FREE / "detectors" / "NOTICE.txt").read_text()
    for path in files:
        with safe_open(path, "np") as file:
            assert file.metadata()["license"] == "Apache-2.0"
            assert file.metadata()["source"].split(" (")[0] in notice
        assert path.name in notice


def test_missing_weights_are_one_clear_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr("demo.detectors.weights.FREE", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"nanodet\.safetensors is missing.*detector_weights"):
        load(nanodet_network.NanoDetNetwork(), "nanodet")


def lite(path: Path, picture: np.ndarray) -> list[np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None].astype(np.float32))
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"])[0] for detail in interpreter.get_output_details()]


@pytest.fixture(scope="module")
def original_modules() -> Path:
    """The folder of the original .tflite files: in an installed mediapipe package."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("LiteRT (ai-edge-litert) is not installed; the kept numbers stand in for it")
    mediapipe = importlib.util.find_spec("mediapipe")
    places = list(mediapipe.submodule_search_locations or ()) if mediapipe else []
    folder = Path(places[0]) / "modules" if places else None
    if folder is None or not (folder / "pose_landmark" / "pose_landmark_full.tflite").is_file():
        pytest.skip("mediapipe 0.10.21, which holds the original .tflite files, is not installed")
    return folder


def test_the_person_detector_says_what_litert_says(original_modules, detector):
    outputs = lite(original_modules / "pose_detection" / "pose_detection.tflite", pair_picture() / 127.5 - 1)
    numbers, scores = sorted(outputs, key=lambda output: -output.shape[-1])
    places = np.argsort(-scores[:, 0])[:40]
    check_detector(detector, scores[:, 0], places, numbers[places])


def test_the_landmark_network_says_what_litert_says(original_modules, landmarks):
    outputs = lite(original_modules / "pose_landmark" / "pose_landmark_full.tflite", single_picture() / 255)
    by_size = {output.size: output for output in outputs}
    truth = {
        "points": by_size[195].reshape(39, 5),
        "world": by_size[117].reshape(39, 3),
        "is_person": by_size[1].reshape(()),
        "mask": by_size[256 * 256].reshape(256, 256)[4::8, 4::8],
        "heat": by_size[64 * 64 * 39].transpose(2, 0, 1)[:, 2::4, 2::4],
    }
    check_landmarks(landmarks, truth)
