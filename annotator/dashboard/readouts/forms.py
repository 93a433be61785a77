"""What is asked of a read-out: about a photograph, and more about the same one."""

from typing import Any

from django import forms

from annotator.dashboard.trying.forms import PhotographForm
from annotator.readouts.models import Readout
from annotator.readouts.showing import MAX_QUESTION, ReadoutWanted

QUESTION_HELP = "In plain words, as in the questions that it learned from"


def _question(*, required: bool) -> forms.CharField:
    return forms.CharField(
        label="Question", max_length=MAX_QUESTION, required=required, help_text=QUESTION_HELP,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip


class ReadForm(PhotographForm):
    """A photograph and, of a read-out that answers questions, a question."""

    field_order = ("file", "image_set", "image", "question")

    def __init__(self, *args: Any, readout: Readout, **given: Any) -> None:
        super().__init__(*args, **given)
        self.readout = readout
        if readout.takes_questions:
            self.fields["question"] = _question(required=True)

    def wanted(self) -> ReadoutWanted:
        return ReadoutWanted(self.readout, question=self.cleaned_data.get("question", ""))


class MoreForm(forms.Form):
    """Another question about the photograph, another answer to explain, or two answers to compare."""

    question = _question(required=False)
    answer = forms.CharField(
        label="Explain the answer", required=False, max_length=200, help_text="Empty: the one of highest score",
        widget=forms.TextInput(attrs={"list": "answers", "autocomplete": "off"}),
    )  # fmt: skip
    against = forms.CharField(
        label="And not", required=False, max_length=200, help_text="Empty: compared with no other answer",
        widget=forms.TextInput(attrs={"list": "answers", "autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, readout: Readout, **given: Any) -> None:
        super().__init__(*args, **given)
        self.readout = readout
        if readout.takes_questions:
            self.fields["question"].required = True
        else:
            del self.fields["question"]
        if readout.task in (Readout.Task.REGRESS, Readout.Task.CAPTION):
            del self.fields["answer"], self.fields["against"]

    def wanted(self) -> ReadoutWanted:
        given = {name: str(self.cleaned_data.get(name, "")).strip() for name in ("question", "answer", "against")}
        return ReadoutWanted(self.readout, **given)
