"""What the GPU process does with a question, in the words of the page that waits for its answer."""

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
