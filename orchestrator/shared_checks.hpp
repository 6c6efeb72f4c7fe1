#pragma once

#include "checker/engine.hpp"
#include "common/config/model.hpp"

#include <memory>
#include <unordered_map>

namespace muster::orchestrator {

/// The checks of one shard while it is put together: what is equal is held once, and what runs
/// already is kept as it is.
class SharedChecks {
 public:
    struct Parts {
        std::shared_ptr<const config::CheckSpec> spec;
        SharedValue<config::ProbeSpec> probe;
    };

    /// `wanted` must stay where it is; `running`: the check of the same slot, if there is one.
    const Parts& of(const config::CheckSpec& wanted, const checker::Check* running) {
        const auto [at, is_new] = parts_.try_emplace(&wanted);
        if (!is_new) return at->second;
        if (running != nullptr && *running->spec == wanted) {
            at->second = {.spec = running->spec, .probe = running->request->probe};
        } else {
            at->second = {.spec = std::make_shared<const config::CheckSpec>(wanted),
                          .probe = wanted.probe};
        }
        return at->second;
    }

 private:
    std::unordered_map<const config::CheckSpec*, Parts> parts_;
};

}  // namespace muster::orchestrator
