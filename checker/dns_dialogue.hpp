#pragma once

#include "checker/dialogue.hpp"
#include "checker/pattern_cache.hpp"
#include "common/config/probe_model.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::checker {

/// One query to the backend as a DNS server, over UDP or TCP (RFC 1035; RFC 7766), and what is
/// expected of the answer. Datagrams that answer another question are passed over.
///   one of the codes, and each text in some record of the answer    l7_ok
///   another code                                                    l7_status  (it is the code)
///   no such record                                                  l7_body
///   truncated, where records are looked at: ask by TCP              l7_too_large
/// References must outlive it.
class DnsDialogue final : public Dialogue {
 public:
    DnsDialogue(const config::DnsCheck& check, PatternCache& patterns);

    Turn begin(std::string& out) override;
    Turn receive(std::string_view bytes, std::string& out) override;
    Finding end_of_input() override { return {.reason = Reason::l7_closed}; }

 private:
    [[nodiscard]] Turn on_message(std::string_view message) const;

    const config::DnsCheck& check_;
    PatternCache& patterns_;
    std::uint16_t id_ = 0;
    std::string received_;  ///< over TCP; at most one message
};

}  // namespace muster::checker
