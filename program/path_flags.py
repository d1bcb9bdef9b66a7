"""Flags whose values are paths: see `paths.expand`."""

import os

from absl import flags

from program import paths


def split(text: str) -> list[str]:
    """Splits paths at commas, and expands `~`. A name with commas in it that exists is one path."""
    names, found = [name.strip() for name in text.split(",")] if text else [], []
    while names:
        joined = {n: paths.expand(",".join(names[:n])) for n in range(len(names), 0, -1)}
        taken = next((n for n, path in joined.items() if _exists(path)), 1)
        found.append(joined[taken])
        del names[:taken]
    return found


def _exists(path):
    return os.path.lexists(path) or os.path.lexists(f"{path}.index")  # a checkpoint's prefix


class _PathParser(flags.ArgumentParser):
    def parse(self, argument):
        return paths.expand(argument)


class _PathsParser(flags.ArgumentParser):
    def parse(self, argument):
        return argument if isinstance(argument, list) else split(argument)


def define_path(name: str, default: str | None, help_text: str) -> None:
    """Defines a flag that is one path, str."""
    flags.DEFINE(_PathParser(), name, default, help_text, serializer=flags.ArgumentSerializer())


def define_paths(name: str, default: list | None, help_text: str) -> None:
    """Defines a flag that is paths separated by commas, a list of str; see `split`."""
    flags.DEFINE(_PathsParser(), name, default, help_text, serializer=flags.CsvListSerializer(","))


def define_repeated_path(name: str, default: list | None, help_text: str) -> None:
    """Defines a flag that may be given several times, one path each time; a list of str."""
    flags.DEFINE_multi(_PathParser(), flags.ArgumentSerializer(), name, default, help_text)
