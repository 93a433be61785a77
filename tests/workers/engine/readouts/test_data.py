"""Files of questions and captions as VQA, DAQUAR and COCO write them, and what is wrong with others."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workers.engine.readouts.captions import read_captions
from workers.engine.readouts.options import Options, ReadoutInvalid
from workers.engine.readouts.questions import Question, read_questions
from workers.engine.readouts.readout import Readout
from workers.engine.readouts.shown import Wanted
from workers.engine.readouts.splits import draw_test, find_test
from workers.engine.readouts.tasks import regress, vqa
from workers.engine.readouts.words import split_words


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for name in ("COCO_train2014_000000000009.jpg", "COCO_val2014_000000000042.jpg", "plain.png"):
        Image.new("RGB", (8, 8)).save(tmp_path / "images" / name)
    return tmp_path


def test_both_parts_of_vqa_are_read_with_what_ten_people_said(folder: Path) -> None:
    said = ["yes"] * 2 + ["no"] * 8
    for part, image in (("train", 9), ("val", 42)):
        questions = [{"question_id": image, "image_id": image, "question": "Is it a dog?"}]
        answers = [{"question_id": image, "multiple_choice_answer": "no", "answers": [{"answer": one} for one in said]}]
        (folder / f"v2_OpenEnded_{part}2014_questions.json").write_text(json.dumps({"questions": questions}))
        (folder / f"v2_{part}2014_annotations.json").write_text(json.dumps({"annotations": answers}))
    found = read_questions([folder], None)
    assert [(one.path, one.is_test) for one in found.questions] == [
        ("COCO_train2014_000000000009.jpg", False), ("COCO_val2014_000000000042.jpg", True),
    ]  # fmt: skip
    one = found.questions[0]
    assert (one.answer, one.grade("no"), one.grade("cat")) == ("no", 1.0, 0.0)
    assert one.grade("yes") == pytest.approx(2 / 3)
    assert Question("a", one.text + " is it?", ("no",)).words == ["is", "it", "a", "dog"]
    # Version 1 tells one answer in place of ten.
    told = {"annotations": [{"question_id": 42, "multiple_choice_answer": "Yes"}]}
    (folder / "annotations.json").write_text(json.dumps(told))
    alone = read_questions([folder / "v2_OpenEnded_val2014_questions.json", folder / "annotations.json"], None)
    assert [(one.answers, one.is_test) for one in alone.questions] == [(("yes",), None)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("पानी कहाँ है", ["पानी", "कहाँ", "है"]),
        ("น้ำสีแดง", ["น้ำสีแดง"]),
        ("กา\u200bแฟ", ["กา", "แฟ"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("Cafe\u0301, İzmir!", ["café", "izmir"]),
        ("İstanbul café’s", ["istanbul", "café's"]),
        ("What’s ‘this’ ?", ["what's", "this"]),
        ("a ❤\ufe0f dog", ["a", "dog"]),
        ("the man's t-shirt - is_it 2?", ["the", "man's", "t-shirt", "-", "is_it", "2"]),
    ],
)
def test_words_are_whole_in_any_script(text: str, words: list[str]) -> None:
    for form in ("NFC", "NFD"):
        assert split_words(unicodedata.normalize(form, text)) == [unicodedata.normalize("NFC", one) for one in words]


def test_questions_with_several_answers_at_once_are_counted(folder: Path) -> None:
    lines = ["image_id;question;answer", "plain;what is it;dog", "plain;what is there;knife, fork"]
    lines += ["plain;who is it;", "plain;where is it; "]
    (folder / "data.csv").write_text("\n".join(lines))
    found = read_questions([folder], None)
    assert [(one.path, one.answer) for one in found.questions] == [("plain.png", "dog")]
    assert (found.n_several, found.n_unanswered) == (1, 2)
    (folder / "captions.csv").write_text("image;caption\nplain;A dog, red\n42;Two cats\n")
    assert read_captions([folder / "captions.csv"], None).captions["plain.png"] == ["A dog, red"]


def test_captions_of_coco_are_read_by_photograph(folder: Path) -> None:
    images = [{"id": 1, "file_name": "COCO_val2014_000000000042.jpg"}, {"id": 2, "file_name": "plain.png"}]
    said = [(1, "A dog ."), (2, "Two cats ."), (1, "The dog"), (2, " . "), (1, " \n"), (2, "")]
    told = {"images": images, "annotations": [{"image_id": i, "caption": text} for i, text in said]}
    (folder / "captions_val.json").write_text(json.dumps(told))
    found = read_captions([folder], None)
    assert found.captions == {"COCO_val2014_000000000042.jpg": ["A dog .", "The dog"], "plain.png": ["Two cats ."]}


@pytest.mark.parametrize(("question", "words"), [("  ", "ask one with --question"), ("???", "'[?]{3}' has no words")])
def test_a_question_has_words(question: str, words: str) -> None:
    readout = Readout("vqa", {}, "2", 1, {"names": [], "vocabulary": []}, {})
    with pytest.raises(ReadoutInvalid, match=words):
        vqa.show(readout, np.zeros((1, 2, 2), np.float32), Wanted(question=question))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "image,question\nplain,what\n", "needs the columns image, question and answer"),
        ("a.csv", "image,question,answer\nabsent,what,dog\n", "1 photograph that is named is not in images: 'absent'"),
        ("a.csv", "image,question,answer\n7,a,b\nplain,a,b\nx,a,b\n", "2 photographs .* not in images: '7', 'x'"),
        ("a.csv", "image,question,answer\nplain,what,\n", "no question with one answer"),
        ("a.json", '{"questions": []}', "VQA needs a file with questions and one with annotations"),
        ("a.json", "[]", "a.json holds no object"),
        ("a.json", "{", "a.json, line 1, column 2"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(folder: Path, name: str, text: str, words: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(ReadoutInvalid, match=words):
        read_questions([folder / name], None)


ASKED = {"question_id": 1, "image_id": 9, "question": "what"}
SAID = {"question_id": 1, "multiple_choice_answer": "dog"}


@pytest.mark.parametrize(
    ("questions", "annotations", "words"),
    [
        ([ASKED], None, "annotations: 'None' is not a list"),
        ([ASKED], [[1]], r"annotations 1: '\[1\]' is not an object"),
        ([ASKED], ["text"], "annotations 1: 'text' is not an object"),
        ([ASKED], [{"multiple_choice_answer": "dog"}], "annotations 1, question_id: 'None' is neither"),
        ([ASKED], [SAID | {"question_id": [1]}], r"annotations 1, question_id: '\[1\]' is neither"),
        (
            [ASKED],
            [SAID, SAID | {"multiple_choice_answer": "cat"}],
            "annotations 2, question_id: '1' has other",
        ),
        ([ASKED], [SAID | {"answers": ["dog"]}], "annotations 1, answers 1: 'dog' is not an object"),
        ([ASKED], [SAID | {"multiple_choice_answer": None}], "multiple_choice_answer: 'None' is neither"),
        ([ASKED | {"question": None}], [SAID], "questions 1, question: 'None' is not a text"),
        ([{"question_id": 1, "question": "what"}], [SAID], "questions 1, image_id: 'None' is neither"),
        ("text", [SAID], "questions: 'text' is not a list"),
    ],
)
def test_a_damaged_entry_of_vqa_is_named(folder: Path, questions: object, annotations: object, words: str) -> None:
    (folder / "a.json").write_text(json.dumps({"questions": questions, "annotations": annotations}))
    with pytest.raises(ReadoutInvalid, match=words):
        read_questions([folder / "a.json"], None)


PLACES = ("plain.png", "COCO_val2014_000000000042.jpg", "COCO_train2014_000000000009.jpg")
NAMED = {"id": 1, "file_name": "plain.png"}


@pytest.mark.parametrize(
    ("images", "annotations", "words"),
    [
        ([NAMED], [{"image_id": 9, "caption": "A dog"}], "annotations 1, image_id: '9' is in no entry of images"),
        ([NAMED], [{"image_id": 1, "caption": None}], "annotations 1, caption: 'None' is not a text"),
        ([NAMED, NAMED | {"file_name": "b.png"}], [], "images 2, id: '1' has another file_name"),
        ([NAMED], None, "annotations: 'None' is not a list"),
        ([{"id": 1}], [], "images 1, file_name: 'None' is not a text"),
    ],
)
def test_a_damaged_entry_of_captions_is_named(folder: Path, images: object, annotations: object, words: str) -> None:
    (folder / "c.json").write_text(json.dumps({"images": images, "annotations": annotations}))
    with pytest.raises(ReadoutInvalid, match=words):
        read_captions([folder / "c.json"], None)


@pytest.mark.parametrize(
    ("asked", "words"), [("0.jpg", "a/0.jpg or b/0.jpg"), ("0", "a/0.jpg or b/0.jpg"), ("7", "a/x7.jpg or b/y07.jpg")]
)
def test_a_name_that_fits_several_photographs_is_refused(folder: Path, asked: str, words: str) -> None:
    for name in ("a/0.jpg", "b/0.jpg", "b/y07.jpg", "a/x7.jpg"):
        (folder / "images" / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / "images" / name)
    (folder / "data.csv").write_text(f"image,question,answer,caption,target\n{asked},what,dog,A dog,1\n")
    (folder / "captions.csv").write_text(f"image,caption\n{asked},A dog\nb/0.jpg,A cat\n")
    for read in (
        lambda: read_questions([folder / "data.csv"], None),
        lambda: read_captions([folder / "captions.csv"], None),
        lambda: regress.read_table(folder / "data.csv", None),
    ):
        with pytest.raises(ReadoutInvalid, match=f"{asked} may be {words}"):
            read()
    (folder / "captions.csv").write_text("image,caption\na/0.jpg,A dog\nb/0,A cat\n")
    assert list(read_captions([folder / "captions.csv"], None).captions) == ["a/0.jpg", "b/0.jpg"]


def test_hidden_copies_of_a_photograph_are_not_meant(folder: Path) -> None:
    for name in ("._COCO_val2014_000000000042.jpg", ".thumbnails/COCO_val2014_000000000042.jpg", "b.jpg"):
        (folder / "images" / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / "images" / name)
    text = "image,caption\n42,A dog\nCOCO_val2014_000000000042,A dog\nb,A cat\nb.jpg,A red cat\n"
    (folder / "captions.csv").write_text(text)
    found = read_captions([folder / "captions.csv"], None).captions
    assert found == {"COCO_val2014_000000000042.jpg": ["A dog"] * 2, "b.jpg": ["A cat", "A red cat"]}


def test_a_photograph_has_one_target(folder: Path) -> None:
    file = folder / "targets.csv"
    file.write_text("image,target\nplain,1\n42,2\nplain,1.0\n")
    found = regress.read_table(file, None)
    assert (found.paths, found.values.tolist()) == (["plain.png", "COCO_val2014_000000000042.jpg"], [1, 2])
    file.write_text("image,target\nplain,1\n42,-1e301\n")
    with pytest.raises(ReadoutInvalid, match="line 3, column target: '-1e301' is farther from 0 than 1e\\+30"):
        regress.read_table(file, None)
    for header, first, second in (("target", "1", "2"), ("target,split", "1,test", "1,train")):
        file.write_text(f"image,{header}\nplain,{first}\nplain,{second}\n")
        with pytest.raises(ReadoutInvalid, match=r"line 3, column image: 'plain' is plain.png, of which another row"):
            regress.read_table(file, None)


def test_a_column_split_says_which_photographs_are_for_the_test(folder: Path) -> None:
    file = folder / "data.csv"
    rows = ["plain,what,dog,A dog,1,{}", "42,what,cat,A cat,2,TEST ", "9,what,hen,A hen,3,Dev"]
    text = "\ufeff" + "\r\n".join(["Image,Question,Answer,Caption,Target,Split", *rows])
    file.write_text(text.format("training"), newline="")
    readers = {
        "questions": lambda: [one.is_test for one in read_questions([file], None).questions],
        "captions": lambda: [read_captions([file], None).is_test[path] for path in PLACES],
        "targets": lambda: regress.read_table(file, None).is_test,
    }
    for read in (readers["questions"], readers["captions"]):
        assert read() == [False, True, True]
    for said in ("", "fold 2"):
        file.write_text(text.format(said), newline="")
        for read in (readers["questions"], readers["captions"]):
            with pytest.raises(ReadoutInvalid, match=f"line 2, column split: '{said}' is neither train nor test"):
                read()
    file.write_text("image,target,split\nplain,1,train\n42,2,val\n")
    assert readers["targets"]() == [False, True]
    file.write_text("image,target,split\nplain,1,train\n42,2,late\n")
    with pytest.raises(ReadoutInvalid, match="line 3, column split: 'late' is neither"):
        readers["targets"]()
    file.write_text("image,caption,split\nplain,A dog,train\n42,A cat,test\nplain.png,The dog,test\n")
    with pytest.raises(ReadoutInvalid, match=r"'plain.png' is to train on in one row, and for the test in another"):
        readers["captions"]()


def test_a_list_names_the_photographs_to_test_on_as_tables_do() -> None:
    paths = ["a/1.jpg", "b/1.jpg", "b/2.jpg", "b/2.jpg"]

    def find(*names: str) -> list[bool]:
        return find_test(paths, Options(data=("x",), test=names))[0].tolist()

    assert find("2", "2.jpg") == [False, False, True, True]
    assert find("./a\\1.jpg", "photographs/b/2.jpg") == [True, False, True, True]
    with pytest.raises(ReadoutInvalid, match=r"1.jpg may be a/1.jpg or b/1.jpg"):
        find("1.jpg")
    with pytest.raises(ReadoutInvalid, match=r"lists 2 photographs that .* unreadable: 3.jpg, c/2.jpg"):
        find("3.jpg", "c/2.jpg", "3.jpg", "a/1.jpg")


def test_the_split_depends_on_paths_and_seed_alone() -> None:
    paths = [f"{number}.png" for number in range(100)]
    for seed in (0, 1):
        flags = dict(zip(paths, draw_test(paths, 0.25, seed=seed), strict=True))
        assert sum(flags.values()) == 25
        again = dict(zip(paths[::-1], draw_test(paths[::-1], 0.25, seed=seed), strict=True))
        assert again == flags
    assert 5 < sum(draw_test(paths, 0.5, seed=0) & draw_test(paths, 0.5, seed=1)) < 45
    assert draw_test(["a", "b", "a"], 0.5, seed=0).tolist() in ([True, False, True], [False, True, False])
