"""Takes away what only Linux has; Python imports this at its start, if it is on PYTHONPATH.

    PYTHONPATH=tests/elsewhere PYTHONIOENCODING=cp1252 python -m pytest

As on Windows, there is no SIGHUP, no fcntl and no number of pages of memory; as on any other system
no `/proc` and no `/dev/fd`; and standard output is in an encoding that lacks most characters.
"""

import builtins
import errno
import functools
import os
import signal
import sys

LINUX_ONLY = ("/proc/", "/dev/fd/")


def _call(function, path, *arguments, **options):
    if str(path).startswith(LINUX_ONLY):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return function(path, *arguments, **options)


def _sysconf(name, known=os.sysconf):
    if "PAGE" in str(name):
        raise AttributeError("os.sysconf")  # there is no such function; asyncio needs it for others
    return known(name)


def _without(function):
    """A function of a path that does not find what only Linux has."""
    return functools.partial(_call, function)  # in a class it is no method, as `function` is none


sys.modules["fcntl"] = None  # type: ignore[assignment]
del signal.SIGHUP
builtins.open = _without(builtins.open)
os.stat = _without(os.stat)
os.sysconf = _sysconf
