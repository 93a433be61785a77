"""HTML that was written for Amazon: its form's address and its form script are replaced by this marketplace's."""

import re

_HOST = r"(?:https?:)?//(?:[a-z0-9-]+\.)*mturk\.com"
# The address of a form, or Amazon's host alone, to which a script adds the path.
_SUBMIT = re.compile(rf"{_HOST}(?::443)?(?=/mturk/externalSubmit|/?[\"'`])", re.IGNORECASE)
_SCRIPT = re.compile(
    r"(?:https?:)?//(?:s3[a-z0-9.-]*\.amazonaws\.com/mturk-public|mturk-public\.s3[a-z0-9.-]*\.amazonaws\.com)"
    r"/externalHIT_v1\.js",
    re.IGNORECASE,
)


def replace(content: str, *, site: str, script: str) -> str:
    """The page with every address of Amazon's forms at `site` (an origin), and `script` for Amazon's own form script.

    Addresses in scripts are replaced as well: many pages set the form's action by JavaScript.
    """
    return _SCRIPT.sub(lambda _: script, _SUBMIT.sub(lambda _: site, content))
