#pragma once

#include "dnsupdate/observed.hpp"
#include "dnsupdate/update_message.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

// The text of a name's anchor in a DNS zone (zone_layout.hpp). Pure.
namespace muster::dnsupdate {

/// All that was written of a name.
struct AnchorText {
    Anchor anchor;
    Ttl ttl{30};
    std::map<MemberId, Member> members;
    bool operator==(const AnchorText&) const = default;
};

/// The strings of a TXT record.
[[nodiscard]] std::vector<std::string> write_anchor(const std::string& owner,
                                                    const AnchorText& text);
/// Nothing: it isn't one that we write.
[[nodiscard]] std::optional<AnchorText> read_anchor(const std::vector<std::string>& strings);
[[nodiscard]] bool bears_mark(const std::string& owner, const ZoneRecord& record);

}  // namespace muster::dnsupdate
