"""The network: the LSTM, the softmax, their matrix products, and the devices they run on."""
