#pragma once

#include "common/base/result.hpp"
#include "common/znodes/payloads.hpp"
#include "dnsupdate/dns_updater.hpp"

#include <optional>
#include <set>
#include <string>

namespace muster::orchestrator {

/// Between what an updater hands on and what is in the znode dns/state. What isn't fit to be
/// published is left out of the mark: anyone may have written the znode. Pure.
[[nodiscard]] dnsupdate::StoreMark mark_of(const znodes::DnsStore& kept);
/// Of a store that isn't in `state` nothing is known, not even that nobody has published there: a
/// master may have died before it could keep its first mark, or somebody has damaged the znode.
/// `views` are the stores that have one etcd and one fence together: what one of them knows of
/// these holds for each, also for one that is new in the settings.
[[nodiscard]] dnsupdate::StoreMark mark_in(const znodes::DnsState& state,
                                           const std::string& store,
                                           const std::set<std::string>& views);
[[nodiscard]] znodes::DnsStore kept_form(const dnsupdate::StoreMark& mark);

/// What the next mark of `store` comes into: what was read; if that can't be, what is known from
/// before, so that the others' marks are not lost, and without this one's, which is to be written.
[[nodiscard]] znodes::DnsState state_to_extend(const Result<znodes::DnsState>& read,
                                               const znodes::DnsState& known,
                                               const std::string& store);
/// `state`, stamped, with this store's mark; nothing: it has it already, and needs no write. It can
/// be read again: where it can't be (it would be too large), first the marks of stores that are
/// not `configured` go, then last good sets, of the store with the most first. Pure.
[[nodiscard]] std::optional<znodes::DnsState> with_mark(znodes::DnsState state,
                                                        const std::string& store,
                                                        const dnsupdate::StoreMark& mark,
                                                        const std::set<std::string>& configured);

}  // namespace muster::orchestrator
