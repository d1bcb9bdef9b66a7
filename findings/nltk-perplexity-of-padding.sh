#!/usr/bin/env bash
# nltk 3.10.4. The usual way to the perplexity of a sentence: pad it on both sides with
# `pad_both_ends`, cut it into n-grams, give them to `lm.perplexity`. `padded_everygram_pipeline`
# trains the model alike.
#
# One would guess: n words give n + 1 events, the words and the end, as with KenLM and SRILM; so
# the perplexities of models of different orders may be compared.
#
# What happens: a model of order k gets k - 1 ends, and each but the first follows an end with
# certainty. They count as words: 2 words give 2 + k - 1 events. Below, each sentence is one of two
# words, then one of two others. Models of orders 2, 3 and 4 give each sentence the same
# probability, 1/4. The perplexity falls from 4^(1/3) to 4^(1/5): a higher order looks better for
# nothing.
#
# To do: pad with one end, `pad_sequence(words, order, pad_left=True, ...)` and one `</s>` by hand,
# in training, too; or take the entropy's sum and divide by n + 1 yourself.
#
# Seen:
#     order 2: 3 events, perplexity 1.587
#     order 3: 4 events, perplexity 1.414
#     order 4: 5 events, perplexity 1.320
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    nltk==3.10.4
cat >"$folder/run.py" <<'PYTHON'
import itertools

from nltk.lm import MLE
from nltk.lm.preprocessing import pad_both_ends, padded_everygram_pipeline
from nltk.util import ngrams

sentences = [list(pair) for pair in itertools.product("ab", "cd")]
for order, expected in ((2, 4 ** (1 / 3)), (3, 4 ** (1 / 4)), (4, 4 ** (1 / 5))):
    model = MLE(order)
    model.fit(*padded_everygram_pipeline(order, sentences))
    events = list(ngrams(pad_both_ends(["a", "d"], order), order))
    perplexity = model.perplexity(events)
    print(f"order {order}: {len(events)} events, perplexity {perplexity:.3f}")
    assert abs(perplexity - expected) < 1e-6 and len(events) == order + 1
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/run.py"
