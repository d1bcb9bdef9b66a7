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
    content = _read()
    if content.get("cluster"):
        return True
    if others := [key for key in content if key not in ("cluster", *OTHER_KEYS)]:
        raise RequestError(
            f"TF_CONFIG: names no machines under the key cluster, but has {', '.join(others)}; "
            "docs/several-machines.md shows one"
        )
    return False


def _read():
    """The JSON object that `TF_CONFIG` is, a dict; empty if it is not set."""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return {}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"TF_CONFIG: {error}; docs/several-machines.md shows one") from None
    if not isinstance(content, dict):
        raise RequestError("TF_CONFIG: is not a JSON object; docs/several-machines.md shows one")
    return content


def require_cluster() -> None:
    """Refuses a `TF_CONFIG` without machines in it, for scripts that use several; RequestError."""
    if not names_cluster():
        raise RequestError(
            "TF_CONFIG: names no machines (docs/several-machines.md shows how); ptb_word_lm.py "
            "trains on this machine alone"
        )


def is_driver() -> bool:
    """Whether this machine is the first of those that `TF_CONFIG` names, which reads the corpus."""
    content = _read()
    task, jobs = content.get("task"), content.get("cluster")
    if not (isinstance(task, dict) and isinstance(jobs, dict)):
        return False  # which is refused later
    return (task.get("type"), task.get("index")) == (min(jobs), 0)


def refuse_cluster() -> None:
    """Refuses a `TF_CONFIG` with machines in it, for scripts that use one machine; RequestError."""
    if names_cluster():
        raise RequestError(
            "TF_CONFIG: names several machines; train on them with train_cluster.py and the same "
            "flags, or unset TF_CONFIG to train on this machine alone"
        )
