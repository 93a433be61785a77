"""What is told of a dissection where it was asked for by a command: in words, and as JSON."""

from typing import Any

from annotator.units import chance
from annotator.units.growing import GROWN_FROM
from annotator.units.layer_facts import spell_layer
from annotator.units.models import Dissection
from annotator.units.progress import count_taken, read_survey
from workers.engine.format.bounds import DETECTOR_ABOVE
from workers.engine.images.passed_over import PassedOver
from workers.engine.plurals import say_count
from workers.needs import tell_needs


def tell_surveyed(dissection: Dissection) -> list[str]:
    """What the survey found of network and images, for whoever asked."""
    network, image_set = dissection.network, dissection.image_set
    lines = [f"Network {network.name}: {network.weights_words}."]
    if network.is_random:
        lines.append("The network has learned nothing: its weights are random. Give --weights for a trained one.")
    lines.append(f"Image set {image_set.name}: {say_count(dissection.n_images, 'image')}.")
    return [*lines, *(f"{PassedOver(**one).words()}." for one in dissection.passed_over)]


def tell_estimate(dissection: Dissection) -> str:
    """Which tensors of the checkpoint were taken, if that was not plain, and what the survey estimates."""
    survey = read_survey(dissection)
    return "\n".join(filter(None, [survey.get("note", ""), tell_needs(survey)]))


def describe_dissection(dissection: Dissection) -> dict[str, Any]:
    return {
        "id": str(dissection.id),
        "network": dissection.network.name,
        "weights": dissection.network.weights_words,
        "weights_sha256": dissection.network.weights_sha256,
        "is_random": dissection.network.is_random,
        "image_set": dissection.image_set.name,
        "layers": dissection.layer_paths,
        "n_images": dissection.n_images,
        "n_quarantined": dissection.n_quarantined,
        "passed_over": dissection.passed_over,
        "grown_from": dissection.options.get(GROWN_FROM, ""),
        "n_taken": count_taken(dissection) if GROWN_FROM in dissection.options else 0,
        "n_units": dissection.dissected_units.count(),
        "n_silent": dissection.dissected_units.exclude(silence="").count(),
        "n_detectors": sum(
            modes["paper"]["n_detectors"] for modes in dissection.detectors.values() if "paper" in modes
        ),
        "detectors": dissection.detectors,
        "layer_facts": dissection.layer_facts,
        "chance": chance.describe_chance(dissection),
        "rotation": dissection.options.get("rotation", 0),
        "seconds_by_stage": dissection.seconds_by_stage,
        "artifact": dissection.artifact,
        "artifact_sha256": dissection.artifact_sha256,
    }


def tell_dissection(dissection: Dissection) -> str:
    facts = describe_dissection(dissection)
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in facts["seconds_by_stage"].items())
    if facts["rotation"]:
        return f"Turned by Q^{facts['rotation']:g} ({facts['artifact']}): {tell_counts(dissection)}"
    return (
        f"Dissection {facts['id']} of {facts['network']} ({facts['weights']}): {say_count(facts['n_units'], 'unit')} "
        f"of {', '.join(facts['layers'])} over {say_count(facts['n_images'], 'image')} ({facts['n_quarantined']} "
        f"quarantined). {say_count(facts['n_silent'], 'of the units is', 'of the units are')} silent.\n"
        f"A detector has an IoU over {DETECTOR_ABOVE}.\n"
        f"{tell_counts(dissection)}{_readings(dissection)}{stages}.\n{_taken(facts)}"
        f"Crops and measures: {facts['artifact']}"
    )


def _taken(facts: dict[str, Any]) -> str:
    """Which images were not measured again."""
    if not facts["n_taken"]:
        return ""
    return (
        f"{facts['n_taken']} of the images had been measured in dissection {facts['grown_from']}, before the image set "
        "grew, and were taken from there.\n"
    )


def _readings(dissection: Dissection) -> str:
    """A line for each layer: how it was read, which tokens were dropped, and where its cells lie."""
    return "".join(f"{path}: {spell_layer(dissection, path)}.\n" for path in dissection.layer_paths)


def tell_counts(dissection: Dissection) -> str:
    counted = chance.print_counts(dissection).items()
    return "".join(f"{path}: {line}\n" for path, lines in counted for line in lines)
