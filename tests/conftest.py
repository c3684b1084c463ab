"""Hypothesis profiles, and what several test files share."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# the chapters import their neighbours
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "walkthrough"))

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("deep", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


@pytest.fixture
def rng():
    return np.random.default_rng(1234)


@pytest.fixture
def integers(rng):
    """Draw arrays of small integers as float64: sums and products of them are exact."""

    def draw(*shape, low=-4, high=5):
        return rng.integers(low, high, shape).astype(np.float64)

    return draw
