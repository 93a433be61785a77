"""What no entry point reaches is found, on a made example; what is loaded by name or by place is not."""

from pathlib import Path

import pytest

from tools.reachable import find_unreached

EXAMPLE = {
    "manage.py": "from annotator.shop import sell\nsell()\n",
    "annotator/__init__.py": "",
    "annotator/shop.py": """
from annotator.prices import count_pence as count

TABLE = {"tea": "annotator.tea.Tea"}
UNUSED = 3

def sell():
    return count(TABLE)

def refund():
    return _give_back()

def _give_back():
    return refund()
""",
    "annotator/prices.py": """
class Price:
    @property
    def shown(self): return 1
    def hidden(self): return 2

def count_pence(table): return Price()
def count_cents(table): return 0
""",
    "annotator/tea.py": "class Tea:\n    pass\n",
    "annotator/orphan.py": "def helper(): return 1\n",
    "annotator/app/tasks.py": """
@app.task
def work(): return brew()
def brew(): return 1
def idle(): return 1
""",
    "annotator/app/management/commands/serve.py": "class Command:\n    def handle(self): return 1\n",
    "annotator/app/page.html": "{{ price.shown }}",
    "workers/table.py": "",
    "hit_templates/answer.py": "",
}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    for name, text in EXAMPLE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_only_what_no_entry_point_reaches_is_found(example: Path) -> None:
    assert find_unreached(example) == [
        "annotator/app/management/commands/serve.py:2: no entry point reaches handle",
        "annotator/app/tasks.py:5: no entry point reaches idle",
        "annotator/orphan.py: no entry point reaches this module",
        "annotator/prices.py:5: no entry point reaches hidden",
        "annotator/prices.py:8: no entry point reaches count_cents",
        "annotator/shop.py:10: no entry point reaches refund",
        "annotator/shop.py:13: no entry point reaches _give_back",
        "annotator/shop.py:5: no entry point reaches UNUSED",
    ]


def test_methods_that_a_base_may_call_are_not_asked_for(example: Path) -> None:
    command = example / "annotator/app/management/commands/serve.py"
    command.write_text("class Command(BaseCommand):\n    def handle(self): return 1\n")
    assert not [line for line in find_unreached(example) if "serve.py" in line]


def test_modules_of_a_table_are_joined_to_the_part_that_is_loaded(example: Path) -> None:
    (example / "annotator/orphan.py").unlink()
    (example / "annotator/kinds/tin").mkdir(parents=True)
    (example / "annotator/kinds/tin/part.py").write_text("def lid(): return 1\n")
    (example / "annotator/kinds/tin/other.py").write_text("def rim(): return 1\n")
    (example / "manage.py").write_text(
        'from importlib import import_module\nKINDS = ["annotator.kinds.tin"]\n'
        'print([import_module(f"{path}.part").lid for path in KINDS])\n'
    )
    lines = [line for line in find_unreached(example) if "kinds" in line]
    assert lines == ["annotator/kinds/tin/other.py: no entry point reaches this module"]
