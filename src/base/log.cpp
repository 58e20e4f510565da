#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>

#include <cstdlib>

namespace distob {

const std::shared_ptr<spdlog::logger>& log() {
  // Never destroyed: threads that outlive main() may still write to it.
  static const auto& logger = *new std::shared_ptr<spdlog::logger>([] {
    auto made = std::make_shared<spdlog::logger>("distob", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("distob[%P] %l: %v");
    const char* level = std::getenv("DISTOB_LOG");
    made->set_level(level && *level ? spdlog::level::from_str(level) : spdlog::level::warn);
    made->flush_on(spdlog::level::trace);
    return made;
  }());
  return logger;
}

}  // namespace distob
