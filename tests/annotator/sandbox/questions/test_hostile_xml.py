"""Twenty-four documents made to hurt: each refused in words, within 0.2 seconds of processor time and 32 MB."""

import time
import tracemalloc

import pytest

from annotator.sandbox.questions import answer_key, documents
from annotator.sandbox.questions.question_form import NAMESPACE_2017
from annotator.sandbox.questions.safe_xml import BadDocument
from annotator.sandbox.rules.refusals import Refused
from tests.annotator.sandbox.conftest import EXTERNAL_QUESTION

MAX_SECONDS = 0.2
MAX_BYTES = 32_000_000
EXTERNAL = documents.EXTERNAL_NAMESPACE


def _form(inside: str) -> str:
    return f'<QuestionForm xmlns="{NAMESPACE_2017}">{inside}</QuestionForm>'


def _formatted(markup: str) -> str:
    return _form(f"<Overview><FormattedContent><![CDATA[{markup}]]></FormattedContent></Overview>")


LOLS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
DOCUMENTS = {
    "billion laughs": f'<!DOCTYPE q [<!ENTITY l0 "lol">{LOLS}]><q xmlns="{EXTERNAL}">&l9;</q>',
    "quadratic blowup": f'<!DOCTYPE q [<!ENTITY a "{"a" * 30_000}">]><q>{"&a;" * 5_000}</q>',
    "a local file": '<!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]><q>&x;</q>',
    "a remote entity": '<!DOCTYPE q [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]><q>&x;</q>',
    "a parameter entity": '<!DOCTYPE q [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x">%x;]><q/>',
    "a remote DTD": f'<!DOCTYPE q SYSTEM "http://127.0.0.1:9/q.dtd">{EXTERNAL_QUESTION}',
    "an empty DOCTYPE": f"<!DOCTYPE ExternalQuestion>{EXTERNAL_QUESTION}",
    "ten thousand deep": "<a>" * 9_000 + "</a>" * 9_000,
    "never closed": "<a>" * 20_000,
    "ten thousand elements": f'<ExternalQuestion xmlns="{EXTERNAL}">{"<a/>" * 12_000}</ExternalQuestion>',
    "five thousand attributes": "<q " + " ".join(f'a{i}=""' for i in range(5_000)) + "/>",
    "too long": EXTERNAL_QUESTION + " " * 10 + "<!--" + "x" * 66_000 + "-->",
    "another encoding": '<?xml version="1.0" encoding="UTF-16"?>' + EXTERNAL_QUESTION,
    "an unknown encoding": '<?xml version="1.0" encoding="x-none"?>' + EXTERNAL_QUESTION,
    "another namespace": EXTERNAL_QUESTION.replace("2006-07-14", "2006-07-15"),
    "a script in FormattedContent": _formatted("<script>alert(1)</script>"),
    "a handler in FormattedContent": _formatted('<img src="https://a.b/c" onerror="alert(1)"/>'),
    "a script address": _formatted('<a href="javascript:alert(1)">x</a>'),
    "entities in FormattedContent": _formatted('<!DOCTYPE d [<!ENTITY a "b">]><p>&a;</p>'),
    "an address that is none": EXTERNAL_QUESTION.replace("https://example.org", "https://[1:2"),
    "a host of a character that is several": EXTERNAL_QUESTION.replace("example.org", "a\u2100b.org"),
    "such an address in FormattedContent": _formatted('<a href="https://[1:2/">x</a>'),
    "such an address of a file": _form(
        "<Overview><Binary><MimeType><Type>image</Type></MimeType><DataURL>https://[1:2/</DataURL><AltText/></Binary>"
        "</Overview>"
    ),
    "a frame to a script": EXTERNAL_QUESTION.replace("https://example.org/hit?unit=1&amp;of=2", "javascript:alert(1)"),
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_hostile_document_is_refused_quickly(document: str) -> None:
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(Refused) as refused:
            documents.check_question(document)
        assert time.process_time() - began < MAX_SECONDS
        assert tracemalloc.get_traced_memory()[1] < MAX_BYTES
    finally:
        tracemalloc.stop()
    assert refused.value.code == "XMLParseError"


def test_there_are_twenty_four() -> None:
    assert len(DOCUMENTS) == 24


@pytest.mark.parametrize("name", ["billion laughs", "a local file", "ten thousand deep"])
def test_an_answer_key_is_read_as_carefully(name: str) -> None:
    with pytest.raises(BadDocument):
        answer_key.read_answer_key(DOCUMENTS[name])
