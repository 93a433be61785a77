"""The sandbox process: a marketplace that speaks MTurk, on its own host name."""

import os

from django.core.wsgi import get_wsgi_application

os.environ["UNITSCOPE_SITE"] = "sandbox"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
application = get_wsgi_application()

from annotator.sandbox import delivering  # noqa: E402  models can be imported only now

delivering.wake()  # for notifications that an earlier process did not send
