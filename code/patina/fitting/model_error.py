"""How far a family's measures are from those of real photos, whatever its numbers.

No family is quite right about real photos. Where it is wrong, a fit that trusts every measure as far as images vary
bends the numbers to bring measures nearer that hardly vary. So the mean difference r of the photos' measures from the
predicted ones has a part that no number explains (Kennedy and O'Hagan 2001), of a variance in proportion to each
measure's own:

    r = B t + e,    e ~ N(0, chance C + τ² diag(C)),    t ~ N(0, WIDEST_SPREAD²),

with the slopes B and the covariance C of an emulator. τ is the one that makes r most likely with t integrated out
(restricted maximum likelihood, Patterson and Thompson 1971). It is 0 where chance alone can make r.
"""

import numpy as np

from patina.fitting.emulator import Emulator
from patina.fitting.population import WIDEST_SPREAD

_TRIED = (0.0, *np.geomspace(0.02, 0.8, 12))


def doubted(emulator: Emulator, difference: np.ndarray, chance: float) -> Emulator:
    """Return an emulator whose precision allows for the family's error; the same one where that is 0.

    Args:
        emulator: of a family.
        difference: r, mean measures of the photos less the predicted ones, ``[k]``.
        chance: variance of the difference by chance, relative to that of one image.
    """
    error = model_error(emulator, difference, chance)
    return emulator.with_variance(error**2 / chance * np.square(emulator.deviation)) if error else emulator


def model_error(emulator: Emulator, difference: np.ndarray, chance: float) -> float:
    """Return τ, the family's error in standard deviations of one image; see `doubted`."""
    root = np.linalg.cholesky(emulator.precision)  # root' whitens: root root' = C^-1
    whitened = root.T * emulator.deviation
    sizes, axes = np.linalg.eigh(whitened @ whitened.T)
    rest, slopes = axes.T @ (root.T @ difference), axes.T @ (root.T @ emulator.linear)
    likelihoods = [_likelihood(rest, slopes, chance + error**2 * sizes) for error in _TRIED]
    return float(_TRIED[int(np.argmax(likelihoods))])


def _likelihood(rest: np.ndarray, slopes: np.ndarray, variances: np.ndarray) -> float:
    """Return the log-likelihood of ``rest ~ N(slopes t, diag(variances))`` without its constant, t integrated out."""
    weighted = slopes / variances[:, None]
    information = slopes.T @ weighted + np.eye(slopes.shape[1]) / WIDEST_SPREAD**2
    pull = weighted.T @ rest
    fit = rest @ (rest / variances) - pull @ np.linalg.solve(information, pull)
    return -0.5 * float(np.log(variances).sum() + np.linalg.slogdet(information)[1] + fit)
