"""Objects in engines behave as local ones do."""

from __future__ import annotations

import copy
import dataclasses
import enum
import functools
import gc
import queue
import random
import textwrap
import threading
import weakref
from fractions import Fraction

import numpy as np
import pytest

import distob

pytestmark = pytest.mark.usefixtures("cluster")


class Tree:
    """An ordinary class."""

    kind = "tree"

    def __init__(self, height: int = 0) -> None:
        self.height = height
        self.children: list[object] = []
        self.params = {"dt": 1.0}

    @property
    def double(self) -> int:
        return 2 * self.height

    @double.setter
    def double(self, value: int) -> None:
        self.height = value // 2

    def grow(self, years: int = 1, *, factor: int = 1) -> int:
        self.height += years * factor
        return self.height

    def itself(self) -> Tree:
        return self

    def fresh_list(self) -> list[int]:
        return [self.height, self.height]

    def both(self) -> dict[str, object]:
        return {"mine": self.children, "fresh": [1]}

    def echo(self, *args: object) -> object:
        return args[0] if len(args) == 1 else args

    def keep(self, value: object) -> object:
        self.kept = value
        return value

    def numbers(self, count: int):  # type: ignore[no-untyped-def]
        yield from range(count)

    def fail(self) -> None:
        raise ValueError("too tall")

    @classmethod
    def plant(cls, height: int) -> Tree:
        return cls(height)

    @staticmethod
    def add(a: int, b: int) -> int:
        return a + b

    def __iadd__(self, years: int) -> Tree:
        self.height += years
        return self


class Row:
    """Has many special methods."""

    def __init__(self, items: list[int]) -> None:
        self.items = items
        self.log: list[str] = []

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> int:
        return self.items[i]

    def __setitem__(self, i: int, value: int) -> None:
        self.items[i] = value

    def __delitem__(self, i: int) -> None:
        del self.items[i]

    def __contains__(self, item: object) -> bool:
        return item in self.items

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.items)

    def __add__(self, other: object) -> object:
        return self.items + list(other) if isinstance(other, (list, Row)) else NotImplemented

    def __radd__(self, other: list[int]) -> list[int]:
        return other + self.items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and self.items == list(other)

    def __hash__(self) -> int:
        return 42

    def __call__(self, x: int, *, y: int = 0) -> int:
        return x + y + len(self.items)

    def __enter__(self) -> str:
        self.log.append("enter")
        return "inside"

    def __exit__(self, kind: object, value: object, traceback: object) -> bool:
        self.log.append(type(value).__name__)
        return True

    def __bool__(self) -> bool:
        return False

    def __float__(self) -> float:
        return 1.5

    def __str__(self) -> str:
        return "a row"


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: int


# --- Proxies ---------------------------------------------------------------------------------------------------------


def test_a_proxy_is_an_instance_of_the_objects_class() -> None:
    tree = distob.scatter(Tree(3))
    assert isinstance(tree, Tree)
    assert isinstance(tree, distob.Remote)
    assert type(tree) is not Tree
    assert tree.__class__ is Tree


def test_methods_attributes_and_properties_go_to_the_object() -> None:
    tree = distob.scatter(Tree(3))
    assert tree.grow(2) == 5
    assert tree.grow(years=2, factor=2) == 9
    assert tree.height == 9
    assert tree.double == 18
    tree.height = 1
    tree.double = 8
    assert (tree.height, tree.kind) == (4, "tree")
    tree.nickname = "oak"
    assert tree.nickname == "oak"
    del tree.nickname
    with pytest.raises(AttributeError):
        tree.nickname
    assert tree.add(1, 2) == 3


def test_two_proxies_do_not_see_each_others_attributes() -> None:
    one, other = distob.scatter([Tree(), Tree()])
    one.mark = 1
    assert not hasattr(other, "mark")


def test_special_methods_go_to_the_object() -> None:
    row = distob.scatter(Row([1, 2, 3]))
    assert len(row) == 3
    assert row[1] == 2
    row[1] = 7
    del row[0]
    assert 7 in row
    assert 1 not in row
    assert list(row) == [7, 3]
    assert row + [1] == [7, 3, 1]
    assert [1] + row == [1, 7, 3]
    assert row(1, y=2) == 5
    assert not row
    assert float(row) == 1.5
    assert str(row) == "a row"
    assert f"{row}" == "a row"
    assert hash(row) == 42
    with pytest.raises(TypeError):
        row + 1
    with row as entered:
        assert entered == "inside"
        raise KeyError("swallowed there")
    assert list(row.log) == ["enter", "KeyError"]


def test_comparisons_run_where_the_object_is() -> None:
    one, same, other = distob.scatter([Row([1]), Row([1]), Row([2])])
    assert one == same
    assert one != other
    assert one == Row([1])


def test_objects_without_eq_compare_by_identity() -> None:
    one, other = distob.scatter([Tree(), Tree()])
    assert one == one
    assert one != other
    assert len({one, other}) == 2


def test_return_self_is_the_very_same_proxy() -> None:
    tree = distob.scatter(Tree(3))
    assert tree.itself() is tree
    before = tree
    tree += 4
    assert tree is before
    assert tree.height == 7


def test_looking_at_a_proxy_makes_no_remote_call(cluster: distob.Cluster) -> None:
    busy, release = threading.Event(), queue.SimpleQueue()  # type: ignore[var-annotated]
    del busy, release
    tree = distob.scatter(Tree())
    lost = distob.Cluster(n=1)
    with lost:
        gone = distob.scatter(Tree())
    assert "Tree" in repr(gone)  # there is no engine left that could be asked
    assert "Tree" in gone._repr_html_()
    assert "grow" in dir(gone)
    assert callable(gone.grow)
    assert not hasattr(gone, "_ipython_display_")
    assert not hasattr(gone, "__array_interface__")
    assert tree.height == 0


def test_a_method_of_a_proxy_can_be_kept_and_documented() -> None:
    tree = distob.scatter(Tree())
    grow = tree.grow
    assert [grow(1) for _ in range(3)] == [1, 2, 3]
    assert grow.__name__ == "grow"
    assert grow.__self__ is tree
    assert grow == tree.grow


def test_builtin_containers_can_be_scattered() -> None:
    numbers, mapping = distob.scatter([[1, 2, 3], {"a": 1}])
    numbers.append(4)
    mapping["b"] = 2
    assert isinstance(numbers, list)
    assert numbers == [1, 2, 3, 4]
    assert sorted(mapping) == ["a", "b"]
    assert dict(mapping.items()) == {"a": 1, "b": 2}
    assert distob.gather(numbers) == [1, 2, 3, 4]


def test_classes_of_modules_work_without_any_declaration() -> None:
    counter, fifo = (
        distob.scatter(random.Random(1)),
        distob.scatter(__import__("collections").deque([1, 2])),
    )
    assert counter.random() == random.Random(1).random()
    fifo.append(3)
    assert list(fifo) == [1, 2, 3]


def test_a_methods_own_block_parameter_reaches_it() -> None:
    inbox = distob.call(_make_queue)
    with pytest.raises(queue.Empty):
        inbox.get(block=False)


def _make_queue() -> object:
    inbox: queue.Queue[int] = queue.Queue()
    return inbox


def test_iteration_comes_in_batches(cluster: distob.Cluster) -> None:
    numbers = distob.scatter(list(range(5000)))
    assert list(numbers) == list(range(5000))
    assert sum(distob.scatter(Tree()).numbers(1000)) == sum(range(1000))


def test_endless_iterators_can_be_read() -> None:
    import itertools

    counter = distob.call(itertools.count)
    assert [next(counter) for _ in range(3)] == [0, 1, 2]
    assert next(zip(counter, "abc", strict=False)) == (3, "a")


def test_copies_of_proxies_are_objects_of_the_engine() -> None:
    tree = distob.scatter(Tree(3))
    other = copy.copy(tree)
    other.height = 9
    assert isinstance(other, Tree)
    assert (tree.height, other.height) == (3, 9)


# --- What comes back -------------------------------------------------------------------------------------------------


def test_plain_data_comes_back_by_value() -> None:
    tree = distob.scatter(Tree())
    for value in [
        None, True, 1, -(1 << 80), 1.5, 2j, "text", "\ud800", b"bytes", (1, (2, "x")), frozenset({1}), ..., Fraction(1, 3),
        Colour.RED, Point(1, 2), np.float64(2.5), range(3), slice(1, 2),
    ]:  # fmt: skip
        result = tree.keep(value)
        assert result == value
        assert type(result) is type(value)
    assert tree.keep(Colour.RED) is Colour.RED


def test_large_arrays_that_are_not_contiguous_travel_out_of_band() -> None:
    backwards = distob.call(lambda n: np.arange(n)[::-1], 40_000_000)  # 320 MB, which no message can hold
    assert backwards.shape == (40_000_000,)
    assert (backwards[0], backwards[-1]) == (39_999_999, 0)
    assert distob.call(lambda a: float(a[1]), backwards[::2]) == 39_999_997


def test_fresh_results_come_back_by_value() -> None:
    tree = distob.scatter(Tree(2))
    fresh = tree.fresh_list()
    assert type(fresh) is list
    assert type(tree.echo([1, {"a": {2}}])) is list


def test_state_that_the_object_keeps_is_reached_through_a_proxy() -> None:
    tree = distob.scatter(Tree(2))
    tree.children.append(5)
    tree.params["dt"] = 0.1
    assert list(tree.children) == [5]
    assert tree.params["dt"] == 0.1


def test_a_held_part_inside_a_fresh_value_is_a_proxy() -> None:
    tree = distob.scatter(Tree(2))
    both = tree.both()
    assert type(both) is dict
    assert type(both["fresh"]) is list
    both["mine"].append(1)
    assert list(tree.children) == [1]


def test_a_list_that_was_kept_is_no_copy() -> None:
    tree = distob.scatter(Tree())
    kept = tree.keep([1])
    kept.append(2)
    assert list(tree.kept) == [1, 2]


def test_a_tuple_with_a_held_list_holds_a_proxy() -> None:
    tree = distob.scatter(Tree())
    pair = tree.keep((1, [2]))
    assert type(pair) is tuple
    pair[1].append(3)
    assert list(tree.kept[1]) == [2, 3]


def test_a_dead_cycle_holds_nothing() -> None:
    def make() -> object:
        part = [1]
        cycle: list[object] = [part]
        cycle.append(cycle)
        return part

    assert type(distob.call(make)) is list


def test_instances_of_scattered_classes_come_back_as_proxies() -> None:
    distob.scatter(Tree())
    tree = distob.call(Tree, 4)
    assert isinstance(tree, distob.Remote)
    assert tree.grow() == 5
    assert isinstance(distob.scatter(Tree()).plant(3), distob.Remote)


class Leaf:
    def __init__(self, size: int = 1) -> None:
        self.size = size


def test_instances_of_other_classes_come_back_as_the_clients_own_class() -> None:
    leaf = distob.call(Leaf, 4)
    assert type(leaf) is Leaf
    assert leaf.size == 4


class Seed:
    pass


def test_register_overrides_what_comes_back() -> None:
    distob.register(Seed, by="proxy")
    assert isinstance(distob.call(Seed), distob.Remote)
    distob.register(Seed, by="value")
    assert type(distob.call(Seed)) is Seed
    with pytest.raises(ValueError, match="proxy"):
        distob.register(Seed, by="magic")  # type: ignore[arg-type]


def test_what_cannot_be_pickled_comes_back_as_a_proxy() -> None:
    lock = distob.call(threading.Lock)
    assert isinstance(lock, distob.Remote)
    with lock:
        assert lock.locked()
    assert not lock.locked()


def test_bound_methods_bind_to_the_proxy() -> None:
    tree = distob.scatter(Tree(1))
    grow = distob.call(_method_of, tree)
    assert grow(2) == 3
    assert tree.height == 3


def _method_of(tree: Tree) -> object:
    return tree.grow


def test_arrays_come_back_writable() -> None:
    array = distob.call(np.arange, 100_000.0)
    array[0] = 5
    assert array.flags.writeable
    assert array.sum() == np.arange(100_000.0).sum() + 5


# --- Arguments -------------------------------------------------------------------------------------------------------


def test_a_proxy_arrives_as_the_object_itself_where_it_lives() -> None:
    tree = distob.scatter(Tree(3))
    assert distob.call(_exact_type, tree) == "Tree"
    assert tree.echo(tree) is tree


def _exact_type(value: object) -> str:
    return "Remote" if isinstance(value, distob.Remote) else type(value).__name__


def test_proxies_on_different_engines_can_be_arguments_of_one_call() -> None:
    one, other = distob.scatter([Tree(1), Tree(2)])
    assert one._id.engine != other._id.engine
    assert distob.call(lambda a, b: a.grow(b.height), one, other) == 3
    assert distob.call(lambda trees: [tree.grow() for tree in trees], [one, other]) == [4, 3]


def test_one_object_twice_arrives_as_one() -> None:
    part: list[int] = []
    assert distob.call(lambda a, b: a is b, part, part)
    assert distob.call(lambda a, b: a[0] is b, [part], b=part)


def test_large_values_travel_out_of_band() -> None:
    array = np.random.default_rng(1).random(200_000)
    tree = distob.scatter(Tree())
    assert np.array_equal(tree.echo(array), array)
    assert np.array_equal(distob.call(lambda a: a * 2, array), array * 2)


def test_what_cannot_be_pickled_is_named_by_its_path() -> None:
    tree = Tree()
    tree.params["lock"] = threading.Lock()  # type: ignore[assignment]
    with pytest.raises(distob.EncodeError, match=r"params\['lock'\]"):
        distob.scatter(tree)
    with pytest.raises(TypeError, match="lock"):
        distob.call(lambda: tree)


# --- Functions and classes by value ----------------------------------------------------------------------------------


def factorial(n: int) -> int:
    return 1 if n <= 1 else n * factorial(n - 1)


@functools.lru_cache
def fibonacci(n: int) -> int:
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


class Cached:
    @functools.cached_property
    def value(self) -> int:
        return 7

    def fib(self, n: int) -> int:
        return fibonacci(n)


def made_up_module(source: str) -> dict[str, object]:
    """The namespace of a module that exists in this process only, as __main__ of a notebook does."""
    namespace: dict[str, object] = {"__name__": "made_up"}
    exec(textwrap.dedent(source), namespace)
    return namespace


def test_a_function_travels_with_the_globals_it_uses_now() -> None:
    module = made_up_module("""
        RATE = 2
        def helper(x): return x * RATE
        def scaled(x): return helper(x)
    """)
    assert distob.call(module["scaled"], 3) == 6
    module["RATE"] = 5
    assert [distob.call(module["scaled"], 3) for _ in range(4)] == [15] * 4


def test_functions_of_the_module_travel() -> None:
    assert distob.call(factorial, 10) == 3628800
    assert distob.call(fibonacci, 30) == 832040


def test_lru_cache_and_cached_property_travel_with_a_class() -> None:
    cached = distob.scatter(Cached())
    assert cached.value == 7
    assert cached.fib(20) == 6765


def test_closures_over_proxies_travel() -> None:
    tree = distob.scatter(Tree(1))
    assert distob.call(lambda: tree.grow(2)) == 3
    assert tree.height == 3


def test_a_changed_class_is_sent_again_and_its_instances_follow() -> None:
    class Clock:
        def time(self) -> int:
            return 1

    clock = distob.scatter(Clock())
    assert clock.time() == 1
    Clock.time = lambda self: 2  # type: ignore[method-assign]
    distob.scatter(Clock())
    distob.call(lambda c: None, clock)
    assert distob.scatter(Clock()).time() == 2


def test_functions_share_one_namespace_in_an_engine() -> None:
    def write() -> None:
        global _written
        _written = 5

    def read() -> object:
        return globals().get("_written")

    tree = distob.scatter(Tree())
    on_engine = lambda function, *args: distob.call(lambda t: function(), tree)
    on_engine(write)
    assert on_engine(read) == 5


def test_a_class_refers_to_another_and_back() -> None:
    class Left:
        def other(self) -> type:
            return Right

    class Right(Left):
        def other(self) -> type:
            return Left

    left, right = distob.scatter([Left(), Right()])
    assert left.other() is Right
    assert right.other() is Left


# --- The interface of distob 0.3 -------------------------------------------------------------------------------------


def test_scatter_and_gather_are_inverse_for_lists() -> None:
    trees = distob.scatter([Tree(i) for i in range(7)])
    assert len({tree._id.engine for tree in trees}) == 2
    local = distob.gather(trees)
    assert [tree.height for tree in local] == list(range(7))
    assert {type(tree) for tree in local} == {Tree}
    assert distob.gather((trees[0], 5))[1] == 5
    assert distob.scatter(trees[0]) is trees[0]


def test_call_all_is_in_order() -> None:
    trees = distob.scatter([Tree(i) for i in range(20)])
    assert distob.call_all(trees, "grow", 1) == list(range(1, 21))
    assert distob.call_all(trees, "grow", factor=0) == list(range(1, 21))
    assert distob.call_all([], "grow") == []
    futures = distob.call_all(trees, "grow", block=False)
    assert [f.result() for f in futures] == list(range(2, 22))


def test_vectorize_and_apply_run_over_objects_and_proxies() -> None:
    trees = [Tree(i) for i in range(5)]
    assert distob.vectorize(lambda tree, n: tree.height + n)(trees, 1) == [1, 2, 3, 4, 5]
    assert distob.apply(lambda tree, n=0: tree.grow(n), distob.scatter(trees), n=2) == [2, 3, 4, 5, 6]


class Shelf:
    """Decides itself what scatter, gather and vectorize do with it."""

    def __init__(self, items: list[int]) -> None:
        self.items = items

    def __distob_scatter__(self, axis: object, destination: object, blocksize: object) -> object:
        return distob.scatter(list(self.items)), axis, blocksize

    def __distob_gather__(self) -> str:
        return "gathered"

    def __distob_vectorize__(self, function):  # type: ignore[no-untyped-def]
        return lambda shelf, *args: [function(item, *args) for item in shelf.items]


def test_objects_can_decide_for_themselves() -> None:
    proxies, axis, blocksize = distob.scatter(Shelf([1, 2]), axis=3, blocksize=4)
    assert distob.gather(proxies) == [1, 2]
    assert (axis, blocksize) == (3, 4)
    assert distob.gather([Shelf([1])]) == ["gathered"]
    assert distob.vectorize(lambda item, n: item + n)(Shelf([1, 2]), 1) == [2, 3]


def test_convert_result_waits_and_turns_refs_into_proxies() -> None:
    tree = distob.scatter(Tree(1))
    future = distob.methodcall(tree, "grow", block=False)
    assert distob.convert_result(future) == 2
    ref = distob.Ref(tree)
    assert distob.convert_result([ref, 5])[0] is tree
    assert ref.type is Tree
    assert ref.id == tree._id
    assert distob.Remote(ref) is tree


def test_remote_controls_local_objects_too() -> None:
    local = Tree(1)
    remote = distob.Remote(local)
    assert remote.is_local
    assert remote.prefer_local
    assert remote.grow(2) == 3
    remote.height = 9
    assert local.height == 9
    assert distob.gather(remote) is local
    assert distob.call(lambda tree: tree.grow(), remote) == 10
    assert not distob.scatter(Tree()).is_local


class Bush:
    def __init__(self, size: int = 1) -> None:
        self.size = size

    def grow(self, n: int) -> int:
        self.size += n
        return self.size

    def _secret(self) -> int:
        return self.size

    def local_only(self) -> str:
        return f"{type(self).__name__} {self.size}"

    def __len__(self) -> int:
        return self.size


@distob.proxy_methods(Bush, exclude=["local_only"])
class RemoteBush(distob.Remote, Bush):
    def twice(self) -> int:
        return self.grow(1) + self.grow(1)


def test_a_proxy_class_that_the_user_writes() -> None:
    bush = distob.scatter(Bush(3))
    assert type(bush) is RemoteBush
    assert isinstance(bush, Bush)
    assert bush.twice() == 9
    assert len(bush) == 5
    assert bush.local_only() == "RemoteBush 5"
    assert distob.engine.proxy_types[Bush] is RemoteBush
    assert isinstance(RemoteBush(bush), RemoteBush)


def test_engine_is_the_table_of_this_process() -> None:
    assert isinstance(distob.engine, distob.ObjectHub)
    assert distob.engine.nengines == 2
    assert distob.engine.eid == -1
    tree = distob.scatter(Tree())
    distob.engine[tree._id] = tree
    assert distob.engine[tree._id].id == tree._id
    del distob.engine[tree._id]
    assert distob.call(lambda: type(distob.engine).__name__) == "ObjectEngine"
    assert distob.call(lambda: distob.engine.eid) in (0, 1)


# --- Lifetime --------------------------------------------------------------------------------------------------------


def _alive(refs: list[object]) -> list[bool]:
    return [ref() is not None for ref in refs]  # type: ignore[operator]


class Watcher:
    """Lives beside the objects it watches, by weak reference."""

    def __init__(self) -> None:
        self.refs: list[weakref.ref[object]] = []

    def watch(self, value: object) -> None:
        self.refs.append(weakref.ref(value))

    def gone(self) -> bool:
        return all(ref() is None for ref in self.refs)


def test_del_frees_at_once_without_a_collection() -> None:
    watcher, tree = distob.scatter([Watcher(), Tree()])[0], distob.scatter(Tree())
    while tree._id.engine != watcher._id.engine:
        tree = distob.scatter(Tree())
    gc.disable()
    try:
        watcher.watch(tree)
        assert not watcher.gone()
        del tree
        assert watcher.gone()  # the release came before this call, on the same stream
    finally:
        gc.enable()


def test_proxies_are_in_no_reference_cycle() -> None:
    tree = distob.scatter(Tree())
    tree.grow(1), tree.children, repr(tree)
    ref = weakref.ref(tree)
    gc.disable()
    try:
        del tree
        assert ref() is None
    finally:
        gc.enable()


def test_a_proxy_in_a_garbage_cycle_can_be_released_inside_the_collection() -> None:
    for _ in range(50):
        cycle: list[object] = [distob.scatter(Tree())]
        cycle.append(cycle)
        del cycle
    gc.collect()
    assert distob.scatter(Tree(1)).grow() == 2


def test_an_object_lives_as_long_as_another_engine_has_its_proxy() -> None:
    one, other = distob.scatter([Tree(1), Tree(2)])
    one.keep(other)
    del other
    assert one.kept.grow() == 3


def test_threads_share_a_proxy() -> None:
    tree = distob.scatter(Tree())
    threads = [threading.Thread(target=lambda: [tree.grow() for _ in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tree.height == 400


def test_random_differs_between_engines() -> None:
    makers = distob.scatter([Tree(), Tree()])
    draws = [distob.call(lambda t: (random.random(), float(np.random.rand())), tree) for tree in makers]
    assert draws[0][0] != draws[1][0]
    assert draws[0][1] != draws[1][1]


def test_a_cluster_shows_itself(cluster: distob.Cluster) -> None:
    assert "2 engines" in repr(cluster)
    assert str(cluster.pids[0]) in cluster._repr_html_()


# --- Classes with rules of their own ---


@dataclasses.dataclass(order=True)
class Measured:
    value: float
    unit: str = "m"
    notes: list = dataclasses.field(default_factory=list)

    def as_dict(self) -> dict:
        return dataclasses.asdict(self)

    def widened(self) -> str:
        @dataclasses.dataclass
        class Wider(Measured):
            error: float = 0.5

        return repr(Wider(1.0))


def test_proxies_of_dataclasses_are_dataclasses() -> None:
    measured = distob.scatter(Measured(3.0))
    assert dataclasses.is_dataclass(measured)
    assert [field.name for field in dataclasses.fields(measured)] == ["value", "unit", "notes"]
    assert dataclasses.replace(measured, value=4.0) == Measured(4.0)
    assert measured.as_dict() == {"value": 3.0, "unit": "m", "notes": []}
    match measured:
        case Measured(value, unit):
            assert (value, unit) == (3.0, "m")
        case _:
            pytest.fail("no match")


def test_the_marks_of_dataclasses_keep_their_identity_in_engines() -> None:
    made = distob.scatter(Measured(3.0)).widened()
    assert made.endswith("Wider(value=1.0, unit='m', notes=[], error=0.5)")


class Slotted:
    __slots__ = ("kept",)

    def __init__(self, kept: int) -> None:
        self.kept = kept


def test_slots_of_a_class_sent_by_value_hold_in_the_engine() -> None:
    slotted = distob.scatter(Slotted(1))
    slotted.kept = 2
    assert slotted.kept == 2
    with pytest.raises(AttributeError):
        slotted.other = 3


class OutOfRange(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Decorated(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(f"no {name}")


class Thrower:
    def out_of_range(self) -> None:
        raise OutOfRange(7, "too far")

    def decorated(self) -> None:
        raise Decorated("fuel")


def test_errors_whose_parameters_are_not_their_args_keep_type_and_state() -> None:
    thrower = distob.scatter(Thrower())
    with pytest.raises(OutOfRange, match="too far") as far:
        thrower.out_of_range()
    assert far.value.code == 7
    with pytest.raises(Decorated) as decorated:
        thrower.decorated()
    assert decorated.value.args == ("no fuel",)
