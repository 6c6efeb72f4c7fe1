#include "common/config/probe_codec.hpp"

namespace muster::config {

TcpCheck decode_tcp(const Value& value) {
    [[maybe_unused]] const Fields no_fields(value, {});
    return {};
}

json::object encode(const TcpCheck& /*tcp*/, Verbosity /*verbosity*/) {
    return {};
}

}  // namespace muster::config
