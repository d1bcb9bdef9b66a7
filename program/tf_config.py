"""`TF_CONFIG`, the environment variable that names the machines of a cluster."""

import json
import os

from program.errors import RequestError

# What other programs' TF_CONFIG has beside the machines.
OTHER_KEYS = ("task", "environment", "job", "rpc_layer")


def names_cluster() -> bool:
    """Whether `TF_CONFIG` names machines to train on.

    Raises:
      RequestError: it is not a JSON object, or has machines under another key than `cluster`.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return False
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"TF_CONFIG: {error}; docs/several-machines.md shows one") from None
    if not isinstance(content, dict):
        raise RequestError("TF_CONFIG: is not a JSON object; docs/several-machines.md shows one")
    if content.get("cluster"):
        return True
    if others := [key for key in content if key not in ("cluster", *OTHER_KEYS)]:
        raise RequestError(
            f"TF_CONFIG: names no machines under the key cluster, but has {', '.join(others)}; "
            "docs/several-machines.md shows one"
        )
    return False


def refuse_cluster() -> None:
    """Refuses a `TF_CONFIG` with machines in it, for scripts that use one machine; RequestError."""
    if names_cluster():
        raise RequestError(
            "TF_CONFIG: names several machines; train on them with train_cluster.py and the same "
            "flags, or unset TF_CONFIG to train on this machine alone"
        )
