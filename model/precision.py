"""The numbers to compute in: 32 bit or 16 bit, and how 16-bit numbers are multiplied."""

from typing import Any, NamedTuple

import tensorflow as tf


class Precision(NamedTuple):
    """The dtypes of a model's activations and matrix products.

    The product of two float16 or two bfloat16 numbers is exact in float32. Hardware that multiplies
    16-bit matrices adds them up in float32, too. Where the 16-bit instructions are slow or missing,
    the numbers are therefore multiplied as float32. Only the order of the sums differs, and they
    need not be rounded to 16 bits. `devices.precision_for` decides for a machine.

    Attributes:
      dtype: of activations and of the factors of products: float32, float16 or bfloat16.
      multiplied_as: the dtype in which factors are multiplied: `dtype`, or float32.
    """

    dtype: tf.DType = tf.float32
    multiplied_as: tf.DType = tf.float32

    def widen(self, x: tf.Tensor) -> tf.Tensor:
        """Casts a factor from `dtype` to the dtype in which it is multiplied.

        A factor of several products is widened once, before them.
        """
        return tf.cast(x, self.multiplied_as)

    def product(
        self, a: tf.Tensor, b: tf.Tensor, dtype: tf.DType = tf.float32, **transposed: Any
    ) -> tf.Tensor:
        """The product of two matrices.

        Args:
          a, b: `[m, k]` and `[k, n]`, of dtype `dtype`, or already widened.
          dtype: of the result.
          **transposed: `transpose_a`, `transpose_b`, as in `tf.matmul`.

        Returns:
          `[m, n]`, added up in float32; rounded to 16 bits if it was multiplied in 16 bits.
        """
        return tf.cast(tf.matmul(self.widen(a), self.widen(b), **transposed), dtype)


FLOAT32 = Precision()
