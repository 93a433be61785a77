"""`package.module:function`: a person's own code, called without arguments."""

from pathlib import PurePosixPath

from torch import nn

from workers.engine.networks.code import import_fresh, without_compiled_files
from workers.engine.networks.preprocessing import Preprocessing
from workers.engine.networks.sources.built import ArchitectureNotFound, Built, in_words


def build(module_name: str, function_name: str) -> Built:
    """Raises ArchitectureNotFound."""
    if "/" in module_name or module_name.endswith(".py"):
        path = PurePosixPath(module_name.removesuffix(".py"))
        named = path.name if path.is_absolute() or ".." in path.parts else ".".join(path.parts)
        raise ArchitectureNotFound(
            f"{module_name} is a path: a module is named as in an import statement, such as {named}:{function_name}, "
            f"and the command is given in the folder where {named.partition('.')[0]} lies."
        )
    try:
        function = getattr(import_fresh(module_name), function_name, None)
    except (Exception, SystemExit) as error:
        # A person's module may fail in any way while it is imported; a script may read arguments, and end.
        raise ArchitectureNotFound(
            f"{module_name} cannot be imported: {in_words(error)} {_advise(error, module_name, function_name)}"
        ) from None
    if not callable(function):
        raise ArchitectureNotFound(f"{module_name} has no function {function_name}.")
    try:
        with without_compiled_files():
            built = function()
    except (Exception, SystemExit) as error:
        raise ArchitectureNotFound(f"{module_name}:{function_name}() fails: {in_words(error)}") from None
    if not isinstance(built, nn.Module):
        raise ArchitectureNotFound(f"{module_name}:{function_name} gives a {type(built).__name__}, not a network.")
    own_input = getattr(built, "preprocessing", None)
    return Built(built, own_input if isinstance(own_input, Preprocessing) else Preprocessing())


def _advise(error: BaseException, module_name: str, function_name: str) -> str:
    if isinstance(error, SystemExit):
        return "It ends the program while it is imported: put what it runs below `if __name__ == '__main__':`."
    if "no known parent package" in str(error):
        return (
            "Its relative imports need the package around it: give the command in the folder above, and name "
            f"FOLDER.{module_name}:{function_name}."
        )
    return "It is looked for in the folder where the command was given, on the machine of the GPU process."
