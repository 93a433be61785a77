"""What a source of networks gives, and how it refuses."""

import importlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl

from torch import nn

from workers.engine.networks.checkpoints import NetworkError, first_line
from workers.engine.networks.preprocessing import Preprocessing

MAX_NUMBER = 100_000
NO_WORDS: Mapping[str, Collection[str]] = {}


class ArchitectureNotFound(NetworkError):
    """No network goes by that name."""


@dataclass(frozen=True)
class Built:
    """A module with the weights that its code draws, and the input that it was made for. `note`: what was not plain
    about it, in words. `assumed`: in words, that nothing stated its mean and deviation, so that these are a guess.
    `saved_names`: the module's key by what the library's files call it, if they differ.
    """

    module: nn.Module
    preprocessing: Preprocessing
    note: str = ""
    assumed: str = ""
    saved_names: Mapping[str, str] = field(default_factory=dict)


def split_options(
    name: str, numbers: Mapping[str, str], words: Mapping[str, Collection[str]] = NO_WORDS
) -> tuple[str, dict[str, Any]]:
    """NAME?num_classes=10&global_pool=avg as the name and the options, under the names that the library gives them.

    numbers: by our name the library's. words: what may be said of other options. Raises ArchitectureNotFound.
    """
    name, _, query = name.partition("?")
    options: dict[str, Any] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if value in words.get(key, ()):
            options[key] = value
            continue
        if key in words:
            raise ArchitectureNotFound(f"{key}={value}: {value!r} is none of {', '.join(words[key])}.")
        if key not in numbers:
            raise ArchitectureNotFound(f"{key!r} cannot be stated of {name}, but {', '.join((*numbers, *words))}.")
        if not value.isdecimal() or not 1 <= int(value) <= MAX_NUMBER:
            raise ArchitectureNotFound(f"{key}={value}: {value!r} is no number from 1 to {MAX_NUMBER}.")
        options[numbers[key]] = int(value)
    return name, options


def import_library(module: str, *, package: str) -> ModuleType:
    """Raises ArchitectureNotFound, which says what to install."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise ArchitectureNotFound(
                f"{module} needs {error.name}, which is not installed: pip install {error.name}"
            ) from None
        raise ArchitectureNotFound(
            f"{module} is not installed where the network runs. Install it there: pip install {package}"
        ) from None
    except Exception as error:
        # A library that does not go with this torch may fail in any way.
        raise ArchitectureNotFound(f"{module} cannot be imported: {in_words(error)}") from None


def in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {first_line(error)}"
