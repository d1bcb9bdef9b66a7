"""Flags whose values are paths: `~` is expanded, which absl does not do."""

import os

from absl import flags

flags.disclaim_key_flags()  # --help shows the flags of the script that defines them


def expand(path):
    """Expands the `~` or `~user` that a path begins with; ValueError if there is no such user."""
    expanded = os.path.expanduser(path)
    if path.startswith("~") and expanded == path:
        raise ValueError(f"there is no user {path[1:].split('/')[0]}; a name that begins so is ./~")
    return expanded


def split(text):
    """Splits paths separated by commas; what exists under a name with commas in it is one path.

    Returns:
      List of str, `~` expanded.
    """
    names, paths = [name.strip() for name in text.split(",")] if text else [], []
    while names:
        joined = {n: expand(",".join(names[:n])) for n in range(len(names), 0, -1)}
        taken = next((n for n, path in joined.items() if _exists(path)), 1)
        paths.append(joined[taken])
        del names[:taken]
    return paths


def _exists(path):
    return os.path.lexists(path) or os.path.lexists(f"{path}.index")  # a checkpoint's prefix


class _PathParser(flags.ArgumentParser):
    def parse(self, argument):
        return expand(argument)


class _PathsParser(flags.ArgumentParser):
    def parse(self, argument):
        return argument if isinstance(argument, list) else split(argument)


def define_path(name, default, help_text):
    """Defines a flag that is one path, str."""
    flags.DEFINE(_PathParser(), name, default, help_text, serializer=flags.ArgumentSerializer())


def define_paths(name, default, help_text):
    """Defines a flag that is paths separated by commas, a list of str; see `split`."""
    flags.DEFINE(_PathsParser(), name, default, help_text, serializer=flags.CsvListSerializer(","))


def define_repeated_path(name, default, help_text):
    """Defines a flag that is one path each time that it is given, a list of str."""
    flags.DEFINE_multi(_PathParser(), flags.ArgumentSerializer(), name, default, help_text)
