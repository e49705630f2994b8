"""What an engine finds, through the whole live path, when micro-expressions are planted at known times."""
