"""How every script of this folder ends.  Not a test by itself."""

import os
import sys
import traceback


def end(status):
    """Without what the packages do at exit: threads of pyarrow that live on there may abort it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run(scenario, *words):
    """The whole of a script: one function; what it raises is shown, and ends with status 1."""
    try:
        scenario(*words)
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
        end(1)
    end(0)
