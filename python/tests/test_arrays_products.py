"""Products of matrices: NumPy's results to the bit for integers, bools, half and long double, else to rounding."""

import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import distob
from distob import _fallback

KINDS = "? b B h H i I l L e f d g F D G".split()
EXACT = "?bBhHiIlLegG"


@pytest.fixture(autouse=True)
def _nothing_falls_back():
    with warnings.catch_warnings():
        warnings.simplefilter("error", distob.PerformanceWarning)
        yield


def some(shape, char, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.integers(-9, 10, shape) if char in "?bBhHiIlL" else rng.normal(size=shape)
    made = values.astype(char)
    return made + np.asarray(rng.normal(size=shape) * 1j).astype(char) if char in "FDG" else made


def same(ours, numpys, bound=None):
    assert type(ours) is distob.DistArray or not isinstance(numpys, np.ndarray)
    assert ours.shape == numpys.shape and ours.dtype == numpys.dtype
    if numpys.dtype.char in EXACT and bound is None:
        np.testing.assert_array_equal(np.asarray(ours), numpys)
    else:
        eps = np.finfo(numpys.dtype).eps
        np.testing.assert_allclose(np.asarray(ours), numpys, rtol=eps * 50, atol=eps * 50 * (bound or 1))


def bound_of(f, *operands):
    with np.errstate(all="ignore"):
        return float(np.max(np.abs(f(*(np.abs(x).astype(float) for x in operands))), initial=1.0))


def compare(f, *operands):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = f(*operands)
    exact = expected.dtype.char in EXACT
    same(f(*map(distob.scatter, operands)), expected, None if exact else bound_of(f, *operands))


@pytest.mark.parametrize("char", KINDS)
def test_matmul_is_numpys_for_every_dtype_and_layout(char):
    for left, right in [((5, 7), (7, 3)), ((7,), (7, 4)), ((4, 7), (7,)), ((9,), (9,)), ((2, 1, 4, 6), (3, 6, 5))]:
        a, b = some(left, char), some(right, char, 1)
        compare(np.matmul, a, b)
        da, db = distob.scatter(np.asfortranarray(a)), distob.scatter(np.repeat(b, 2, axis=-1))[..., ::2]
        if b.ndim > 1:
            same(da @ db, a @ b, None if char in EXACT else bound_of(np.matmul, a, b))


axes = st.integers(0, 9)


@given(st.lists(axes, max_size=2), axes, axes, axes, st.sampled_from("lbdF"), st.integers(0, 7), st.integers(1, 4))
def test_matmul_of_any_shape_and_partition(stack, m, k, n, char, turned, blocksize):
    a, b = some((*stack, m, k), char), some((k, n), char, 2)
    if turned & 1:
        a = np.asfortranarray(a)
    if turned & 2:
        b = np.ascontiguousarray(b.T).T
    axis = turned % a.ndim
    da, db = distob.scatter(a, axis=axis, blocksize=blocksize), distob.scatter(b, axis=0)
    same(da @ db, a @ b, None if char in EXACT else bound_of(np.matmul, a, b))


def test_large_products_on_any_number_of_threads_have_the_same_bits():
    a, b = some((300, 400), "d"), some((400, 350), "d", 1)
    before = distob.threads()
    results = []
    try:
        for n in (1, 2, 3, 5):
            distob.set_threads(n)
            da = distob.scatter(a, axis=n % 2)
            results.append([np.asarray(x) for x in (da @ distob.scatter(b), da @ b[:, 0], a[0] @ distob.scatter(b))])
    finally:
        distob.set_threads(before)
    for others in results[1:]:
        for one, two in zip(results[0], others, strict=True):
            np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(results[0][0], a @ b, atol=1e-12)


@pytest.mark.parametrize(
    "left, right",
    [((2, 3), (4, 5)), ((), (3,)), ((3,), ()), ((2, 3, 4), (3, 4, 5)), ((3,), (4,)), ((2, 3), (2,)), ((0,), (3, 2))],
)
@pytest.mark.parametrize("function", [np.matmul, np.vecdot, np.matvec, np.vecmat, np.dot, np.inner])
def test_what_does_not_fit_is_refused_in_numpys_words(function, left, right):
    a, b = some(left, "d"), some(right, "d")
    try:
        expected = function(a, b)
    except Exception as e:
        with pytest.raises(type(e)) as caught:
            function(distob.scatter(a), distob.scatter(b))
        assert str(caught.value) == str(e)
    else:
        same(function(distob.scatter(a), distob.scatter(b)), np.asarray(expected), 10)


def test_out_dtype_and_axes():
    a, b = some((4, 5), "i"), some((5, 3), "i", 1)
    da, db = distob.scatter(a), distob.scatter(b)
    out = distob.scatter(np.zeros((4, 3)))
    assert np.matmul(da, db, out=out) is out
    np.testing.assert_array_equal(np.asarray(out), a @ b)
    ndarray = np.zeros((4, 3), "l")
    assert np.matmul(da, db, out=ndarray) is ndarray
    np.testing.assert_array_equal(ndarray, a @ b)
    same(np.matmul(da, db, dtype=float), np.matmul(a, b, dtype=float), 100)
    same(np.matmul(da, db.T, axes=[(0, 1), (1, 0), (0, 1)]), np.matmul(a, b.T, axes=[(0, 1), (1, 0), (0, 1)]))
    with pytest.raises(TypeError, match="matmul"):
        np.matmul(da, db, out=distob.scatter(np.zeros((4, 3), bool)))
    with pytest.raises(ValueError, match="mismatch"):
        np.matmul(da, db, out=distob.scatter(np.zeros((4, 4))))
    square = distob.scatter(some((4, 4), "d"))
    twin = np.array(square)
    np.matmul(square, square, out=square)  # an operand is the result
    same(square, twin @ twin, 50)
    c = some((3, 6), "D")
    same(np.vecdot(distob.scatter(c), distob.scatter(c), axis=0), np.vecdot(c, c, axis=0), 20)
    same(np.vecdot(distob.scatter(c), distob.scatter(c)), np.vecdot(c, c), 20)


def test_infinities_warn_as_they_do_in_numpy():
    a = distob.scatter(np.array([[np.inf, 1.0], [2.0, 3.0]]))
    with pytest.warns(RuntimeWarning, match="invalid value encountered in matmul"):
        a @ distob.scatter(np.zeros((2, 2)))
        distob.sync()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a @ distob.scatter(np.ones((2, 2)))
        distob.sync()
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError, match="invalid value encountered in matmul"):
        a @ distob.scatter(np.zeros((2, 2)))


FUNCTIONS = {
    "dot": (
        np.dot,
        [((3, 4), (4, 5)), ((4,), (4,)), ((2, 3, 4), (5, 4, 6)), ((3, 4), (4,)), ((4,), (2, 4, 3)), ((), (3,))],
    ),
    "vdot": (np.vdot, [((3, 4), (12,)), ((5,), (5,))]),
    "inner": (np.inner, [((3, 4), (5, 4)), ((4,), (4,)), ((2, 3), (3,)), ((), (3,))]),
    "outer": (np.outer, [((3,), (4,)), ((2, 2), (3,))]),
    "tensordot": (np.tensordot, [((3, 4, 5), (4, 5, 2)), ((2, 3), (2, 3))]),
    "crossed": (lambda a, b: np.tensordot(a, b, axes=([1, 0], [0, 2])), [((4, 3, 5), (3, 2, 4))]),
    "none": (lambda a, b: np.tensordot(a, b, axes=0), [((2, 3), (4,))]),
    "kron": (np.kron, [((2, 3), (4, 5)), ((3,), (2, 2)), ((2, 1, 3), (4,))]),
    "cross": (np.cross, [((5, 3), (5, 3)), ((3,), (4, 3))]),
    "vecdot": (np.vecdot, [((4, 3), (4, 3)), ((2, 400), (400,))]),
    "matvec": (np.matvec, [((4, 3), (3,)), ((2, 4, 3), (2, 3))]),
    "vecmat": (np.vecmat, [((4,), (4, 3)), ((2, 4), (2, 4, 3))]),
    "linalg.outer": (np.linalg.outer, [((3,), (4,))]),
    "linalg.cross": (np.linalg.cross, [((5, 3), (5, 3))]),
    "einsum": (lambda a, b: np.einsum("ij,jk->ki", a, b), [((3, 4), (4, 5))]),
    "einsum batched": (lambda a, b: np.einsum("bij,bjk->bik", a, b), [((2, 3, 4), (2, 4, 5))]),
    "einsum ellipsis": (lambda a, b: np.einsum("...ij,...j", a, b), [((2, 3, 4), (2, 4))]),
    "einsum elements": (lambda a, b: np.einsum("ij,ij->i", a, b), [((3, 4), (3, 4))]),
    "einsum lists": (lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2]), [((3, 4), (4, 5))]),
    "einsum all": (lambda a, b: np.einsum("ij,kl->", a, b), [((3, 4), (2, 2))]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("char", "ldFb")
def test_functions_made_of_products(name, char):
    function, shapes = FUNCTIONS[name]
    for left, right in shapes:
        compare(function, some(left, char), some(right, char, 1))


@pytest.mark.parametrize("char", "dlD")
def test_functions_of_one_array(char):
    a, cube = some((5, 5), char), some((3, 4, 3), char, 1)
    for f in (
        np.trace,
        lambda x: np.trace(x, 1),
        lambda x: np.linalg.trace(x, offset=-2),
        lambda x: np.einsum("ii", x),
        lambda x: np.einsum("ii->i", x),
        lambda x: np.einsum("ij->ji", x),
        lambda x: np.einsum("ij,jk,kl->il", x, x, x),
        lambda x: np.linalg.matrix_power(x, 3),
        lambda x: np.linalg.matrix_power(x, 0),
        lambda x: np.linalg.multi_dot([x, x[:, :2], x[:2, :4]]),
        lambda x: np.linalg.multi_dot([x[0], x, x[:, 0]]),
        np.linalg.matrix_transpose,
    ):
        compare(f, a)
    compare(lambda x: np.trace(x, axis1=0, axis2=2), cube)


@pytest.mark.parametrize("order", [None, 0, 1, 2, 3, 2.5, -1, -2, np.inf, -np.inf])
def test_norms_of_vectors(order):
    for char in "dliFf":
        a = some((4, 6), char)
        for axis in (0, -1):
            compare(lambda x, axis=axis: np.linalg.norm(x, order, axis), np.where(a == 0, 1, a).astype(char))
        compare(
            lambda x: np.linalg.vector_norm(x, ord=2 if order is None else order, keepdims=True),
            a[0] + a.dtype.type(20),
        )


@pytest.mark.parametrize("order", [None, "fro", 1, -1, np.inf, -np.inf])
def test_norms_of_matrices(order):
    for char in "dD":
        a = some((3, 4, 6), char)
        compare(lambda x: np.linalg.norm(x, order, (0, 2)), a)
        compare(lambda x: np.linalg.norm(x, order, (2, 1), keepdims=True), a)
    compare(np.linalg.norm, some((3, 4), "d"))
    with pytest.raises(ValueError, match="Invalid norm order for matrices"):
        np.linalg.norm(distob.scatter(a), 7, (0, 1))


def test_the_rest_of_linalg_is_numpys_and_says_so():
    _fallback.forget_what_was_told()
    a = some((4, 4), "d") + 4 * np.eye(4)
    d = distob.scatter(a)
    for name in (
        "inv",
        "det",
        "eigvals",
        "svdvals",
        "cholesky",
        "pinv",
        "matrix_rank",
        "cond",
        "slogdet",
        "qr",
        "eigh",
        "svd",
    ):
        function = getattr(np.linalg, name)
        x, dx = (a @ a.T, distob.scatter(a @ a.T)) if name in ("cholesky", "eigh") else (a, d)
        with pytest.warns(distob.PerformanceWarning, match=name):
            ours = function(dx)
        expected = function(x)
        assert type(ours).__name__ == type(expected).__name__ or not isinstance(expected, tuple)
        parts = zip(ours, expected, strict=True) if isinstance(expected, tuple) else [(ours, expected)]
        for one, two in parts:
            assert isinstance(one, distob.DistArray) or not isinstance(two, np.ndarray)
            np.testing.assert_allclose(np.asarray(one), two)
    with pytest.warns(distob.PerformanceWarning, match="solve"):
        solved = np.linalg.solve(d, distob.scatter(a[0]))
    np.testing.assert_allclose(np.asarray(d @ solved), a[0])
    with pytest.warns(distob.PerformanceWarning, match="lstsq"):
        solution, *_ = np.linalg.lstsq(d, distob.scatter(a[0]))
    assert isinstance(solution, distob.DistArray)
    with pytest.warns(distob.PerformanceWarning), pytest.raises(np.linalg.LinAlgError):
        np.linalg.norm(d, 2)
        np.linalg.inv(distob.scatter(np.zeros((2, 2))))


def test_a_product_sees_what_was_written_before_and_nothing_after():
    a = some((300, 300), "d")
    d = distob.scatter(a)
    d += 1
    product = d @ d
    d[...] = 0
    np.testing.assert_allclose(np.asarray(product), (a + 1) @ (a + 1), atol=1e-11)
    assert not np.asarray(d).any()
