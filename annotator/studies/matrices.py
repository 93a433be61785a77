"""Matrices that a person gives: probabilities of concepts on every image, with their names."""

from pathlib import Path

from annotator.studies.activations import read_array
from annotator.studies.concept_models import NamedColumns, check_matrix
from annotator.studies.plan import BadPlan
from workers.engine.plurals import say_count


def read_classes(path: Path, names: Path | None) -> NamedColumns:
    """(n_images, n_names) probabilities, and a name per column. Raises BadPlan, BadConceptModel."""
    if names is None:
        raise BadPlan("Probabilities of classes need --class-names.")
    try:
        listed = names.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadPlan(f"{names} cannot be read: {error}.") from None
    values = read_array(path)
    if values.ndim != 2 or values.shape[1] != len(listed):
        raise BadPlan(f"{path} has the shape {values.shape}, and {names} names {say_count(len(listed), 'class')}.")
    return NamedColumns(check_matrix(values, n_images=values.shape[0], n_names=len(listed)), listed)
