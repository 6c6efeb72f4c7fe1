#pragma once

#include "common/base/tls_files.hpp"
#include "common/config/value.hpp"

#include <string>
#include <vector>

// What a node's settings say of the stores of DNS records, beside etcd's addresses.
namespace muster::config {

/// `tls` of etcd. `endpoints`: of the same etcd; without an https:// among them it is refused.
[[nodiscard]] TlsFiles decode_tls_files(const Value& value,
                                        const std::vector<std::string>& endpoints);

}  // namespace muster::config
