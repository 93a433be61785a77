"""HIT pages and the worker site in other languages: complete, chosen by the browser, added without code."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import ngettext, override

from annotator.languages import find_languages
from tests.annotator.crowd.fixtures import Visitor, campaign, dissection, hit, read_config, visit
from tools.messages import BETWEEN, LOCALE, compile_catalog, is_translated, list_messages, read_catalog, write_catalog

__all__ = ["campaign", "dissection", "hit", "visit"]
LANGUAGES = sorted(path.name for path in LOCALE.iterdir())
PLACEHOLDERS = re.compile(r"%\(\w+\)s|\{\w+\}|</?\w+>")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_untranslated(language: str) -> None:
    """After a new sentence: `python -m tools.messages`, then fill what is empty in each django.po, then again."""
    catalog = read_catalog(LOCALE / language / "LC_MESSAGES" / "django.po")
    assert sorted(catalog) == list_messages()
    assert [message for message, text in catalog.items() if not is_translated(text)] == []
    for message, text in catalog.items():
        for form in text.split(BETWEEN):
            assert sorted(PLACEHOLDERS.findall(form)) == sorted(PLACEHOLDERS.findall(message.split(BETWEEN)[0])), (
                message
            )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_read_is_what_was_translated(language: str, tmp_path: Path) -> None:
    folder = LOCALE / language / "LC_MESSAGES"
    again = tmp_path / "django.po"
    write_catalog(again, read_catalog(folder / "django.po"), language=language)
    assert again.read_text() == (folder / "django.po").read_text()
    assert again.with_suffix(".mo").read_bytes() == (folder / "django.mo").read_bytes()


def test_english_german_spanish_and_chinese_are_there_and_a_folder_adds_another(tmp_path: Path) -> None:
    assert [code for code, _ in find_languages([LOCALE])] == ["en", "de", "es", "zh-hans"]
    new = tmp_path / "fr" / "LC_MESSAGES" / "django.po"
    write_catalog(new, {"Submit": "Envoyer"}, language="fr")
    assert ("fr", "français") in find_languages([LOCALE, tmp_path])
    unfinished = {"Submit": "", f"HIT{BETWEEN}HITs": f"HIT{BETWEEN}"}
    assert compile_catalog(unfinished) == compile_catalog({})  # what is not translated stays English


def test_a_count_takes_the_form_of_its_number_in_each_language(tmp_path: Path) -> None:
    said = {}
    for language in ("en", "de", "es", "zh-hans"):
        with override(language):
            said[language] = [ngettext("{n} day", "{n} days", n).format(n=n) for n in (1, 2, 1_000_000)]
    assert said == {
        "en": ["1 day", "2 days", "1000000 days"],
        "de": ["1 Tag", "2 Tage", "1000000 Tage"],
        "es": ["1 día", "2 días", "1000000 días"],
        "zh-hans": ["1 天", "2 天", "1000000 天"],
    }
    new = tmp_path / "pl" / "LC_MESSAGES" / "django.po"
    message = f"{{n}} day{BETWEEN}{{n}} days"
    write_catalog(new, {message: ""}, language="pl")
    assert "msgstr[3]" in new.read_text()  # Polish has four forms, which whoever translates finds empty
    assert not is_translated(read_catalog(new)[message])


def open_in(visitor: Visitor, language: str) -> Any:
    address = f"/hit/{visitor.hit.public_id}/"
    return visitor.client.get(address, visitor.query(), headers={"Accept-Language": language})


@pytest.mark.django_db
def test_a_hit_page_speaks_the_browsers_language(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = open_in(visitor, "de-AT,de;q=0.9,en;q=0.5")
    text = page.content.decode()
    for words in (
        'lang="de" dir="ltr"',
        "Was haben diese Ausschnitte gemeinsam?",
        "Bevor Sie beginnen",
        "auf Englisch",
    ):
        assert words in text
    assert 'value="object part"' in text  # what an answer says stays what it is
    config = read_config(page)
    assert (config["language"], config["words"]["Saved"]) == ("de", "Gespeichert")
    english = visitor.open()
    assert read_config(english)["words"] == {}
    assert "What do these crops have in common?" in english.content.decode()
    assert "write them in English" not in english.content.decode()


@pytest.mark.django_db
def test_refusals_are_in_the_persons_language(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    token = visitor.start()["work_token"]
    body = {"work_token": token, "client_id": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "description": "x" * 101}
    answer = visitor.client.post(
        f"/hit/{visitor.hit.public_id}/submit", body, "application/json", headers={"Accept-Language": "es"}
    )
    assert answer.json()["error"] == "Use una palabra o frase corta, de 100 caracteres como máximo."


@pytest.mark.django_db
def test_right_to_left_is_said(visit: Callable[..., Visitor], settings: Any) -> None:
    settings.LANGUAGES = [*settings.LANGUAGES, ("ar", "Arabic")]
    assert 'lang="ar" dir="rtl"' in open_in(visit(), "ar").content.decode()


@pytest.mark.django_db
def test_the_dashboard_stays_english(client: Client) -> None:
    page = client.get("/sign-in/", headers={"Accept-Language": "de"})
    assert "Content-Language" not in page.headers


@pytest.mark.django_db
@pytest.mark.urls("annotator.sandbox.urls")
def test_the_worker_site_speaks_the_browsers_language_or_the_chosen_one(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    page = client.get("/worker/", headers={"Accept-Language": "es"})
    assert "HIT en los que puede trabajar" in page.content.decode()
    assert '<html lang="es" dir="ltr">' in page.content.decode()
    client.get("/worker/sign-up?lang=zh-hans")
    assert ">English</a>" in client.get("/worker/sign-up").content.decode()  # each in its own language
    for path, words in (
        ("", "您可以做的 HIT"),
        ("sign-up", "国家或地区"),
        ("sign-in", "您的登录密钥"),
        ("about/terms", "条款"),
    ):
        assert words in client.get(f"/worker/{path}").content.decode()
    problem = client.post("/worker/sign-in", {"key": "none"}).content.decode()
    assert "没有人使用这个登录密钥。" in problem
    assert "HITs you can work on" in client.get("/worker/?lang=en").content.decode()
