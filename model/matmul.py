"""Matrix products of 16-bit numbers, in the arithmetic that the machine is fast in.

The product of two float16 or two bfloat16 numbers is exact in float32, and hardware that multiplies
16-bit matrices adds up in float32 as well. Where its 16-bit instructions are slow or missing, the
numbers are therefore multiplied as float32: the sums are the same but for their order, and need not
be rounded to 16 bits.
"""

import tensorflow as tf

from model import devices


def operand(x):
    """`x` in the dtype in which it is multiplied: its own, or float32 where that is faster."""
    if x.dtype.size > 2 or devices.multiplies_fast(x.dtype):
        return x
    return tf.cast(x, tf.float32)


def product(a, b, dtype=tf.float32, **transposed):
    """The product of two matrices of one dtype, float32 or a 16-bit type.

    Args:
      a, b: `[m, k]` and `[k, n]`. What is a factor of several products can be an `operand` already,
        which saves converting it for each.
      dtype: of the result.
      **transposed: `transpose_a`, `transpose_b`, as of `tf.matmul`.

    Returns:
      `[m, n]`, summed up in float32, and rounded to 16 bits if that is how it was multiplied.
    """
    return tf.cast(tf.matmul(operand(a), operand(b), **transposed), dtype)
