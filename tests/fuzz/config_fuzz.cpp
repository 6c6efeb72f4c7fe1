// Any bytes: decode() gives problems, or groups and fleets that can be written and read again.

#include "common/config/decode.hpp"
#include "common/config/node_settings.hpp"

#include <boost/json/serialize.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace muster::config;

void require(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Decoded decoded = decode(text);
    for (const Problem& problem : decoded.problems) require(!to_string(problem).contains('\n'));
    if (decoded.problems.empty()) {
        require(!decoded.groups.empty() || !decoded.fleets.empty());
        for (const GroupSpec& group : decoded.groups) {
            require(decode(boost::json::serialize(encode(group))).groups == std::vector{group});
            require(decode(encode_yaml(group)).groups == std::vector{group});
        }
        for (const FleetSpec& fleet : decoded.fleets) {
            require(decode(boost::json::serialize(encode(fleet))).fleets == std::vector{fleet});
            require(decode(encode_yaml(fleet)).fleets == std::vector{fleet});
        }
    }
    static_cast<void>(decode_node_settings(text));
    return 0;
}
