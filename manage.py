#!/usr/bin/env python
"""Django's command line. Where no DATABASE_URL and REDIS_URL are set it uses the embedded services."""

import os
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotator.settings")
    from annotator import embedded, env, postgres

    try:
        with embedded.in_environment():
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)
    except (env.BadSetting, postgres.EmbeddedServiceFailed) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        from annotator.commanding import explain

        sentence = explain(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
