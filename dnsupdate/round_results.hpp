#pragma once

#include "dnsupdate/dns_plan.hpp"
#include "dnsupdate/dns_provider.hpp"

#include <map>
#include <vector>

// What a store holds after a round, from what was read before it. Pure.
namespace muster::dnsupdate {

/// What a reading would be now that these are written.
void bring_in(const std::vector<SetWrite>& done, Observed& read);

/// With what may have come, or come yet: writes of the plan whose outcome is unknown.
[[nodiscard]] Observed with_unknown(const Observed& there,
                                    const Plan& made,
                                    const std::vector<WriteResult>& results);

/// The records of each name that has any.
[[nodiscard]] std::map<DnsName, RecordSet> published(const Observed& read);

}  // namespace muster::dnsupdate
