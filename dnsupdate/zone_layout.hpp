#pragma once

#include "dnsupdate/dns_plan.hpp"
#include "dnsupdate/fence.hpp"
#include "dnsupdate/observed.hpp"
#include "dnsupdate/update_message.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

// What a published name is in a DNS zone. Pure.
//
//   _muster-fence.muster.test  0  TXT  "00000001-000000000000002a-<nonce>"
//   _muster.api.muster.test    0  TXT  "owner=muster/c-1" "token=1-42" "generation=7"
//                                      "transaction=..." "ttl=30" "member=lb-1 10.0.0.1 80 10 100"
//   api.muster.test           30  A    10.0.0.1
//   api.muster.test           30  SRV  10 100 80 lb-1.api.muster.test
//   lb-1.api.muster.test      30  A    10.0.0.1
//
// The anchor (_muster.<name>) is our mark and says what was written; what is there is compared with
// it. A zone tells no owner of a record, so the A, AAAA and SRV records at a name with our anchor
// and at the names of its members are ours as a whole, and no others are.
namespace muster::dnsupdate {

struct ZoneLayout {
    DnsName zone;
    std::string owner;  ///< our mark, "muster/<uuid of the cluster>"
    bool operator==(const ZoneLayout&) const = default;
};

/// Of one name, what a write has to compare.
struct KnownSet {
    std::string version;             ///< as ObservedSet has it; empty: there is no anchor
    std::vector<ZoneRecord> anchor;  ///< its whole RRset
    std::set<std::string> types;     ///< of A, AAAA and SRV, those that are there
    std::set<MemberId> hosts;        ///< members with names of their own
    /// Someone else's at the name, by type: compared as a whole and replaced.
    std::map<std::string, std::vector<ZoneRecord>> others{};

    /// `records`: one RRset of someone else's, that of the name itself or of its anchor.
    void take_over(const DnsName& name, const std::vector<ZoneRecord>& records);
    bool operator==(const KnownSet&) const = default;
};

struct ZoneReading {
    Observed observed;
    std::map<DnsName, KnownSet> known;
    std::map<std::string, std::vector<ZoneRecord>> others;  ///< of each stray, by its key
};

[[nodiscard]] std::string fence_name(const DnsName& zone);
[[nodiscard]] std::string anchor_name(const DnsName& name);

/// All records of the zone, which anyone may have written. Never fails.
/// - A member of which something is missing or different isn't `as_written`.
/// - An address at one of our names that the anchor doesn't know is a member with an id
/// "?10.0.0.9":
///   it is answered, so the planner has to know of it.
/// - A name of someone else's is a stray with `at` where its records would be in our way.
[[nodiscard]] ZoneReading read_zone(const ZoneLayout& layout,
                                    const std::vector<ZoneRecord>& records);

[[nodiscard]] Prerequisite fence_is(const DnsName& zone, const std::string& text);
[[nodiscard]] Update claim_update(const DnsName& zone,
                                  const std::optional<std::string>& stored,
                                  const Fence& fence);

/// The whole set in one message; `known` is of the reading that it was planned from. What was not
/// there when it was read must still not be there. Error: bad_record, with what is wrong.
[[nodiscard]] Result<Update> set_update(const ZoneLayout& layout,
                                        const Fence& fence,
                                        const KnownSet& known,
                                        const SetWrite& write,
                                        const std::string& transaction);
/// What there is afterwards, so that the name can be written again.
[[nodiscard]] KnownSet known_after(const Update& update, const SetWrite& write);

/// A new generation and transaction for an anchor, nothing else: a write that is still on its way
/// then comes too late. `anchor`: empty, where there is none.
[[nodiscard]] Update barrier_update(const ZoneLayout& layout,
                                    const Fence& fence,
                                    const DnsName& name,
                                    const std::vector<ZoneRecord>& anchor,
                                    const std::string& transaction);

/// Of our anchor; empty: it isn't ours or there is none.
[[nodiscard]] std::string transaction_of(const ZoneLayout& layout,
                                         const std::vector<ZoneRecord>& anchor);

}  // namespace muster::dnsupdate
