#!/usr/bin/env bash
# sacremoses 0.2.0, and the Moses script `normalize-punctuation.perl` that it follows. Newspapers
# write ten thousand as 10 000, with a space that does not break (U+00A0) between the digits.
#
# One would guess: normalized as English, it becomes 10,000 or 10000; at worst it stays.
#
# What happens: it becomes 10.000, which in English is ten. The space becomes a comma for German,
# Spanish, Czech and French, where a comma is the decimal sign, and a point for all others, English
# included: each language gets the sign that in it means the opposite. Numbers of a corpus shrink
# to a thousandth, and a translation model learns that 10 000 is 10.000.
#
# To do: replace the space between digits yourself, before; or `norm_numbers=False`.
#
# Seen:
#     en: 10.000 people
#     de: 10,000 people
#     en, norm_numbers=False: 10 000 people
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    sacremoses==0.2.0
cat >"$folder/run.py" <<'PYTHON'
from sacremoses import MosesPunctNormalizer

text = "10\u00a0000 people"
seen = [
    MosesPunctNormalizer("en").normalize(text),
    MosesPunctNormalizer("de").normalize(text),
    MosesPunctNormalizer("en", norm_numbers=False).normalize(text),
]
print("\n".join(seen))
assert seen[:2] == ["10.000 people", "10,000 people"] and "10" in seen[2] and "." not in seen[2]
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/run.py"
