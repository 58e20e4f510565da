// Engines on this machine, for C++ programs.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "distob/calls.h"
#include "distob/remote.h"

namespace distob {

namespace detail {
class Caller;

/// Sends a call that has no target to an engine. `results`: how many objects it makes.
std::shared_ptr<PendingCall> submit_at(Caller& caller, int engine, const Operation& operation, const Writer& call,
                                       std::uint32_t results, bool synchronous);
/// The engine for a call that has no target: where most of the objects live that it refers to, else each in turn.
int choose_engine(Caller& caller, const Writer& call);
/// The living engines' numbers. Throws EngineDied if none is left, ClosedError.
std::vector<int> living_engines(Caller& caller);
/// The i-th object that the call makes.
Ref result_of(const PendingCall& call, std::uint32_t i);
}  // namespace detail

struct ClusterOptions {
  /// How many engines; else DISTOB_ENGINES, else one for each core. Out of range: ValueError that names the range.
  std::optional<long long> engines = {};
  /// Receives each line that an engine writes to stdout or stderr; by default they go to this process's, with a prefix
  /// "[engine 3] ". Called on a thread of the cluster's.
  std::function<void(int engine, bool is_stderr, std::string_view line)> output = {};
  std::chrono::milliseconds start_timeout{60'000};
  /// How long engines may take to end at close() before they are killed.
  std::chrono::milliseconds grace{2'000};
};

/// A set of engines: processes of this very program, started again, that own objects and run calls.
///
/// Make it first thing in main: in an engine's process the constructor serves calls and never returns, so what main does
/// before it is done in every engine too. Its destructor ends the engines; so does the end of this process, however it ends.
/// Objects are lost then, and using a Remote throws ClosedError.
///
/// All members may be called from any thread. After fork() the child cannot use it: everything throws ForkedError.
class Cluster {
 public:
  /// Starts the engines, with this program's arguments. Throws ValueError (a number of engines out of range), EngineDied (an
  /// engine ended before it was ready, with its last output), Error.
  Cluster(int argc, char** argv, ClusterOptions options = {});
  explicit Cluster(ClusterOptions options = {});
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// In a process that was started as an engine: serves and never returns, as the constructor does. Elsewhere: nothing.
  /// For programs that do much before they make a Cluster, or make it late.
  static void serve_if_engine();

  /// The number of living engines.
  [[nodiscard]] std::size_t size() const;
  /// The process ids of the living engines, by ascending engine number.
  [[nodiscard]] std::vector<int> pids() const;
  /// Ends calls, engines and objects. Idempotent; the destructor calls it.
  void close() noexcept;
  /// Waits until all calls of this process so far are done, then throws the first error that nobody looked at, if any: of
  /// calls whose Future was dropped.
  void sync();

  /// Moves a value to an engine. `T` travels as <distob/codec.h> says.
  template <class T>
  [[nodiscard]] Remote<T> scatter(const T& value) {
    return std::move(scatter(std::vector<T>{value}).front());
  }
  /// Moves each of the values, in equal and contiguous shares, to the engines.
  template <class T>
  [[nodiscard]] std::vector<Remote<T>> scatter(const std::vector<T>& values);

  /// Constructs a T in an engine, which need not be able to travel: `auto file = cluster.create<LogFile>("name")`.
  template <class T, class... A>
  [[nodiscard]] Remote<T> create(const A&... arguments);

  /// Runs a function in an engine: where most of its Remote arguments live, else in each engine in turn.
  ///
  ///     double x = cluster.call<simulate>(seed, 1000);                                         // a function by its name
  ///     double y = cluster.call([](int seed) { return Model(seed).run(); }, 7);                // a lambda without captures
  template <auto Function, class... A>
  auto call(const A&... arguments) {
    return this->template start<Function>(true, arguments...).get();
  }
  template <auto Function, class... A>
  [[nodiscard]] auto async(const A&... arguments) {
    return this->template start<Function>(false, arguments...);
  }
  template <class F, class... A>
  auto call(F function, const A&... arguments) {
    return start(true, function, arguments...).get();
  }
  template <class F, class... A>
  [[nodiscard]] auto async(F function, const A&... arguments) {
    return start(false, function, arguments...);
  }

  /// Calls a function (a lambda without captures) with each value, in parallel; the results in order. The values travel in
  /// shares, four for each engine, so that uneven work evens out. A failure fails its share.
  template <class F, class V, class... A>
  auto apply(F function, const std::vector<V>& values, const A&... arguments);
  /// apply() with its function fixed, for values and for Remotes.
  template <class F>
  [[nodiscard]] auto vectorize(F function) {
    return [this, function](const auto& values, const auto&... arguments) {
      return this->apply(function, values, arguments...);
    };
  }
  /// The same for objects, which are called where they live.
  template <class F, class T, class... A>
  auto apply(F function, const std::vector<Remote<T>>& objects, const A&... arguments) {
    return distob::apply(function, objects, arguments...);
  }

 private:
  class Engines;

  template <auto Function, class... A>
  auto start(bool synchronous, const A&... arguments) {
    using Pointer = std::decay_t<decltype(Function)>;
    static_assert(std::is_function_v<std::remove_pointer_t<Pointer>>,
                  "distob: call<...> of a cluster takes a function; methods are called on a Remote");
    using Task = detail::FunctionTask<Function>;
    Writer call = detail::begin_call(detail::Registered<Task>::operation);
    detail::encode_arguments(call, typename Task::Traits::Parameters{}, arguments...);
    return Future<detail::Result<typename Task::Traits::Result>>(submit<Task>(call, synchronous));
  }
  template <class F, class... A>
  auto start(bool synchronous, F, const A&... arguments) {
    detail::check_function<F>();
    using Task = detail::LambdaTask<F, detail::Held<A>...>;
    Writer call = detail::begin_call(detail::Registered<Task>::operation);
    (detail::encode_argument<detail::Held<A>>(call, arguments), ...);
    return Future<detail::Result<typename Task::R>>(submit<Task>(call, synchronous));
  }
  template <class Task>
  std::shared_ptr<detail::PendingCall> submit(const Writer& call, bool synchronous, std::uint32_t results = 0) {
    return detail::submit_at(*caller_, detail::choose_engine(*caller_, call), detail::Registered<Task>::operation, call,
                             results, synchronous);
  }

  std::unique_ptr<Engines> engines_;
  std::shared_ptr<detail::Caller> caller_;
};

template <class T>
std::vector<Remote<T>> Cluster::scatter(const std::vector<T>& values) {
  // A command carries many objects, but no more bytes than keep pipes and buffers small.
  constexpr std::size_t kBytes = std::size_t{256} << 10;
  const detail::Operation& operation = detail::Registered<detail::ScatterTask<T>>::operation;
  const std::vector<int> engines = detail::living_engines(*caller_);
  std::vector<std::shared_ptr<detail::PendingCall>> calls;
  std::vector<Remote<T>> remotes;
  remotes.reserve(values.size());
  for (std::size_t e = 0, i = 0; e < engines.size(); ++e) {
    const std::size_t end = values.size() * (e + 1) / engines.size();
    while (i < end) {
      Writer call = detail::begin_call(operation);
      std::uint32_t count = 0;
      for (; i < end && call.bytes().size() < kBytes; ++i, ++count) distob::encode<T>(call, values[i]);
      calls.push_back(detail::submit_at(*caller_, engines[e], operation, call, count, false));
      for (std::uint32_t k = 0; k < count; ++k) remotes.emplace_back(detail::result_of(*calls.back(), k));
    }
  }
  for (const auto& call : calls) detail::take_answer(*call);
  return remotes;
}

template <class T, class... A>
Remote<T> Cluster::create(const A&... arguments) {
  using Task = detail::CreateTask<T, detail::Held<A>...>;
  Writer call = detail::begin_call(detail::Registered<Task>::operation);
  (detail::encode_argument<detail::Held<A>>(call, arguments), ...);
  const auto pending = submit<Task>(call, true, 1);
  Remote<T> remote(detail::result_of(*pending, 0));
  detail::take_answer(*pending);
  return remote;
}

template <class F, class V, class... A>
auto Cluster::apply(F, const std::vector<V>& values, const A&... arguments) {
  detail::check_function<F>();
  using Task = detail::MapTask<F, V, detail::Held<A>...>;
  using R = detail::Result<typename Task::R>;
  static_assert(!std::is_void_v<R>,
                "distob: apply over values needs a function with a result; nothing else comes back");
  const detail::Operation& operation = detail::Registered<Task>::operation;
  const std::vector<int> engines = detail::living_engines(*caller_);
  const std::size_t shares = std::min(values.size(), engines.size() * 4);
  std::vector<Future<std::vector<R>>> futures;
  for (std::size_t s = 0; s < shares; ++s) {
    const std::size_t begin = values.size() * s / shares;
    const std::size_t end = values.size() * (s + 1) / shares;
    Writer call = detail::begin_call(operation);
    (detail::encode_argument<detail::Held<A>>(call, arguments), ...);
    call.put_number(end - begin);
    if constexpr (detail::Bulk<V>) {
      call.put(values.data() + begin, (end - begin) * sizeof(V));
    } else {
      for (std::size_t i = begin; i < end; ++i) distob::encode<V>(call, values[i]);
    }
    futures.emplace_back(detail::submit_at(*caller_, engines[s % engines.size()], operation, call, 0, false));
  }
  std::vector<R> results;
  results.reserve(values.size());
  for (auto& share : get_all(std::move(futures)))
    for (auto&& result : share) results.push_back(std::move(result));
  return results;
}

}  // namespace distob
