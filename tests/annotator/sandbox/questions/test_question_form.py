"""QuestionForm: every kind of answer and content is read; what breaks the structure is refused with its place."""

from decimal import Decimal

import pytest

from annotator.sandbox.questions import documents
from annotator.sandbox.questions.answer_specs import Choice, FileUpload, FreeText, find_text_problem
from annotator.sandbox.questions.question_form import NAMESPACE_2005, QuestionForm
from annotator.sandbox.rules.refusals import Refused

TEXT = (
    "<FreeTextAnswer><Constraints><IsNumeric minValue='1' maxValue='5'/><Length minLength='1' maxLength='3'/>"
    "<AnswerFormatRegex regex='[0-9]' errorText='a digit' flags='i'/></Constraints><DefaultText>2</DefaultText>"
    "<NumberOfLinesSuggestion>3</NumberOfLinesSuggestion></FreeTextAnswer>"
)
CHOICE = (
    "<SelectionAnswer><MinSelectionCount>1</MinSelectionCount><MaxSelectionCount>2</MaxSelectionCount>"
    "<StyleSuggestion>checkbox</StyleSuggestion><Selections><Selection><SelectionIdentifier>a</SelectionIdentifier>"
    "<Text>A</Text></Selection><Selection><SelectionIdentifier>b</SelectionIdentifier><FormattedContent>"
    "<![CDATA[<b>B</b>]]></FormattedContent></Selection><Selection><SelectionIdentifier>c</SelectionIdentifier>"
    "<Binary><MimeType><Type>image</Type><SubType>png</SubType></MimeType><DataURL>https://e.org/c.png</DataURL>"
    "<AltText>C</AltText></Binary></Selection><OtherSelection/></Selections></SelectionAnswer>"
)
UPLOAD = (
    "<FileUploadAnswer><MaxFileSizeInBytes>10</MaxFileSizeInBytes><MinFileSizeInBytes>1</MinFileSizeInBytes>"
    "</FileUploadAnswer>"
)


def _question(name: str, answer: str) -> str:
    return (
        f"<Question><QuestionIdentifier>{name}</QuestionIdentifier><DisplayName>{name}!</DisplayName><IsRequired>true"
        f"</IsRequired><QuestionContent><Text>?</Text></QuestionContent><AnswerSpecification>{answer}"
        "</AnswerSpecification></Question>"
    )


def _form(*parts: str) -> str:
    return f'<QuestionForm xmlns="{NAMESPACE_2005}">{"".join(parts)}</QuestionForm>'


def _read(document: str) -> QuestionForm:
    form = documents.check_question(document)
    assert isinstance(form, QuestionForm)
    return form


def test_every_kind_of_answer_is_read() -> None:
    text, choice, upload = (
        question.answer
        for question in _read(_form(_question("t", TEXT), _question("c", CHOICE), _question("f", UPLOAD))).questions
    )
    assert isinstance(text, FreeText)
    assert (text.min_value, text.max_value, text.max_length, text.n_lines) == (Decimal(1), Decimal(5), 3, 3)
    assert [one.regex for one in text.formats] == ["[0-9]"]
    assert isinstance(choice, Choice)
    assert [one.identifier for one in choice.selections] == ["a", "b", "c"]
    assert choice.selections[1].html == "<div><b>B</b></div>"
    assert (choice.min_count, choice.max_count, choice.other) == (1, 2, FreeText())
    assert upload == FileUpload(1, 10)


def test_every_kind_of_content_is_read() -> None:
    overview = (
        "<Overview><Title>T</Title><Text>x</Text><List><ListItem>1</ListItem><ListItem>2</ListItem></List><Binary>"
        "<MimeType><Type>audio</Type></MimeType><DataURL>https://e.org/a.mp3</DataURL><AltText>A</AltText></Binary>"
        "<FormattedContent><![CDATA[a&nbsp;<a href='https://e.org'>link</a><br/>]]></FormattedContent></Overview>"
    )
    content = _read(_form(overview, _question("t", TEXT))).parts[0].content
    assert [block.kind for block in content] == ["Title", "Text", "List", "audio", "FormattedContent"]
    assert 'rel="noopener noreferrer"' in content[-1].text


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (_form(), "no Question"),
        (_form(_question("t", TEXT), _question("t", TEXT)), "same QuestionIdentifier"),
        (_form(_question("t", "<FreeTextAnswer/><FreeTextAnswer/>")), "one kind of answer"),
        (_form(_question("t", "<Guess/>")), "Guess"),
        (_form(_question("t", CHOICE.replace("checkbox", "slider"))), "StyleSuggestion"),
        (_form(_question("t", CHOICE.replace("<MinSelectionCount>1", "<MinSelectionCount>3"))), "MinSelectionCount"),
        (_form(_question("t", CHOICE.replace(">b<", ">a<", 1))), "same SelectionIdentifier"),
        (_form(_question("t", TEXT).replace("<IsRequired>true", "<IsRequired>maybe")), "IsRequired"),
        (_form(_question("t", TEXT).replace("<Text>?</Text>", "")), "QuestionContent"),
        (_form(_question("t", TEXT).replace("DisplayName", "Name")), "Name"),
        (_form(_question("t", TEXT), "<Script/>"), "Script"),
        (_form(_question("t", CHOICE.replace("https://e.org", "javascript://e.org"))), "DataURL"),
    ],
)
def test_what_breaks_the_structure_is_refused_with_its_place(document: str, place: str) -> None:
    with pytest.raises(Refused, match=place):
        documents.check_question(document)


@pytest.mark.parametrize(
    ("text", "problem"), [("3", ""), ("", "at least"), ("1234", "at most"), ("x", "a number"), ("9", "between")]
)
def test_a_text_is_held_against_its_bounds(text: str, problem: str) -> None:
    spec = FreeText(min_length=1, max_length=3, is_numeric=True, min_value=Decimal(1), max_value=Decimal(5))
    found = find_text_problem(spec, text)
    assert problem in found
    assert bool(problem) == bool(found)
