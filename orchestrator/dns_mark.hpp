#pragma once

#include "common/znodes/payloads.hpp"
#include "dnsupdate/dns_updater.hpp"

namespace muster::orchestrator {

/// Between what an updater hands on and what is in the znode dns/state. What isn't fit to be
/// published is left out of the mark: anyone may have written the znode. Pure.
[[nodiscard]] dnsupdate::StoreMark mark_of(const znodes::DnsStore& kept);
[[nodiscard]] znodes::DnsStore kept_form(const dnsupdate::StoreMark& mark);

}  // namespace muster::orchestrator
