"""What the scripts of this folder share: flags, and mistakes answered in one line.

None of them needs TensorFlow.
"""

import argparse
import contextlib
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from program import messages, paths, standard_streams  # noqa: E402
from program.errors import UserError  # noqa: E402
from program.messages import one_line  # noqa: E402


class FlagParser(argparse.ArgumentParser):
    """Explains the flags with a script's docstring; a mistake is one line on standard error."""

    def __init__(self, docstring):
        """Takes the script's `__doc__`, shown by --help as it is written."""
        super().__init__(
            description=docstring,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message):
        """Ends the program with status 1."""
        sys.exit(f"{self.prog}: {message} (--help explains the flags)")


def at_least(minimum):
    """The type of a flag that is a whole number, not below `minimum`."""

    def parse(text):
        number = int(text)
        if number < minimum:
            raise argparse.ArgumentTypeError(f"{number} is too small, the least is {minimum}")
        return number

    parse.__name__ = "int"  # argparse names the type when text is no number at all
    return parse


def path(text):
    """The type of a flag that names a file or directory, see `paths.expand`."""
    try:
        return paths.expand(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from None


def make_directory(path):
    """Makes a directory unless it exists; UserError if that cannot be."""
    if not path:
        raise UserError("the directory to write to has an empty name")
    try:
        os.makedirs(path, exist_ok=True)
    except FileExistsError:
        raise UserError(f"{path}: is a file; name a directory") from None


def say(message):
    """Prints a line on standard error, after the program's name."""
    messages.say(f"{os.path.basename(sys.argv[0])}: {message}")


@contextlib.contextmanager
def naming(path):
    """Gives an OSError of reading or writing, such as that of a full disk, the file's name."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or path
        raise


def _interrupt(number, _):
    signal.signal(number, signal.SIG_IGN)  # a second one would interrupt the ending
    raise KeyboardInterrupt


def run(main):
    """Calls `main`; a mistake of the user's ends the program with one line and status 1.

    So does a file that cannot be read or written. An interrupt ends it with status 130.
    """
    program = os.path.basename(sys.argv[0])
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    standard_streams.open_closed()
    standard_streams.prepare_output()
    try:
        main()
        sys.stdout.flush()
    except UserError as error:
        sys.exit(f"{program}: {error}")
    except OSError as error:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        standard_streams.discard(sys.stdout)  # Python would fail once more at its end
        if isinstance(error, BrokenPipeError):  # whoever closed standard output has seen enough
            sys.exit(1)
        path = error.filename2 or error.filename  # of two, the one to be replaced
        place = f"{path}: " if path else ""
        sys.exit(f"{program}: {one_line(place)}{error.strerror or error}")
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        sys.exit(130)
