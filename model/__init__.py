"""The network, and what it is computed with.

* `network.py`: the variables, from the embedding to the softmax, and dropout.
* `lstm.py`: the LSTM in three forms, and cuDNN's layout of parameters.
* `softmax.py`: the loss.
* `precision.py`, `devices.py`: 16 bit or 32, and what this machine can do.
"""
