#!/usr/bin/env bash
# sentencepiece 0.2.3. Subword regularization: `encode(..., enable_sampling=True, alpha=...)`
# samples a segmentation. `alpha` is how strongly, for both kinds of model.
#
# One would guess: 0 means none, that is the usual segmentation, and more means more; at most the
# kinds differ in scale.
#
# What happens: it turns round with the kind. For `bpe` 0 is none, and 1 cuts all into characters.
# For `unigram` it is the inverse of a temperature: 0 is the most random, all segmentations alike
# (here four times as many pieces as usual), and from about 0.5 the usual segmentation is nearly
# certain. A setting that is taken over from one kind to the other (0.1 is common for both) may do
# hardly anything, or hide the words altogether.
#
# To do: for `unigram` lower alpha for more noise; look at the mean number of pieces, as below.
#
# Seen (mean number of pieces of three words, sampled):
#     unigram: alpha 0: 11.5, alpha 0.1: 4.4, alpha 1: 3.0 usual 3
#     bpe: alpha 0: 9.0, alpha 0.1: 10.4, alpha 1: 20.0 usual 9
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile \
    sentencepiece==0.2.3
cat >"$folder/run.py" <<'PYTHON'
import io
import random

import sentencepiece

random.seed(0)
words = (
    "the cat sat on the mat and the dog ran after the cat while the birds sang in the tall old "
    "trees near the river bank people walked along the water and talked about weather and work and "
    "children played with the dogs in the park"
).split()
text = [" ".join(random.choices(words, k=8)) for _ in range(300)]
means = {}
for kind in ("unigram", "bpe"):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_writer=model, vocab_size=70, model_type=kind,
        minloglevel=2, hard_vocab_limit=False, num_threads=1,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    usual, shown = len(processor.encode("the children walked")), []
    for alpha in (0.0, 0.1, 1.0):
        options = {"enable_sampling": True, "nbest_size": -1, "alpha": alpha}
        sampled = [processor.encode("the children walked", **options) for _ in range(300)]
        mean = sum(map(len, sampled)) / len(sampled)
        means[kind, alpha] = mean / usual
        shown.append(f"alpha {alpha:g}: {mean:.1f}")
    print(kind + ":", ", ".join(shown), "usual", usual)
assert means["unigram", 0.0] > 3 > 1.6 > means["unigram", 0.1] > 1.1
assert means["unigram", 1.0] < 1.02
assert means["bpe", 0.0] == 1 < means["bpe", 0.1] < means["bpe", 1.0] > 2
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/run.py"
