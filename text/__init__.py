"""Text to tokens and tokens to text, the same way for training, scoring and generating."""
