"""`package.module:function`: a person's own code, called without arguments."""

from torch import nn

from workers.engine.networks.code import import_fresh, without_compiled_files
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.sources.built import ArchitectureNotFound, Built, in_words


def build(module_name: str, function_name: str) -> Built:
    """Raises ArchitectureNotFound."""
    try:
        function = getattr(import_fresh(module_name), function_name, None)
    except Exception as error:
        # A person's module may fail in any way while it is imported.
        raise ArchitectureNotFound(
            f"{module_name} cannot be imported: {in_words(error)} It is looked for in the folder where the command was "
            "given, on the machine of the GPU process."
        ) from None
    if not callable(function):
        raise ArchitectureNotFound(f"{module_name} has no function {function_name}.")
    try:
        with without_compiled_files():
            built = function()
    except Exception as error:
        raise ArchitectureNotFound(f"{module_name}:{function_name}() fails: {in_words(error)}") from None
    if not isinstance(built, nn.Module):
        raise ArchitectureNotFound(f"{module_name}:{function_name} gives a {type(built).__name__}, not a network.")
    own_input = getattr(built, "preprocessing", None)
    return Built(built, own_input if isinstance(own_input, Preprocessing) else Preprocessing())
