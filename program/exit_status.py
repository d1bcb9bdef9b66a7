"""How a program ends: a mistake is answered in one line, and with a status that is not 0."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator

from absl import flags

from program import standard_streams
from program.errors import UserError
from program.messages import one_line, say
from program.signals import Interrupted


@contextlib.contextmanager
def ending_in_one_line() -> Iterator[None]:
    """Ends the program with one line, and the right status, at what is raised within."""
    program = os.path.basename(sys.argv[0])
    try:
        yield
    except (UserError, flags.Error) as error:
        say(f"{program}: {error}")
        sys.exit(1)
    except Interrupted as error:
        say(f"{program}: {error}")
        sys.exit(error.status)
    except OSError as error:
        if error.errno != errno.EPIPE:  # whoever reads standard output closed it on purpose
            place = f"{error.filename}: " if error.filename else ""
            say(f"{program}: {one_line(place)}{error.strerror or error}")
        sys.exit(1)
    finally:
        try:
            sys.stdout.flush()
        except OSError:  # Python would flush once more at its end, and fail
            standard_streams.discard(sys.stdout)
