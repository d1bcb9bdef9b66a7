import os
import signal

from program import tensorflow_import

tensorflow_import.turn_on_onednn()  # the tests compute with the kernels that the scripts choose
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The tests expect the numbers of a CPU, and on a GPU each worker would take all of its memory.
# benchmarks/gpu.py checks a GPU.
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
# A shell starts commands in the background with signals ignored, which all that the tests start
# would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
