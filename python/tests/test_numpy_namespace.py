"""distob.numpy: arrays made where they live have NumPy's bits; random numbers are a function of seed, call and index."""

import pickle
import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.stats
from hypothesis import given

import distob
import distob.numpy as dnp


def same(ours, numpys):
    assert isinstance(ours, distob.DistArray)
    assert ours.dtype == numpys.dtype and ours.shape == numpys.shape
    np.testing.assert_array_equal(np.asarray(ours), numpys)


ends = st.one_of(st.integers(-1000, 1000), st.floats(-1e6, 1e6, allow_nan=False))


@given(ends, ends, st.integers(0, 60), st.booleans(), st.sampled_from([None, "f", "d", "l", "i"]))
def test_linspace_has_numpys_bits(start, stop, num, endpoint, dtype):
    same(dnp.linspace(start, stop, num, endpoint, dtype=dtype), np.linspace(start, stop, num, endpoint, dtype=dtype))


@given(ends, ends, st.sampled_from([1, 3, -2, 0.1, -0.3, 7.77, 1e-3]), st.sampled_from([None, "f", "d", "l"]))
def test_arange_has_numpys_bits(start, length, step, dtype):
    stop = start + (length % 50) * step
    same(dnp.arange(start, stop, step, dtype), np.arange(start, stop, step, dtype))


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.zeros(5), lambda m: m.zeros((2, 3), "i"), lambda m: m.ones((2, 3), order="F"), lambda m: m.full((2,), 7),
        lambda m: m.full((2, 3), [1, 2, 3]), lambda m: m.full(3, np.nan, dtype="f"), lambda m: m.zeros(2, "M8[s]"),
        lambda m: m.zeros(()), lambda m: m.zeros((0, 3)), lambda m: m.ones(3, "S3"), lambda m: m.eye(4), lambda m: m.eye(3, 5, 2, int),
        lambda m: m.eye(3, 2, -7), lambda m: m.identity(3), lambda m: m.tri(3, 4, 1), lambda m: m.tri(4, k=-1, dtype=bool),
        lambda m: m.diag(np.arange(3.0), 1), lambda m: m.diag(np.arange(12).reshape(3, 4), -1), lambda m: m.diag(np.eye(2), 5),
        lambda m: m.indices((2, 3)), lambda m: m.fromfunction(lambda i, j: i + 10 * j, (3, 4)), lambda m: m.mgrid[0:3, 1:2:4j],
        lambda m: m.mgrid[0:5], lambda m: m.ogrid[1:4], lambda m: m.geomspace(1, 1000, 4), lambda m: m.logspace(0, 3, 7),
        lambda m: m.frombuffer(b"abcd", dtype=np.uint8), lambda m: m.fromiter(range(4), float), lambda m: m.vander([1, 2, 3]),
        lambda m: m.loadtxt(["1 2", "3 4"]), lambda m: m.array([[1, 2], [3, 4]], "f", ndmin=3), lambda m: m.asarray([1, 2]),
        lambda m: m.ascontiguousarray(5), lambda m: m.zeros_like(np.ones((2, 2), "f")), lambda m: m.full_like([1, 2], 3.5),
        lambda m: m.linspace(0, 1, 0), lambda m: m.linspace([0, 1], 5, 4), lambda m: m.linspace(0, 1, 5, retstep=True)[0],
        lambda m: m.arange(3, dtype=complex), lambda m: m.arange("2020-01", "2020-05", dtype="M8[M]"), lambda m: m.arange(10, 0, -3),
    ],
)  # fmt: skip
def test_what_is_made_is_numpys(make):
    same(make(dnp), make(np))


def test_order_copy_and_partition():
    f = dnp.zeros((3, 4), order="F")
    assert f.flags.f_contiguous and f.strides == np.zeros((3, 4), order="F").strides
    assert dnp.asarray(f) is f and dnp.array(f) is not f
    assert dnp.zeros((8, 6), partition=0).partition.cuts[1] == (0, 6)
    cut = dnp.arange(10, partition=((0, 3, 10),))
    assert cut.partition.cuts == ((0, 3, 10),)
    assert dnp.ones((10,), partition=cut.partition).partition == cut.partition
    with pytest.raises(ValueError, match="negative"):
        dnp.zeros((-1,))
    for ours, numpys in zip(dnp.meshgrid([1, 2], [3.0, 4, 5]), np.meshgrid([1, 2], [3.0, 4, 5]), strict=True):
        same(ours, numpys)


def test_every_other_name_is_numpys_and_arrays_know_the_namespace():
    d = dnp.arange(6.0)
    assert d.__array_namespace__() is dnp and dnp.pi == np.pi and dnp.float32 is np.float32
    same(dnp.concat([d, d]), np.tile(np.arange(6.0), 2))
    same(dnp.permute_dims(d.reshape(2, 3), (1, 0)), np.arange(6.0).reshape(2, 3).T)
    same(dnp.astype(d, np.int8), np.arange(6, dtype=np.int8))
    same(dnp.linalg.matrix_transpose(d.reshape(2, 3)), np.arange(6.0).reshape(2, 3).T)
    assert dnp.isdtype(d.dtype, "real floating")
    same(dnp.unique_values(dnp.asarray([2, 1, 2])), np.array([1, 2]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", distob.PerformanceWarning)
        np.testing.assert_allclose(np.asarray(dnp.fft.fft(d)), np.fft.fft(np.arange(6.0)))


# --- Random ---

DRAWS = {
    "random": (lambda r, n, **k: r.random(n, **k), scipy.stats.uniform()),
    "normal": (lambda r, n, **k: r.standard_normal(n, **k), scipy.stats.norm()),
    "exponential": (lambda r, n, **k: r.standard_exponential(n, **k), scipy.stats.expon()),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("dtype", ["d", "f"])
def test_distributions_are_what_they_are_called(name, dtype):
    draw, law = DRAWS[name]
    x = np.asarray(draw(dnp.random.default_rng(12345), 200_000, dtype=dtype)).astype(float)
    assert scipy.stats.kstest(x, law.cdf).pvalue > 1e-3
    assert abs(x.mean() - law.mean()) < 5 * law.std() / np.sqrt(x.size)
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 0.015 and abs(np.corrcoef(x[::2], x[1::2])[0, 1]) < 0.02
    assert np.isfinite(x).all() and (name == "normal" or x.min() >= 0)


@pytest.mark.parametrize("name", [*DRAWS, "integers"])
def test_numbers_depend_on_seed_call_and_index_alone(name):
    draw = (lambda r, n: r.integers(-5, 1000, n)) if name == "integers" else DRAWS[name][0]
    before, seen = distob.threads(), []
    try:
        for n in (1, 2, 3, 5):
            distob.set_threads(n)
            seen.append(np.asarray(draw(dnp.random.default_rng(7), 100_003)))
    finally:
        distob.set_threads(before)
    for other in seen[1:]:
        np.testing.assert_array_equal(seen[0], other)
    # A shape is only a shape, and a prefix a prefix: the index in C order decides.
    np.testing.assert_array_equal(seen[0][:99], np.asarray(draw(dnp.random.default_rng(7), (9, 11))).ravel())
    rng = dnp.random.default_rng(7)
    first, second = (np.asarray(draw(rng, 1000)) for _ in range(2))
    assert not np.array_equal(first, second) and np.array_equal(first, seen[0][:1000])
    assert not np.array_equal(first, np.asarray(draw(dnp.random.default_rng(8), 1000)))


def test_known_answers():
    # The streams are part of the contract: programs written down with a seed must not change.
    rng = dnp.random.default_rng(2026)
    again = dnp.random.Generator(np.random.SeedSequence(2026))
    assert rng.random() == again.random()
    blocks = dnp.random.default_rng(1)
    blocks.state = {"key": (0, 0, 0), "use": 0}
    words = np.asarray(blocks.integers(0, 2**64, 2, np.uint64))  # Random123's answer for key 0 and counter 0
    assert [hex(w) for w in words.tolist()] == ["0xe169c58d6627e8d5", "0x9b00dbd8bc57ac4c"]


@pytest.mark.parametrize("dtype", "? b B h H i I l L".split())
def test_integers_reach_every_number_equally(dtype):
    rng = dnp.random.default_rng(3)
    high = 2 if dtype == "?" else 10
    x = np.asarray(rng.integers(0, high, 100_000, dtype))
    assert x.dtype == np.dtype(dtype)
    assert scipy.stats.chisquare(np.bincount(x.astype(int), minlength=high)).pvalue > 1e-4
    if dtype != "?":
        info = np.iinfo(dtype)
        y = np.asarray(rng.integers(info.min, info.max, 10_000, dtype, endpoint=True)).astype(float)
        assert abs(y.mean() - (info.min / 2 + info.max / 2)) < (float(info.max) - float(info.min)) * 0.02
        with pytest.raises(ValueError, match="high is out of bounds"):
            rng.integers(0, int(info.max) + 2, dtype=dtype)
    with pytest.raises(ValueError, match="low >= high"):
        rng.integers(1, 1, 5)


def test_large_intervals_have_no_favourites():
    # Of 3 * 2**62 numbers a multiplication alone would make a third twice as likely.
    x = np.asarray(dnp.random.default_rng(5).integers(0, 3 * 2**62, 60_000, np.uint64))
    counts = np.bincount((x // np.uint64(2**62)).astype(int), minlength=3)
    assert scipy.stats.chisquare(counts).pvalue > 1e-4


def test_scalars_parameters_and_out():
    rng = dnp.random.default_rng(0)
    assert type(rng.random()) is float and type(rng.normal()) is float and type(rng.integers(5)) is np.int64
    x = np.asarray(rng.normal(5, 2, 100_000))
    assert abs(x.mean() - 5) < 0.05 and abs(x.std() - 2) < 0.05
    assert rng.uniform([0, 10], [1, 20]).shape == (2,)
    y = np.asarray(rng.uniform(-3, 4, (100, 100)))
    assert y.min() >= -3 and y.max() < 4
    out = distob.scatter(np.zeros(5))
    assert rng.random(out=out) is out and np.asarray(out).all()
    with pytest.raises(ValueError, match="scale < 0"):
        rng.normal(0, -1)
    with pytest.raises(TypeError):
        rng.random(3, dtype=int)


def test_spawned_and_pickled_generators():
    parent = dnp.random.default_rng(11)
    one, two = parent.spawn(2)
    expected = np.random.SeedSequence(11).spawn(2)[0]
    assert one.seed_seq.spawn_key == expected.spawn_key
    assert len({float(g.random()) for g in (parent, one, two)}) == 3
    copy = pickle.loads(pickle.dumps(parent))
    assert copy.random() == parent.random()


def test_orders_and_choices():
    rng = dnp.random.default_rng(9)
    order = np.asarray(rng.permutation(1000))
    assert sorted(order.tolist()) == list(range(1000)) and order.tolist() != list(range(1000))
    a = distob.scatter(np.arange(20).reshape(10, 2))
    mixed = np.asarray(rng.permutation(a))
    assert sorted(map(tuple, mixed)) == sorted(map(tuple, np.asarray(a))) and (mixed[:, 1] == mixed[:, 0] + 1).all()
    rng.shuffle(a)
    assert sorted(np.asarray(a).ravel().tolist()) == list(range(20))
    rows = np.asarray(rng.permuted(np.tile(np.arange(50), (3, 1)), axis=1))
    assert (np.sort(rows, axis=1) == np.arange(50)).all() and (rows[0] != rows[1]).any()
    assert sorted(np.asarray(rng.choice(6, 6, replace=False)).tolist()) == list(range(6))
    drawn = np.asarray(rng.choice([1, 2, 3], 30_000, p=[0.5, 0.25, 0.25]))
    assert abs((drawn == 1).mean() - 0.5) < 0.02
    assert rng.choice(5) in range(5) and rng.choice([10, 20]) in (10, 20)
    with pytest.raises(ValueError, match="larger sample"):
        rng.choice(3, 4, replace=False)


def test_other_distributions_are_numpys_and_say_so():
    rng, again = dnp.random.default_rng(4), dnp.random.default_rng(4)
    with pytest.warns(distob.PerformanceWarning, match="poisson"):
        x = rng.poisson(3.0, 1000)
    assert isinstance(x, distob.DistArray) and abs(np.asarray(x).mean() - 3) < 0.3
    np.testing.assert_array_equal(np.asarray(x), np.asarray(again.poisson(3.0, 1000)))
    with pytest.raises(AttributeError):
        rng.no_such_law()
