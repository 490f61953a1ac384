import numpy as np
import pytest
from scipy.sparse import csr_array

from customering.kernel.errors import InvalidDefinition
from customering.taste.ease import ease_weights, strongest


@pytest.fixture(scope="module")
def bought():
    return csr_array((np.random.default_rng(3).random((60, 25)) < 0.2).astype(np.float32))


def test_weights_equal_the_closed_form_in_double_precision(bought):
    dense = bought.toarray().astype(np.float64)
    inverse = np.linalg.inv(dense.T @ dense + 2.5 * np.eye(25))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0.0)
    assert ease_weights(bought, ridge=2.5) == pytest.approx(expected, abs=1e-5)


def test_weights_minimise_the_squared_error_with_a_zero_diagonal(bought):
    """Of one column: ridge regression of the item on all others, by least squares."""
    dense = bought.toarray().astype(np.float64)
    others = np.delete(np.arange(25), 4)
    gram = dense[:, others].T @ dense[:, others] + 1.5 * np.eye(24)
    expected = np.linalg.solve(gram, dense[:, others].T @ dense[:, 4])
    weights = ease_weights(bought, ridge=1.5)
    assert weights[others, 4] == pytest.approx(expected, abs=1e-5)
    assert weights[4, 4] == 0


def test_the_strongest_are_kept_and_sorted(bought):
    weights = ease_weights(bought, ridge=2.5)
    kept = strongest(weights, keep=6)
    assert np.diff(kept.indptr).tolist() == [6] * 25
    for row in range(25):
        values = kept.data[kept.indptr[row] : kept.indptr[row + 1]]
        assert values.tolist() == sorted(values.tolist(), reverse=True)
        magnitude = np.sort(np.abs(np.delete(weights[row], row)))[::-1]
        assert np.sort(np.abs(values))[::-1] == pytest.approx(magnitude[:6])


def test_keeping_all_loses_nothing(bought):
    weights = ease_weights(bought, ridge=2.5)
    assert strongest(weights, keep=500).toarray() == pytest.approx(weights)


def test_one_item_has_no_neighbour():
    alone = ease_weights(csr_array(np.ones((4, 1), np.float32)), ridge=1.0)
    assert strongest(alone).nnz == 0


@pytest.mark.parametrize("ridge", [0.0, -1.0])
def test_a_ridge_must_be_positive(bought, ridge):
    with pytest.raises(InvalidDefinition, match="ridge"):
        ease_weights(bought, ridge=ridge)


def test_a_ridge_lost_in_rounding_is_refused():
    twins = csr_array(np.ones((1_000, 2), np.float32))
    with pytest.raises(InvalidDefinition, match="single precision"):
        ease_weights(twins, ridge=1e-9)
