"""`surgery:BASE@LAYER?head=...`: a network of any other source, cut and with a new head (surgery_recipe.py)."""

from collections.abc import Callable
from dataclasses import replace

from workers.engine.networks.sources.built import ArchitectureNotFound, Built
from workers.engine.networks.surgery import operate
from workers.engine.networks.surgery_recipe import Recipe, RecipeInvalid


def build(architecture: str, *, build_base: Callable[[str], Built]) -> Built:
    """Raises ArchitectureNotFound, and what `operate` raises."""
    try:
        recipe = Recipe.parse(architecture)
    except RecipeInvalid as invalid:
        raise ArchitectureNotFound(str(invalid)) from None
    base = build_base(recipe.base)
    px = recipe.px or base.preprocessing.input_px
    cut = operate(base.module, recipe, input_px=px)
    return replace(base, module=cut, preprocessing=replace(base.preprocessing, input_px=px))
