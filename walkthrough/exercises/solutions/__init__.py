"""One way to fill in each exercise. Look here when you are stuck for good."""
