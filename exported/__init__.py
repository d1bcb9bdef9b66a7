"""A trained model written for other programs. `export.py` chooses the format.

* `signatures.py`: what an exported model can be asked, as a TensorFlow graph.
* `saved_model.py`, `lite.py`: that graph as a SavedModel, and for LiteRT.
* `onnx_models.py`: the same as ONNX.
* `layouts.py`: how other libraries lay out the weights of an LSTM.
* `arrays.py`: the weights alone, for PyTorch or for NumPy.
* `word_vectors.py`: the words' vectors, for gensim.
* `files.py`: what is written is whole or not there, and has the vocabulary beside it.
"""
