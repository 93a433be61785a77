"""HTML that was written for Amazon: its form's address and its form scripts are replaced by this marketplace's."""

import re

_HOST = r"(?:https?:)?//(?:[a-z0-9-]+\.)*mturk\.com"
# The address of a form, or Amazon's host alone, to which a script adds the path.
_SUBMIT = re.compile(rf"{_HOST}(?::443)?(?=/mturk/externalSubmit|/?[\"'`])", re.IGNORECASE)
_SCRIPT = re.compile(
    r"(?:https?:)?//(?:s3[a-z0-9.-]*\.amazonaws\.com/mturk-public|mturk-public\.s3[a-z0-9.-]*\.amazonaws\.com)"
    r"/externalHIT_v1\.js",
    re.IGNORECASE,
)
# The script of <crowd-form> and the elements in it.
_ELEMENTS = re.compile(r"(?:https?:)?//assets\.crowd\.aws/crowd-html-elements(?:[a-z0-9.-]*)\.js", re.IGNORECASE)


def replace(content: str, *, site: str, script: str, elements: str) -> str:
    """The page with every address of Amazon's forms at `site` (an origin), `script` for Amazon's own form script, and
    `elements` for that of its crowd elements.

    Addresses in scripts are replaced as well: many pages set the form's action by JavaScript.
    """
    content = _ELEMENTS.sub(lambda _: elements, content)
    return _SCRIPT.sub(lambda _: script, _SUBMIT.sub(lambda _: site, content))
