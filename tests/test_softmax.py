import numpy as np
import pytest
import tensorflow as tf

from model import softmax

tf1 = tf.compat.v1


def arguments(scale=1.0):
    rng = np.random.default_rng(0)
    outputs, w, b = (rng.normal(size=s).astype(np.float32) for s in [(6, 4), (4, 9), (9,)])
    return scale * outputs, w, b, np.array([0, 8, 3, 3, 7, 1], np.int32)


def losses_and_gradients(outputs, w, b, targets, function):
    with tf.Graph().as_default(), tf1.Session() as session:
        parameters = [tf.constant(x) for x in (outputs, w, b)]
        losses = function(*parameters, tf.constant(targets))
        weighted = tf.reduce_sum(losses * np.linspace(0.5, 2, len(targets), dtype=np.float32))
        return session.run((losses, tf.gradients(weighted, parameters)))


def reference(outputs, w, b, targets):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=outputs @ w + b)


@pytest.mark.parametrize("scale", [1.0, 300.0])  # 300: probabilities that float32 cannot hold
def test_equals_tensorflows_own(scale):
    losses, gradients = losses_and_gradients(*arguments(scale), softmax.cross_entropy)
    expected_losses, expected_gradients = losses_and_gradients(*arguments(scale), reference)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5, atol=1e-5)
    for actual, expected in zip(gradients, expected_gradients):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6 * scale)


def test_no_word_costs_nothing():
    outputs, w, b, targets = arguments()
    losses, _ = losses_and_gradients(outputs, w, b, targets, softmax.cross_entropy)
    targets[4:] = -1
    masked, gradients = losses_and_gradients(outputs, w, b, targets, softmax.cross_entropy)
    np.testing.assert_array_equal(masked, [*losses[:4], 0, 0])
    np.testing.assert_array_equal(gradients[0][4:], 0)


def test_no_word_has_no_part_in_the_weights_gradients():
    outputs, w, b, targets = arguments()
    with tf.Graph().as_default(), tf1.Session() as session:
        parameters = [tf.constant(w), tf.constant(b)]

        def gradients(rows, targets):
            losses = softmax.cross_entropy(tf.constant(outputs[:rows]), *parameters, targets)
            return session.run(tf.gradients(tf.reduce_sum(losses), parameters))

        kept = gradients(4, targets[:4])
        masked = gradients(6, np.concatenate([targets[:4], [-1, -1]]).astype(np.int32))
    for actual, expected in zip(masked, kept):
        np.testing.assert_allclose(actual, expected, atol=1e-6)


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_16_bit_is_near(dtype):
    def rounded(outputs, w, b, targets):
        return softmax.cross_entropy(tf.cast(outputs, dtype), w, b, targets)

    exact = losses_and_gradients(*arguments(), softmax.cross_entropy)
    near = losses_and_gradients(*arguments(), rounded)
    for actual, expected in zip(tf.nest.flatten(near), tf.nest.flatten(exact)):
        assert actual.dtype == np.float32
        np.testing.assert_allclose(actual, expected, atol=0.03 * np.abs(expected).max())


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("most", [1, 9, 20, 1000])
@pytest.mark.parametrize("by_word", [True, False])
def test_in_pieces_the_losses_are_the_same(monkeypatch, static, most, by_word):
    """9 words: 1 row, 1 row, 2 rows and all rows at once."""
    monkeypatch.setattr(softmax, "MAX_LOGITS", most)
    monkeypatch.setattr(softmax, "MIN_ROWS", 1)
    outputs, w, b, targets = arguments()
    targets[2] = -1
    with tf.Graph().as_default(), tf1.Session() as session:
        expected = session.run(softmax.cross_entropy(outputs, w, b, targets))
        rows = len(targets) if static else None
        fed = tf1.placeholder(tf.float32, [rows, 4]), tf1.placeholder(tf.int32, [rows])
        losses = softmax.cross_entropy_in_pieces(
            fed[0], tf.constant(w.T if by_word else w), tf.constant(b), fed[1], by_word=by_word
        )
        run = session.make_callable(losses, fed)
        np.testing.assert_allclose(run(outputs, targets), expected, rtol=1e-6, atol=1e-6)
        if not static:
            assert run(outputs[:0], targets[:0]).shape == (0,)


def test_a_gradient_by_word_is_the_transpose():
    outputs, w, b, targets = arguments()
    losses, expected = losses_and_gradients(outputs, w, b, targets, softmax.cross_entropy)

    def by_word(*values):
        return softmax.cross_entropy(*values, by_word=True)

    transposed, gradients = losses_and_gradients(outputs, w.T, b, targets, by_word)
    np.testing.assert_allclose(transposed, losses, rtol=1e-6)
    gradients[1] = gradients[1].T
    for actual, each in zip(gradients, expected):
        np.testing.assert_allclose(actual, each, rtol=1e-5, atol=1e-6)
