"""What the benchmarks' command lines read, by argparse's `type`."""

import argparse

from program import paths


def names_of(known):
    """What reads a flag of names, separated by commas, and refuses the unknown."""

    def read(text):
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            message = f"{', '.join(unknown) or 'nothing'} is none of {', '.join(known)}"
            raise argparse.ArgumentTypeError(message)
        return names

    return read


def path(text):
    """Reads the name of a file or directory; `~` is expanded."""
    try:
        return paths.expand(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text):
    """Reads a whole number that is at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text or 'nothing'} is no whole number from 1 on")
    return int(text)


def positives(text):
    """Reads such numbers, separated by commas."""
    return [positive(each) for each in text.split(",")]


def naturals(text):
    """Reads whole numbers from 0 on, separated by commas."""
    return [0 if each == "0" else positive(each) for each in text.split(",")]
