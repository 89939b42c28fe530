"""How many threads linear algebra may use: one for small problems, where threads cost more than they give."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

SMALL = 2_000_000
"""Numbers in the features below which threads cost more than they give (3 to 16 times on a busy machine)."""


def threads_for(features: np.ndarray) -> contextlib.AbstractContextManager:
    """While entered, work on these features (n, d) keeps to as many threads as pay."""
    if features.size >= SMALL:
        return contextlib.nullcontext()
    return _pools().limit(limits=1, user_api="blas")


@functools.cache
def _pools() -> ThreadpoolController:
    import scipy.linalg  # first: the look below sees loaded libraries only; scikit-learn brings no BLAS but this one
    from threadpoolctl import ThreadpoolController

    assert scipy.linalg
    return ThreadpoolController()  # looks through all of them, so once
