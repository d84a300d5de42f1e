"""Change one value deep inside an experiment by its dotted name, or say why not."""

from __future__ import annotations

import copy
import inspect
import types
import typing
from ast import literal_eval
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from common.utils.errors import UserError, did_you_mean

_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    str: "text",
    Path: "a path",
    type(None): "None",
    tuple: "a tuple",
    list: "a list",
    dict: "a mapping",
}
UNKNOWN = inspect.Parameter.empty


def changed(node: Any, text: str) -> Any:
    """A copy of `node` with one leaf changed by `dotted.key=value`; UserError where it cannot be."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UserError(f"'{text}' is not of the form key=value, such as batch_size=32.")
    return _set(node, key.strip().split("."), _parsed(value.strip()), "")


def _parsed(text: str) -> Any:
    try:
        return literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _set(node: Any, keys: list[str], value: Any, above: str) -> Any:
    free = _free_mapping(node, keys, above)
    if free:
        return free(value)
    key, *rest = keys
    known = children(node)
    if key not in known:
        where = above.rstrip(".") or "the experiment"
        raise UserError(f"{where} ({named(node)}) has no '{key}'{did_you_mean(key, known)}")
    child, hint = known[key]
    path = above + key
    if rest:
        return _with(node, key, _set(child, rest, value, path + "."), path)
    if not is_leaf(child):
        inside = ", ".join(f"{path}.{name}" for name in children(child))
        raise UserError(f"{path} ({named(child)}) is no single value; change what is inside it: {inside}.")
    return _with(node, key, fitted(value, hint, child, path), path)


def _free_mapping(node: Any, keys: list[str], above: str) -> Callable[[Any], Any] | None:
    """For a mapping of plain values, such as `weights`: a setter of any key, dots included."""
    if not isinstance(node, OpenMapping):
        return None
    key = ".".join(keys)
    return lambda value: {**node.values, key: fitted(value, node.hint, node.values.get(key), above + key)}


class OpenMapping:
    """A mapping whose keys are the user's, with the type of its values."""

    def __init__(self, values: Mapping[str, Any], hint: Any) -> None:
        self.values, self.hint = values, hint


def children(node: Any) -> dict[str, tuple[Any, Any]]:
    """What is inside a dataclass, partial, mapping or tuple: values and their type hints, by name."""
    match node:
        case OpenMapping():
            return {key: (value, node.hint) for key, value in node.values.items()}
        case partial():
            return _arguments(node)
        case type() | types.FunctionType():
            return _arguments(partial(node))
        case Mapping():
            return {str(key): (value, UNKNOWN) for key, value in node.items()}
        case tuple() if hasattr(node, "_fields"):
            hints = _hints(type(node))
            return {name: (getattr(node, name), hints.get(name, UNKNOWN)) for name in node._fields}
        case tuple() | list():
            return {key: (item, UNKNOWN) for key, item in zip(_keys(node), node, strict=True)}
    if is_dataclass(node):
        hints = _hints(type(node))
        return {
            f.name: (_opened(getattr(node, f.name), hints.get(f.name)), hints.get(f.name))
            for f in fields(node)
        }
    return {}


def _keys(items: Sequence[Any]) -> list[str]:
    """What the items of a sequence go by: their own names where these tell them apart, else their places."""
    names = [getattr(item, "name", None) for item in items]
    told_apart = len(set(map(str, names))) == len(names) and all(isinstance(name, str) for name in names)
    return [str(name) for name in names] if told_apart else [str(place) for place in range(len(items))]


def _opened(value: Any, hint: Any) -> Any:
    """A mapping field of plain values becomes an open one: its keys are the user's."""
    arguments = get_args(hint)
    if (
        isinstance(value, Mapping)
        and get_origin(hint) is not None
        and len(arguments) == 2
        and is_plain(arguments[1])
    ):
        return OpenMapping(value, arguments[1])
    return value


def is_plain(hint: Any) -> bool:
    """Whether a type can be typed on a command line."""
    options = [o for option in _options(hint) for o in (get_args(option) or (option,)) if o is not Ellipsis]
    return all(not isinstance(option, type) or option in _WORDS for option in options)


def _arguments(node: partial) -> dict[str, tuple[Any, Any]]:
    """The arguments of a partial that can be given by name: those given, and the defaults of the others."""
    try:
        parameters = inspect.signature(node.func).parameters
    except ValueError:  # some built-in functions do not say
        return {key: (value, UNKNOWN) for key, value in node.keywords.items()}
    function: Any = node.func
    hints = _hints(getattr(function, "__init__", None) if isinstance(function, type) else function)
    result = {}
    for place, (name, parameter) in enumerate(parameters.items()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or place < len(node.args):
            continue
        if name in node.keywords or parameter.default is not parameter.empty:
            result[name] = (node.keywords.get(name, parameter.default), hints.get(name, UNKNOWN))
    return result


def _hints(owner: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(owner)
    except (NameError, TypeError, AttributeError):  # a hint that exists for type checkers alone
        return {}


def is_leaf(node: Any) -> bool:
    """Whether a node has nothing inside that has a name of its own."""
    plain = node is None or isinstance(node, (bool, int, float, str, Path))
    if isinstance(node, (tuple, list)) and not hasattr(node, "_fields"):
        return all(is_leaf(item) for item in node)
    return plain


def _with(node: Any, key: str, value: Any, path: str) -> Any:
    """A copy of `node` with one of its children replaced."""
    try:
        match node:
            case partial() | type() | types.FunctionType():
                return partial(node, **{key: value})
            case Mapping():
                return {**node, key: value}
            case tuple() | list():
                names = list(children(node)) if hasattr(node, "_fields") else _keys(node)
                items = [value if name == key else item for name, item in zip(names, node, strict=True)]
                return type(node)(*items) if hasattr(node, "_fields") else type(node)(items)
        if type(node).__dataclass_params__.init:
            return replace(node, **{key: value})
        twin = copy.copy(node)
        object.__setattr__(twin, key, value)
        return twin
    except (TypeError, ValueError) as error:  # a constructor that refuses the value
        raise UserError(f"{path} cannot be {value!r}: {error}") from error


def fitted(value: Any, hint: Any, old: Any, path: str) -> Any:
    """The value as the type its hint says, or the old value's where there is none; UserError for another."""
    if hint is UNKNOWN or hint is None or hint is Any:
        hint = UNKNOWN if old is None else type(old)
    if hint is UNKNOWN:
        return value
    for option in _options(hint):
        made = _as(value, option)
        if made is not UNKNOWN:
            return made
    raise UserError(f"{path} takes {_in_words(hint)}, not {value!r}.")


def _options(hint: Any) -> Sequence[Any]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _as(value: Any, hint: Any) -> Any:
    """The value as one type, or UNKNOWN where it is none."""
    origin = get_origin(hint) or hint
    if origin is Literal:
        return value if value in get_args(hint) else UNKNOWN
    if origin is bool and isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), UNKNOWN)
    if origin is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if origin is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if origin is Path and isinstance(value, str):
        return Path(value)
    if origin in (int, float) and isinstance(value, bool):
        return UNKNOWN
    if origin in (tuple, Sequence) and isinstance(value, (tuple, list)):
        return tuple(value)
    if not isinstance(origin, type) or origin is Sequence:
        return UNKNOWN if origin is Sequence else value
    return value if isinstance(value, origin) else UNKNOWN


def _in_words(hint: Any) -> str:
    words = []
    for option in _options(hint):
        if get_origin(option) is Literal:
            words += [repr(choice) for choice in get_args(option)]
        else:
            kind = get_origin(option) or option
            words.append(_WORDS.get(kind, getattr(kind, "__name__", str(kind))))
    return " or ".join(words)


def named(node: Any) -> str:
    """What a node is, in one word."""
    if isinstance(node, partial | type | types.FunctionType):
        function = node.func if isinstance(node, partial) else node
        return getattr(function, "__name__", str(function))
    return "mapping" if isinstance(node, OpenMapping) else type(node).__name__
