"""What is computed: the LSTM, the softmax, their matrix products, and on which devices."""
