// The log: quiet by default; DISTOB_LOG=trace|debug|info|warning|error says what to write to standard error.
//
//     log()->debug("engine {} greeted", id.value);
#pragma once

#include <spdlog/logger.h>

#include <memory>

namespace distob {

/// The logger of this process, made at the first use. Warnings and errors are written unless DISTOB_LOG says otherwise.
[[nodiscard]] const std::shared_ptr<spdlog::logger>& log();

}  // namespace distob
