"""The words' vectors as text, in the format of word2vec: for gensim and others."""

import os

from exported import files
from program import whole_files
from trained import trained_model

VECTORS_FILE = "vectors.txt"


def write(trained: trained_model.TrainedModel, directory: str) -> None:
    """Writes `vectors.txt` and the vocabulary to a new directory.

    The first line has the numbers of words and of columns. Every other line has a word and its row
    of the embedding, with as many digits as float32 needs.
    """
    vectors = trained_model.read_weights(trained)[trained_model.EMBEDDING][: len(trained.words)]
    with whole_files.new_directory(directory) as unfinished:
        path = os.path.join(unfinished, VECTORS_FILE)
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(f"{len(vectors)} {vectors.shape[1]}\n")
            for word, vector in zip(trained.words, vectors):
                file.write(f"{word} {' '.join(str(x) for x in vector)}\n")
        files.write_vocabulary(trained, unfinished)
