"""What makes a script a well-behaved program."""
