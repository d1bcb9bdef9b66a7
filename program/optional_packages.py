"""Packages that only some requests need: imported when they are asked for."""

import importlib
from types import ModuleType

from program.errors import RequestError


def import_package(module: str, flag: str, package: str = "") -> ModuleType:
    """Imports a module of a package that need not be installed.

    Args:
      module: its name.
      flag: the request that needs it, such as `--format=onnx`.
      package: what `pip install` calls it, if that is another name than the module's.

    Raises:
      RequestError: it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except Exception as error:  # beside another package of another age, it may raise anything
        package, missing = package or module.split(".")[0], isinstance(error, ImportError)
        advice = f"pip install {package}" if missing else "try another version of it"
        raise RequestError(
            f"{flag}: needs the package {package}, which cannot be imported ({error}): {advice}"
        ) from None
