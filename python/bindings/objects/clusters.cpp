#include "objects/clusters.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "array/array.h"
#include "cluster/local_cluster.h"
#include "objects/calls.h"
#include "objects/kinds.h"
#include "objects/link.h"
#include "objects/pending.h"
#include "objects/remote.h"
#include "objects/values.h"

namespace nb = nanobind;

namespace distob::python {
namespace {

/// A local cluster and the link that proxies of its objects share.
class Local {
 public:
  Local(int engines, std::vector<std::string> arguments, std::vector<std::string> environment) {
    cluster::ZygoteLauncher::Options zygote{std::move(arguments), std::move(environment)};
    cluster::LocalOptions options;
    options.engines = engines;
    array::set_interrupt_check([] { check_signals()(); });  // from now on arrays may be on loan for long
    nb::gil_scoped_release unlocked;
    cluster_ = std::make_unique<cluster::LocalCluster>(std::make_unique<cluster::ZygoteLauncher>(std::move(zygote)),
                                                       std::move(options), check_signals());
    link = std::make_shared<Link>(cluster_->client());
  }
  ~Local() { close(); }

  void close() {
    nb::gil_scoped_release unlocked;
    cluster_->close();
  }

  std::shared_ptr<Link> link;

 private:
  std::unique_ptr<cluster::LocalCluster> cluster_;
};

Arguments from_tuple(const nb::args& args, const nb::kwargs& kwargs, std::vector<PyObject*>& values,
                     nb::object& names) {
  for (nb::handle value : args) values.push_back(value.ptr());
  const std::size_t positional = values.size();
  if (kwargs.size() == 0) return {values.data(), positional, nullptr};
  nb::list keys;
  for (auto [key, value] : kwargs) {
    keys.append(key);
    values.push_back(value.ptr());
  }
  names = nb::tuple(keys);
  return {values.data(), positional, names.ptr()};
}

std::string function_label(nb::handle function) {
  nb::object name = nb::getattr(function, "__qualname__", nb::none());
  return nb::isinstance<nb::str>(name) ? nb::cast<std::string>(name) : std::string(Py_TYPE(function.ptr())->tp_name);
}

EngineId engine_id(std::uint32_t value) { return EngineId{value}; }

/// function(*args, **kwargs) on an engine: the result, or a future.
nb::object call_function(const std::shared_ptr<Link>& link, std::uint32_t engine, bool block, nb::handle function,
                         nb::args args, nb::kwargs kwargs) {
  std::vector<PyObject*> values{function.ptr()};
  nb::object names;
  const Arguments arguments = from_tuple(args, kwargs, values, names);
  const std::string label = function_label(function);
  const Request request{Operation::function, engine_id(engine), {}, {}, 0, label};
  if (block) return call(link, request, arguments);
  return make_future(send(link, request, arguments));
}

/// proxy.name(*args, **kwargs) as a future.
nb::object submit_method(nb::handle proxy, nb::str name, nb::args args, nb::kwargs kwargs) {
  const RemoteHandle* handle = remote_handle(proxy.ptr());
  if (!handle) throw TypeError("submit_method needs a proxy");
  const std::shared_ptr<Link> link = handle->link;
  std::vector<PyObject*> values;
  nb::object names;
  const Arguments arguments = from_tuple(args, kwargs, values, names);
  const std::string text = nb::cast<std::string>(name);
  const std::string label = std::string(remote_type_name(proxy.ptr())) + "." + text;
  return make_future(send(link, {Operation::method, handle->id.owner, handle->id, text, 0, label}, arguments));
}

/// A copy of the object, as a future.
nb::object fetch(nb::handle proxy) {
  const RemoteHandle* handle = remote_handle(proxy.ptr());
  if (!handle) throw TypeError("fetch needs a proxy");
  const std::string label = "gather(" + std::string(remote_type_name(proxy.ptr())) + ")";
  return make_future(send(handle->link, {Operation::copy, handle->id.owner, handle->id, {}, 0, label}, {}));
}

nb::object next_batch(nb::handle iterator, int most) {
  const RemoteHandle* handle = remote_handle(iterator.ptr());
  if (!handle) throw TypeError("next_batch needs a proxy");
  const nb::object count = nb::int_(most);
  PyObject* values[] = {count.ptr()};
  return call(handle->link, {Operation::batch, handle->id.owner, handle->id, {}, 0, "next"}, {values, 1, nullptr});
}

/// Copies of `objects` become objects of an engine: (future, their proxies). The future's result is None.
nb::object create(const std::shared_ptr<Link>& link, std::uint32_t engine, nb::list objects) {
  PyObject* values[] = {objects.ptr()};
  const auto count = static_cast<std::uint32_t>(objects.size());
  const Request request{Operation::create, engine_id(engine), {}, {}, count, "scatter"};
  Sent sent = send(link, request, {values, 1, nullptr});
  nb::list proxies;
  for (std::uint32_t i = 0; i < count; ++i) {
    proxies.append(make_remote(link, sent.call.result(i), description_of(Py_TYPE(objects[i].ptr()))));
  }
  return nb::make_tuple(make_future(std::move(sent)), proxies);
}

/// function(*args, **kwargs) on an engine, the result kept there whatever it is: its proxy.
nb::object keep(const std::shared_ptr<Link>& link, std::uint32_t engine, nb::handle function, nb::args args,
                nb::kwargs kwargs) {
  std::vector<PyObject*> values{function.ptr()};
  nb::object names;
  const Arguments arguments = from_tuple(args, kwargs, values, names);
  const std::string label = function_label(function);
  Sent sent = send(link, {Operation::keep, engine_id(engine), {}, {}, 1, label}, arguments);
  const ObjectId id = sent.call.result(0);
  try {
    const std::string description = nb::cast<std::string>(finish(sent));
    return make_remote(link, id, description);
  } catch (...) {
    link->endpoint().release(id);
    throw;
  }
}

nb::list engines(const Link& link) {
  nb::list all;
  for (const session::EngineInfo& engine : link.endpoint().engines()) {
    all.append(nb::make_tuple(engine.id.value, engine.pid, engine.state == session::EngineInfo::State::Ready));
  }
  return all;
}

void wait_all(const Link& link) {
  const auto endpoint = link.shared_endpoint();
  nb::gil_scoped_release unlocked;
  endpoint->wait_all(check_signals());
}

/// The errors of calls whose futures nobody asked, as (label, exception).
nb::list unobserved_errors(const std::shared_ptr<Link>& link) {
  nb::list all;
  for (session::UnobservedError& error : link->endpoint().take_unobserved_errors()) {
    if (error.reply.status == session::Status::Cancelled) continue;
    try {
      all.append(nb::make_tuple(error.label, describe_failure(link, error.reply)));
    } catch (const nb::python_error& e) {
      all.append(nb::make_tuple(error.label, nb::handle(e.value())));
    }
  }
  return all;
}

}  // namespace

void register_clusters(nb::module_& module) {
  nb::class_<Link>(module, "Link", nb::is_weak_referenceable(), "A connection to a cluster.")
      .def_prop_ro("closed", [](const Link& link) { return link.endpoint().closed(); })
      .def_prop_ro("own_engine",
                   [](const Link& link) -> nb::object {
                     const auto own = link.endpoint().own_engine();
                     return own ? nb::object(nb::int_(own->value)) : nb::none();
                   })
      .def("engines", engines, "(number, pid, alive) of each engine, by ascending number.")
      .def("wait_all", wait_all, "Waits until every call sent so far has its reply.")
      .def("flush", [](const Link& link) { link.endpoint().flush(); })
      .def("unobserved_errors", unobserved_errors, "Takes the errors of calls nobody asked about: (label, exception).")
      .def(
          "announce",
          [](Link& link, std::uint32_t bundle, nb::bytes bytes) { link.announce(bundle, std::move(bytes)); },
          "Every engine loads this definition bundle before its next command.")
      .def("number_of_objects", [](const Link& link) { return link.store ? link.store->size() : 0; });
  nb::class_<Local>(module, "LocalCluster", "Engines on this machine.")
      .def(nb::init<int, std::vector<std::string>, std::vector<std::string>>(), nb::arg("engines"),
           nb::arg("arguments"), nb::arg("environment"))
      .def("close", &Local::close)
      .def_ro("link", &Local::link);
  module.def(
      "engine_count", &cluster::engine_count, nb::arg("asked").none(),
      "How many engines to start: asked, DISTOB_ENGINES or one a core. Raises ValueError for an impossible number.");
  module.def(
      "engine_link", [] { return engine_link(); }, "The connection of this process if it is an engine, else None.");
  module.def("call_function", call_function);
  module.def("submit_method", submit_method);
  module.def("fetch", fetch);
  module.def("next_batch", next_batch);
  module.def("create", create);
  module.def("keep", keep);
}

}  // namespace distob::python
