#!/usr/bin/env bash
# nltk 3.10.4. Its vocabulary has an `<UNK>` for words that training did not see, and its
# interpolated models are smoothed: each order is mixed with the one below.
#
# One would guess: a smoothed model gives an unseen word a small probability, and a text with one
# has a finite perplexity. That is what smoothing is for, and what the same methods do in KenLM.
#
# What happens: KneserNeyInterpolated, WittenBellInterpolated and AbsoluteDiscountingInterpolated
# give `<UNK>` exactly 0, and the text a perplexity of infinity: the lowest order is not mixed with
# anything. It also gives `<s>`, which nothing can be followed by, a share of the words'
# probability.
#
# To do: replace rare words by `<UNK>` in the training text, so that it is counted; or use
# Lidstone.
#
# Seen:
#     KneserNeyInterpolated: P(<UNK>) = 0, perplexity inf, P(<s>) = 0
#     WittenBellInterpolated: P(<UNK>) = 0, perplexity inf, P(<s>) = 0.25
#     AbsoluteDiscountingInterpolated: P(<UNK>) = 0, perplexity inf, P(<s>) = 0.25
#     Lidstone: P(<UNK>) = 0.00602, perplexity 166, P(<s>) = 0.247
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    nltk==3.10.4
cat >"$folder/run.py" <<'PYTHON'
import math

from nltk.lm import models
from nltk.lm.preprocessing import padded_everygram_pipeline

sentences = [list("ab"), list("ba"), list("ca"), list("cb")]
kinds = [
    models.KneserNeyInterpolated(2),
    models.WittenBellInterpolated(2),
    models.AbsoluteDiscountingInterpolated(2),
    models.Lidstone(0.1, 2),
]
seen = {}
for model in kinds:
    model.fit(*padded_everygram_pipeline(2, sentences))
    unknown, start = model.score("unseen"), model.score("<s>")
    perplexity = model.perplexity([("unseen",)])
    seen[type(model).__name__] = unknown, perplexity
    print(f"{type(model).__name__}: P(<UNK>) = {unknown:.3g},", end=" ")
    print(f"perplexity {perplexity:.3g}, P(<s>) = {start:.3g}")
    assert math.isclose(sum(model.score(word) for word in model.vocab), 1.0)
assert seen.pop("Lidstone")[0] > 0
assert list(seen.values()) == 3 * [(0.0, math.inf)]
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/run.py"
