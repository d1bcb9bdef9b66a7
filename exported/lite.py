"""The signature `next_word` for LiteRT, formerly TensorFlow Lite."""

import tensorflow as tf

from program import tensorflow_import


def convert(directory: str, quantize: bool = False) -> bytes:
    """The signature `next_word` of an exported model as a LiteRT model.

    It needs LiteRT's built-in operations alone; the loop in `score` would need TensorFlow's.

    Args:
      directory: a SavedModel, of `saved_model.write`.
      quantize: whether to keep the matrices in 8 bit.
    """
    with tensorflow_import.no_standard_error():  # the converter chatters at every log level
        converter = tf.lite.TFLiteConverter.from_saved_model(
            directory, signature_keys=["next_word"]
        )
        if quantize:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return converter.convert()
