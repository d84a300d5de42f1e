"""Layers of MediaPipe's networks of hands and faces, by the names that demo/detectors gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

KINDS = {"CONV_2D": "dense", "DEPTHWISE_CONV_2D": "depthwise", "PRELU": "slopes", "FULLY_CONNECTED": "linear"}
ORDER = {"dense": (0, 3, 1, 2), "depthwise": (3, 0, 1, 2), "linear": (0, 1)}
Layers = dict[str, list[tuple[np.ndarray, ...]]]
Names = dict[str, Sequence[str]]


def read_in_order(content: bytes, numbered: bool = False) -> Layers:
    """Weights and biases of a .tflite file by kind, as they are run or as their names are numbered.

    A layer is found by its place: its name may be that of another which it shares zeros with.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=content,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    interpreter.invoke()  # unpacks the weights that are stored in half precision
    names = {detail["index"]: detail["name"] for detail in interpreter.get_tensor_details()}
    found: dict[str, list[tuple[int, tuple[np.ndarray, ...]]]] = {kind: [] for kind in KINDS.values()}
    for operation in interpreter._get_ops_details():  # no public call says which tensors belong together
        if (kind := KINDS.get(operation["op_name"])) is None:
            continue
        _, *tensors = operation["inputs"]
        values = tuple(interpreter.get_tensor(index) for index in tensors)
        place = int(re.findall(r"_(\d+)/", names[tensors[0]])[0]) if numbered else len(found[kind])
        found[kind].append((place, values))
    return {kind: [values for _, values in sorted(each, key=lambda e: e[0])] for kind, each in found.items()}


def _stack(prefix: str, first: int, count: int) -> list[str]:
    return [f"{prefix}.{i}" for i in range(first, first + count)]


def _of_blocks(dense: Iterable[str], depthwise: Iterable[str], slopes: Iterable[str]) -> Names:
    return {"dense": [*dense], "depthwise": [*depthwise], "slopes": [*slopes], "linear": []}


def palm_names() -> Names:
    """Of PalmNetwork."""
    shrinking = [f"to_{stride}" for stride in (4, 8, 16, 32)]
    trunk = _stack("stem", 2, 4) + [name for stage in shrinking for name in _stack(stage, 0, 5)]
    dense, depthwise, slopes = ["stem.0"], list(trunk), ["stem.1"]
    dense += [f"{name}.mix" for name in trunk]
    slopes += [f"{name}.activation" for name in trunk]
    for i, merge in ((1, "at_16"), (0, "at_8")):
        refine = _stack(f"{merge}.refine", 0, 2)
        dense += [f"{merge}.coarse", *(f"{name}.mix" for name in refine)]
        dense += [f"heads.{i}.score", f"heads.{i}.numbers"]
        slopes += [f"{merge}.activation", *(f"{name}.activation" for name in refine)]
        depthwise += refine
    return _of_blocks(dense, (f"{name}.filter" for name in depthwise), slopes)


def face_names() -> Names:
    """Of FaceNetwork, as the published layers are numbered."""
    trunk = _stack("trunk.0", 2, 2) + [
        name for stage in range(1, 5) for name in _stack(f"trunk.{stage}", 0, 3)
    ]
    dense, depthwise, slopes = ["trunk.0.0"], [], ["trunk.0.1"]
    for blocks, branch in ((trunk + _stack("to_points", 0, 3), "to_points.3"), (["to_face.0"], "to_face.1")):
        dense += [*(f"{name}.mix" for name in blocks), f"{branch}.narrow.0", f"{branch}.refine.mix"]
        dense += [f"{branch}.out"]
        depthwise += [*(f"{name}.filter" for name in blocks), f"{branch}.refine.filter"]
        slopes += [*(f"{name}.activation" for name in blocks), f"{branch}.narrow.1"]
        slopes += [f"{branch}.refine.activation"]
    return _of_blocks(dense, depthwise, slopes)


def hand_names(trunk: tuple[Sequence[str], Sequence[str]]) -> Names:
    """Of HandNetwork; `trunk` names the layers that it shares with BlazePose, in the order they are run."""
    dense, depthwise = trunk
    linear = ["side", "is_hand", "points", "world"]
    return {
        "dense": [f"{name}.0" for name in dense],
        "depthwise": [f"{name}.0" for name in depthwise],
        "slopes": [],
        "linear": linear,
    }


def palm(content: bytes) -> dict[str, np.ndarray]:
    """Tensors of PalmNetwork from palm_detection_full.tflite."""
    return state(read_in_order(content), palm_names())


def hand(content: bytes, trunk: tuple[Sequence[str], Sequence[str]]) -> dict[str, np.ndarray]:
    """Tensors of HandNetwork from hand_landmark_lite.tflite."""
    return state(read_in_order(content), hand_names(trunk))


def face(content: bytes) -> dict[str, np.ndarray]:
    """Tensors of FaceNetwork from face_landmark.tflite."""
    return state(read_in_order(content, numbered=True), face_names())


def state(layers: Layers, names: Names) -> dict[str, np.ndarray]:
    """The tensors under our names, in float16 as published; ValueError where the two do not match."""
    tensors = {}
    for kind, places in names.items():
        if len(places) != len(layers[kind]):
            raise ValueError(
                f"The published network is not the one that was known: it has {len(layers[kind])} {kind} "
                f"layers instead of {len(places)}."
            )
        for name, (weight, *bias) in zip(places, layers[kind], strict=True):
            laid = weight.ravel() if kind == "slopes" else weight.transpose(ORDER[kind])
            tensors[f"{name}.weight"] = np.ascontiguousarray(laid, np.float16)
            if bias:
                tensors[f"{name}.bias"] = np.ascontiguousarray(bias[0], np.float16)
    return tensors
