"""A SavedModel: for TensorFlow Serving, and for any TensorFlow from 1.15 on."""

import tempfile

import tensorflow as tf

from exported import files, signatures
from model import devices
from program import whole_files
from trained import trained_model
from trained.language_model import new_graph

tf1 = tf.compat.v1


def write(
    trained: trained_model.TrainedModel, directory: str, next_state: str = signatures.NEXT_STATE
) -> None:
    """Writes a trained model as a SavedModel, whole or not at all.

    Args:
      trained: the model.
      directory: where nothing is yet.
      next_state: see `signatures.add_next_word`.
    """
    config = devices.session_config(0, 1)
    with (
        whole_files.new_directory(directory) as unfinished,
        tempfile.TemporaryDirectory() as temporary,
        new_graph().as_default(),
        tf1.Session(config=config) as session,
    ):
        named = _add_signatures(trained, next_state)
        trained_model.restore_weights(session, trained)
        paths = files.write_vocabulary(trained, temporary)
        assets = [tf.constant(path, name="assets/path") for path in paths]
        for asset in assets:
            tf1.add_to_collection(tf1.GraphKeys.ASSET_FILEPATHS, asset)
        builder = tf1.saved_model.Builder(unfinished)
        builder.add_meta_graph_and_variables(
            session,
            [tf1.saved_model.tag_constants.SERVING],
            named,
            assets_collection=assets,
            strip_default_attrs=True,
        )
        builder.save()


def _add_signatures(trained, next_state):
    """Adds the signatures to the current graph; returns a dict of name to `SignatureDef`."""
    signature = tf1.saved_model.predict_signature_def
    # Within a loop, names begin anew, without a scope. In ONNX, a name within a loop must not be
    # that of anything outside. So all that is outside is in a scope.
    with tf1.name_scope("next_word"):
        next_word = signature(*signatures.add_next_word(trained.config, next_state, trained.cell))
    with tf1.name_scope("score"):
        score = signature(*signatures.add_score(trained.config, trained.start, trained.cell))
    return {"serving_default": next_word, "next_word": next_word, "score": score}
