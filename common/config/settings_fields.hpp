#pragma once

#include "common/config/value.hpp"
#include "common/observe/log.hpp"

#include <string>
#include <string_view>
#include <vector>

// Fields that the settings of all our processes have.
namespace muster::config {

/// A list in which nothing stands twice.
void read_list(const Fields& fields,
               std::string_view name,
               TextRule rule,
               std::vector<std::string>& into);

/// `zookeeper`: its servers.
void read_zookeeper(const Fields& fields, std::vector<std::string>& into);

/// `log`.
void read_log(const Fields& fields, log::Settings& into);

[[nodiscard]] std::string_view ip_address(std::string_view text);
/// An IP address and a port, which may be 0 for any free one.
[[nodiscard]] std::string_view listen_address(std::string_view text);

}  // namespace muster::config
