#pragma once

#include "common/znodes/payloads.hpp"
#include "dnsupdate/dns_updater.hpp"

#include <optional>
#include <string>

namespace muster::orchestrator {

/// Between what an updater hands on and what is in the znode dns/state. What isn't fit to be
/// published is left out of the mark: anyone may have written the znode. Pure.
[[nodiscard]] dnsupdate::StoreMark mark_of(const znodes::DnsStore& kept);
/// Of a store that isn't in `state` nothing is known, not even that nobody has published there: a
/// master may have died before it could keep its first mark, or somebody has damaged the znode.
[[nodiscard]] dnsupdate::StoreMark mark_in(const znodes::DnsState& state, const std::string& store);
[[nodiscard]] znodes::DnsStore kept_form(const dnsupdate::StoreMark& mark);

/// `state` with this store's mark; nothing: it has it already, and needs no write. Pure.
[[nodiscard]] std::optional<znodes::DnsState> with_mark(znodes::DnsState state,
                                                        const std::string& store,
                                                        const dnsupdate::StoreMark& mark);

}  // namespace muster::orchestrator
