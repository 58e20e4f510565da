#include "arrays/floats.h"

#include <nanobind/nanobind.h>

#include <array>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "arrays/reference.h"

namespace distob::python {
namespace {

/// One place in the user's program that an operation was called from. Lines are found only when a warning needs one.
struct Place {
  PyCodeObject* code = nullptr;  ///< owned, for ever, as are the globals: the number of places in a program is small
  PyObject* globals = nullptr;
  int instruction = 0;
  unsigned mask = 0;           ///< flags that warn
  const char* name = nullptr;  ///< of the operation

  friend bool operator==(const Place& a, const Place& b) {
    return a.code == b.code && a.instruction == b.instruction && a.name == b.name && a.mask == b.mask;
  }
};

struct HashPlace {
  std::size_t operator()(const Place& p) const {
    std::size_t hash = reinterpret_cast<std::uintptr_t>(p.code) >> 4;
    hash = hash * 1000003 + static_cast<std::size_t>(p.instruction);
    hash = hash * 1000003 + (reinterpret_cast<std::uintptr_t>(p.name) >> 3);
    return hash * 31 + p.mask;
  }
};

enum class Mode : std::uint8_t { ignore, warn, other };

/// What the handler last seen asks for. `handler` is owned, so that its address stays its own.
struct Modes {
  PyObject* handler = nullptr;
  unsigned warns = 0;      ///< flags that warn
  bool immediate = false;  ///< some flag raises, calls, prints or logs
};

struct State {
  PyObject* variable = nullptr;  ///< NumPy's context variable
  PyObject* warnings = nullptr;  ///< the dict of module warnings
  PyObject* filters_name = PyUnicode_InternFromString("filters");
  PyObject* filters = nullptr;  ///< the list of filters at import, its length and its first entry
  Py_ssize_t filter_count = 0;
  PyObject* first_filter = nullptr;
  Modes modes;
  std::unordered_map<Place, array::Site, HashPlace> sites;
  std::vector<Place> places{Place{}};  ///< by site; 0 is nobody
};

State& state() {
  static State& instance = *new State;
  return instance;
}

struct Flag {
  unsigned bit;
  const char* mode_name;
  const char* text;
};
constexpr std::array<Flag, 4> kFlags = {{{array::kDivideByZero, "divide", "divide by zero"},
                                         {array::kOverflow, "over", "overflow"},
                                         {array::kUnderflow, "under", "underflow"},
                                         {array::kInvalid, "invalid", "invalid value"}}};

Reference handler_settings() {
  const Reference umath = Reference::take(PyImport_ImportModule("numpy"));
  return Reference::take(PyObject_CallMethod(umath.get(), "geterr", nullptr));
}

void read_modes(PyObject* handler) {
  const Reference settings = handler_settings();
  Modes modes;
  for (const Flag& flag : kFlags) {
    PyObject* mode = PyDict_GetItemString(settings.get(), flag.mode_name);
    if (!mode || PyUnicode_CompareWithASCIIString(mode, "ignore") == 0) continue;
    if (PyUnicode_CompareWithASCIIString(mode, "warn") == 0) {
      modes.warns |= flag.bit;
    } else {
      modes.immediate = true;
    }
  }
  modes.handler = Py_NewRef(handler);
  Py_XDECREF(state().modes.handler);
  state().modes = modes;
}

bool filters_are_those_of_import() {
  const State& s = state();
  PyObject* filters = PyDict_GetItem(s.warnings, s.filters_name);
  if (filters != s.filters || !PyList_CheckExact(filters) || PyList_GET_SIZE(filters) != s.filter_count) return false;
  return s.filter_count == 0 || PyList_GET_ITEM(filters, 0) == s.first_filter;
}

/// The site of the innermost Python frame.
array::Site site_here(const char* name, unsigned mask) {
  PyFrameObject* frame = PyThreadState_GetFrame(PyThreadState_Get());
  if (!frame) return 0;
  Place place;
  place.code = PyFrame_GetCode(frame);
  place.instruction = PyFrame_GetLasti(frame);
  place.mask = mask;
  place.name = name;
  State& s = state();
  array::Site site = 0;
  if (const auto known = s.sites.find(place); known != s.sites.end()) {
    site = known->second;
    Py_DECREF(place.code);
  } else {
    place.globals = PyFrame_GetGlobals(frame);
    site = static_cast<array::Site>(s.places.size());
    s.places.push_back(place);
    s.sites.emplace(place, site);
  }
  Py_DECREF(frame);
  return site;
}

std::string text_of(const Flag& flag, const char* name) { return std::string(flag.text) + " encountered in " + name; }

void warn_at(const Place& place, const std::string& text) {
  const int line = PyCode_Addr2Line(place.code, place.instruction);
  Reference registry = Reference::copy(PyDict_GetItemString(place.globals, "__warningregistry__"));
  if (!registry) {
    registry = Reference::take(PyDict_New());
    PyDict_SetItemString(place.globals, "__warningregistry__", registry.get());
  }
  const Reference message = Reference::take(PyUnicode_FromString(text.c_str()));
  PyObject* module = PyDict_GetItemString(place.globals, "__name__");
  if (PyErr_WarnExplicitObject(PyExc_RuntimeWarning, message.get(), place.code->co_filename, line, module,
                               registry.get()) < 0) {
    throw nanobind::python_error();
  }
}

void call_handler(PyObject* mode, const Flag& flag, const std::string& text) {
  const Reference numpy = Reference::take(PyImport_ImportModule("numpy"));
  const Reference function = Reference::take(PyObject_CallMethod(numpy.get(), "geterrcall", nullptr));
  if (PyUnicode_CompareWithASCIIString(mode, "call") == 0) {
    if (function.get() == Py_None) return;
    Reference::take(PyObject_CallFunction(function.get(), "si", flag.text, static_cast<int>(flag.bit)));
    return;
  }
  const std::string line = "Warning: " + text + "\n";
  if (PyUnicode_CompareWithASCIIString(mode, "print") == 0) {
    PySys_WriteStderr("%s", line.c_str());
  } else if (function.get() != Py_None) {  // log
    Reference::take(PyObject_CallMethod(function.get(), "write", "s", line.c_str()));
  }
}

}  // namespace

void remember_float_defaults() {
  State& s = state();
  const Reference umath = Reference::take(PyImport_ImportModule("numpy._core.umath"));
  s.variable = Reference::take(PyObject_GetAttrString(umath.get(), "_extobj_contextvar")).release();
  const Reference warnings = Reference::take(PyImport_ImportModule("warnings"));
  s.warnings = Py_NewRef(PyModule_GetDict(warnings.get()));
  s.filters = Py_XNewRef(PyDict_GetItem(s.warnings, s.filters_name));
  if (s.filters && PyList_CheckExact(s.filters)) {
    s.filter_count = PyList_GET_SIZE(s.filters);
    if (s.filter_count > 0) s.first_filter = Py_NewRef(PyList_GET_ITEM(s.filters, 0));
  }
}

FloatHandling float_handling(const char* name) {
  State& s = state();
  PyObject* handler = nullptr;
  if (PyContextVar_Get(s.variable, nullptr, &handler) < 0 || !handler) throw nanobind::python_error();
  if (handler != s.modes.handler) [[unlikely]]
    read_modes(handler);
  Py_DECREF(handler);
  FloatHandling handling;
  handling.immediate = s.modes.immediate || (s.modes.warns != 0 && !filters_are_those_of_import());
  if (!handling.immediate && s.modes.warns != 0) handling.site = site_here(name, s.modes.warns);
  return handling;
}

void report_now(const char* name, unsigned flags) {
  const Reference settings = handler_settings();
  for (const Flag& flag : kFlags) {
    if ((flags & flag.bit) == 0) continue;
    PyObject* mode = PyDict_GetItemString(settings.get(), flag.mode_name);
    if (!mode || PyUnicode_CompareWithASCIIString(mode, "ignore") == 0) continue;
    const std::string text = text_of(flag, name);
    if (PyUnicode_CompareWithASCIIString(mode, "raise") == 0) {
      PyErr_SetString(PyExc_FloatingPointError, text.c_str());
      throw nanobind::python_error();
    }
    if (PyUnicode_CompareWithASCIIString(mode, "warn") == 0) {
      if (PyErr_WarnEx(PyExc_RuntimeWarning, text.c_str(), 1) < 0) throw nanobind::python_error();
    } else {
      call_handler(mode, flag, text);
    }
  }
}

void issue_pending_warnings() {
  for (const array::FloatWarning& warning : array::take_float_warnings()) {
    if (warning.site == 0 || warning.site >= state().places.size()) continue;
    const Place place = state().places[warning.site];
    for (const Flag& flag : kFlags) {
      if ((warning.flags & place.mask & flag.bit) != 0) warn_at(place, text_of(flag, place.name));
    }
  }
}

}  // namespace distob::python
