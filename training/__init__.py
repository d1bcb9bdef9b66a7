"""What goes on beside and beyond one training loop."""
