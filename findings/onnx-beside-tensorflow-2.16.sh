#!/usr/bin/env bash
# tensorflow 2.16.2, onnx 1.19.0, on Python 3.10 to 3.12. The two are installed together.
#
# One would guess: what pip installs together without a complaint can be imported together. If two
# packages need different versions of a third, pip says so, or takes an older release of one.
#
# What happens: TensorFlow holds ml-dtypes at 0.3, onnx asks for any ml_dtypes, and `pip check`
# finds nothing. But onnx reads `ml_dtypes.float4_e2m1fn` while it is imported, which 0.3 does not
# have. So `import onnx` raises an AttributeError: code that expects an ImportError from an optional
# package does not catch it.
#
# To do: onnx below 1.19 beside TensorFlow 2.16 and 2.17; `except Exception` around the import.
#
# Seen:
#     No broken requirements found.
#     ml_dtypes 0.3.2, wanted by onnx: ml_dtypes
#     import onnx: AttributeError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    tensorflow==2.16.2 onnx==1.19.0
cat >"$folder/run.py" <<'PYTHON'
from importlib import metadata

wanted = [line for line in metadata.requires("onnx") if "dtypes" in line]
print(f"ml_dtypes {metadata.version('ml_dtypes')}, wanted by onnx: {', '.join(wanted)}")
try:
    import onnx  # noqa: F401

    print("import onnx: works")
except Exception as error:
    print(f"import onnx: {type(error).__name__}")
PYTHON
seen=$("$folder/venv/bin/pip" check; "$folder/venv/bin/python" "$folder/run.py")
printf '%s\n' "$seen"
expected=$(sed -n '/^# Seen:/,/^set/s/^#     //p' "$0")
[ "$seen" = "$expected" ] || { echo "not what was seen before" >&2; exit 1; }
