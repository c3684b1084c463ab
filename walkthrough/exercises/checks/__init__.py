"""What the exercises are compared with: `compare` does it, check_0 to check_4 say with what."""
