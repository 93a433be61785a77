"""What a page shows while a question has no answer: what the GPU process does with it, or why there is none."""

from annotator.evidence.models import Question
from annotator.units import gpu_queue
from workers import contract
from workers.valkey import ValkeyAway

WAITING = "waiting for a GPU process"


def say_stage(word: contract.Progress | None) -> str:
    """By its last word about the question. Without one, the words tell a queue from a process that is not there."""
    if word is not None:
        return word.stage
    try:
        is_there = bool(gpu_queue.list_processes())
    except ValkeyAway:
        return f"{WAITING}. The queue does not answer: whoever runs Unitscope starts it"
    return WAITING if is_there else f"{WAITING}. None is running: whoever runs Unitscope starts one"


def tell_unanswered(question: Question) -> dict[str, str]:
    """The refusal or the stage of a question, as pages name them; empty if it is answered."""
    if question.state == Question.State.REFUSED:
        return {"refusal": question.refusal}
    if question.state == Question.State.ASKED:
        return {"stage": say_stage(gpu_queue.read_progress(question.id, 0))}
    return {}
