#pragma once

#include <ldns/ldns.h>
// It makes macros of these.
#undef true
#undef false

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

// Owners of what libldns hands out, for the .cpp files that make and read DNS messages with it.
namespace muster::dnsupdate::ldns {

using Packet = std::unique_ptr<ldns_pkt, decltype(&ldns_pkt_free)>;
using Bytes = std::unique_ptr<std::uint8_t, decltype(&std::free)>;
using Text = std::unique_ptr<char, decltype(&std::free)>;

/// Takes the text over; of none nothing.
[[nodiscard]] inline std::string owned(char* text) {
    const Text one(text, std::free);
    return one ? one.get() : "";
}

[[nodiscard]] inline std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

/// Lower case, without the last dot.
[[nodiscard]] inline std::string name_of(const ldns_rdf* dname) {
    std::string name = lower(owned(ldns_rdf2str(dname)));
    if (name.ends_with('.')) name.pop_back();
    return name;
}

}  // namespace muster::dnsupdate::ldns
