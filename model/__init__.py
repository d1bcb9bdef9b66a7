"""The network, and what it is computed with.

* `network.py`: the variables, from the embedding to the softmax, and dropout.
* `dropout.py`: dropout, and the random numbers of a step.
* `lstm.py`: the LSTM in three forms, and cuDNN's layout of parameters.
* `softmax.py`: the loss. `gradients.py`: its gradients, clipped, and the update.
* `candidate_sampler.py`: the words that a sampled softmax scores targets against.
* `saved_layouts.py`: variables that are saved in another layout than they are computed in.
* `precision.py`: numbers of 16 bit or 32.
* `devices.py`: what this machine can do; on which one 16-bit numbers are multiplied as float32.
"""
