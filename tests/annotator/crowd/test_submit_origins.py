"""No spelling of `turkSubmitTo` makes a page post anywhere but to its campaign's marketplace."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

pytestmark = pytest.mark.django_db
Visit = Callable[..., Any]

TRICKS = [
    "", "null", "//127.0.0.1:8001", "http://127.0.0.1:8001.evil.example", "http://127.0.0.1:8001@evil.example",
    "http://evil.example/http://127.0.0.1:8001", "http://evil.example#http://127.0.0.1:8001",
    "http://evil.example?http://127.0.0.1:8001", "https://127.0.0.1:8001", "HTTP://127.0.0.1:8001",
    "http://127.0.0.1", "http://127.0.0.1:80018", "http://127.0.0.1:8001//", "http://127.0.0.1:8001/x",
    "http://127.0.0.1:8001/../", "http://127.0.0.1:8001\\@evil.example", "http://127.0.0.1:8001%40evil.example",
    "http://127.0.0.1:8001%2eevil.example", "http://127.0.0.1:8001 ", " http://127.0.0.1:8001",
    "http://127.0.0.1:8001\n", "\thttp://127.0.0.1:8001", "http://127.0.0.1:8001\r\nSet-Cookie: a=b",
    "http://127.0.0.1:8001\x00", "http://0177.0.0.1:8001", "http://2130706433:8001", "http://127.1:8001",
    "http://[::ffff:127.0.0.1]:8001", "http://localhost:8001", "http://user@127.0.0.1:8001",
    "http://user:pass@127.0.0.1:8001", "http://127.0.0.1:08001", "http://127.0.0.1:8001?", "http://127.0.0.1:8001#",
    "http://127.0.0.1:8001;", "http://127.0.0.1:8001,http://evil.example", "http://１27.0.0.1:8001",
    "http://127。0。0。1:8001", "http://127.0.0.1.:8001", "javascript:alert(1)//http://127.0.0.1:8001",
    "data:text/html,http://127.0.0.1:8001", "file:///etc/passwd", "http:127.0.0.1:8001", "http:/127.0.0.1:8001",
    "http:\\\\127.0.0.1:8001", "http:///127.0.0.1:8001", "https://www.mturk.com", "https://workersandbox.mturk.com",
    "https://www.mturk.com.evil.example", "http://evil.example/\"><script>alert(1)</script>", "http://127.0.0.1:8001'",
]  # fmt: skip


def test_no_spelling_of_turk_submit_to_leaves_the_allow_list(visit: Visit) -> None:
    assert len(TRICKS) >= 50
    for trick in TRICKS:
        spelling = trick.replace("http://127.0.0.1:8001", settings.SANDBOX_URL)
        response = visit(submit_to=spelling).open()
        page = response.content.decode()
        assert response.status_code == 400, spelling
        assert 'id="refusal"' in page, spelling
        assert "hit-config" not in page, spelling
        assert "evil" not in page, spelling
