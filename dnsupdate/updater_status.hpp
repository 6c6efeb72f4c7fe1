#pragma once

#include "common/base/clock.hpp"
#include "dnsupdate/desired.hpp"
#include "dnsupdate/dns_drain.hpp"
#include "dnsupdate/dns_plan.hpp"
#include "dnsupdate/dns_verifier.hpp"
#include "dnsupdate/fence.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// What API, metrics and people are told of one provider, as plain values.
namespace muster::dnsupdate {

/// How far dnsupdate is with one provider.
enum class Stage : std::uint8_t {
    claiming,    ///< the store has not taken our fence yet; nothing was written
    publishing,  ///< it has: the rounds go on
    deposed,     ///< a later master has claimed the store: nothing more is written
};

/// One reading, and what was made of it.
struct Round {
    WallTime time{};
    DesiredRecords desired;
    Observed observed;  ///< with what the round has written
    std::vector<PlanLine> lines;
    int removals = 0;
    int removals_held = 0;
};

struct UpdaterCounters {
    std::uint64_t rounds = 0;   ///< with a whole reading
    std::uint64_t written = 0;  ///< sets
    std::uint64_t added = 0;    ///< records that were put, changed ones included
    std::uint64_t removed = 0;  ///< records
    std::uint64_t conflicts = 0;
    std::uint64_t unknown = 0;  ///< writes without a reply
    std::uint64_t fenced = 0;
    std::uint64_t failures = 0;  ///< rounds that ended early: the store didn't answer, or refused
    bool operator==(const UpdaterCounters&) const = default;
};

struct UpdaterStatus {
    std::string provider;
    Stage stage = Stage::claiming;
    Token token;
    std::optional<Claim> claim;  ///< what the last one came to
    std::string trouble;         ///< why it doesn't go on; empty: it does
    WallTime trouble_since{};    ///< of `trouble`
    bool paused = false;         ///< by an operator: plans are made and not carried out
    std::string holds_removals;  ///< why nothing is removed for now; empty: something may be
    std::shared_ptr<const Round> round;  ///< the last one; null: there was none
    std::vector<ServerState> servers;
    std::map<MemberId, OutOfDns> leaving;  ///< removed, and not out of DNS yet
    UpdaterCounters counters;
};

[[nodiscard]] std::string_view to_string(Stage stage);

}  // namespace muster::dnsupdate
