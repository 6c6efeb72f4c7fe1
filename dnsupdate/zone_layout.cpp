#include "dnsupdate/zone_layout.hpp"

#include "common/config/endpoint.hpp"
#include "dnsupdate/text_digest.hpp"
#include "dnsupdate/zone_anchor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace muster::dnsupdate {

namespace {

constexpr std::string_view anchor_prefix = "_muster.";
constexpr std::array<std::string_view, 3> address_and_service{"A", "AAAA", "SRV"};

using RrSets = std::map<std::string, std::map<std::string, std::vector<ZoneRecord>>>;

/// Not in a zone: the id of an address that nobody knows.
bool is_unknown(const MemberId& id) {
    return id.str().starts_with('?');
}

bool is_label(std::string_view text) {
    return !text.empty() && text.size() <= 63 && !text.starts_with('_') &&
           std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
           });
}

/// In whatever order they come.
std::string version_of(const std::vector<ZoneRecord>& records) {
    std::vector<std::string> texts;
    for (const ZoneRecord& one : records)
        texts.push_back(fmt::format("{} {}", one.ttl, fmt::join(one.data, " ")));
    std::ranges::sort(texts);
    return digest(fmt::format("{}", fmt::join(texts, "\n")));
}

std::string host_name(const DnsName& name, const MemberId& id) {
    return id.str() + "." + name.str();
}

std::string_view type_of(const std::string& address) {
    return config::is_ipv4(address) ? "A" : "AAAA";
}

ZoneRecord record(std::string owner,
                  std::string_view type,
                  Ttl ttl,
                  std::vector<std::string> data) {
    return {.owner = std::move(owner),
            .type = std::string(type),
            .ttl = static_cast<std::uint32_t>(ttl.count()),
            .data = std::move(data)};
}

std::optional<ZoneRecord> service_of(const DnsName& name,
                                     const MemberId& id,
                                     const Member& member,
                                     Ttl ttl) {
    if (member.port == 0 || is_unknown(id)) return std::nullopt;
    return record(name.str(),
                  "SRV",
                  ttl,
                  {std::to_string(member.priority),
                   std::to_string(member.weight),
                   std::to_string(member.port),
                   host_name(name, id)});
}

/// The records at the name itself.
std::vector<ZoneRecord> answers_of(const DnsName& name,
                                   const RecordSet& set,
                                   std::string_view type) {
    std::set<ZoneRecord> records;
    for (const auto& [id, member] : set.members) {
        if (type == "SRV") {
            if (auto service = service_of(name, id, member, set.ttl)) records.insert(*service);
        } else if (type == type_of(member.address)) {
            records.insert(record(name.str(), type, set.ttl, {member.address}));
        }
    }
    return {records.begin(), records.end()};
}

class Reading {
 public:
    Reading(const ZoneLayout& layout, const std::vector<ZoneRecord>& records) : layout_(layout) {
        for (const ZoneRecord& one : records) sets_[one.owner][one.type].push_back(one);
    }

    ZoneReading run() {
        used_.emplace(fence_name(layout_.zone), "TXT");
        for (const auto& [owner, types] : sets_) {
            const auto text = types.find("TXT");
            if (owner.starts_with(anchor_prefix) && text != types.end())
                read_set(DnsName(owner.substr(anchor_prefix.size())), text->second);
        }
        for (const auto& [owner, types] : sets_) {
            for (const auto& [type, records] : types) {
                if (!used_.contains({owner, type})) stray(owner, type, records);
            }
        }
        std::ranges::sort(reading_.observed.strays, {}, &Stray::key);
        return std::move(reading_);
    }

 private:
    const std::vector<ZoneRecord>& rrset(const std::string& owner, std::string_view type) {
        static const std::vector<ZoneRecord> nothing;
        const auto types = sets_.find(owner);
        if (types == sets_.end()) return nothing;
        const auto records = types->second.find(std::string(type));
        return records == types->second.end() ? nothing : records->second;
    }
    void use(const std::string& owner, std::string_view type) {
        used_.emplace(owner, std::string(type));
    }

    void read_set(const DnsName& name, const std::vector<ZoneRecord>& anchor) {
        const auto ours = std::ranges::find_if(
            anchor, [&](const ZoneRecord& one) { return bears_mark(layout_.owner, one); });
        if (ours == anchor.end()) return;
        use(anchor_name(name), "TXT");
        for (const std::string_view type : address_and_service) use(name.str(), type);
        ObservedSet& set = reading_.observed.sets[name];
        KnownSet& known = reading_.known[name];
        known.anchor = anchor;
        for (const std::string_view type : address_and_service) {
            if (!rrset(name.str(), type).empty()) known.types.emplace(type);
        }
        const std::optional<AnchorText> text = read_anchor(ours->data);
        set.version = "unreadable";
        set.anchor_as_written = false;
        if (text) {
            set.anchor = text->anchor;
            set.version = fmt::format("{}-{}", text->anchor.generation, text->anchor.transaction);
            set.anchor_as_written = anchor.size() == 1 && ours->ttl == 0 &&
                                    ours->data == write_anchor(layout_.owner, *text) &&
                                    has_no_other_services(name, *text);
            for (const auto& [id, member] : text->members) {
                set.members.emplace(id, member_of(name, id, member, text->ttl));
                if (is_unknown(id) || !is_label(id.str())) continue;
                known.hosts.insert(id);
                for (const std::string_view type : address_and_service)
                    if (type != "SRV") use(host_name(name, id), type);
            }
        }
        known.version = set.version;
        add_unknown(name, set);
    }

    bool has_no_other_services(const DnsName& name, const AnchorText& text) {
        const auto known = answers_of(name, {.ttl = text.ttl, .members = text.members}, "SRV");
        return std::ranges::all_of(rrset(name.str(), "SRV"), [&](const ZoneRecord& there) {
            return std::ranges::any_of(
                known, [&](const ZoneRecord& one) { return one.data == there.data; });
        });
    }

    ObservedMember member_of(const DnsName& name,
                             const MemberId& id,
                             const Member& member,
                             Ttl ttl) {
        const std::string_view type = type_of(member.address);
        ObservedMember read{.member = member, .ttl = ttl};
        const auto& addresses = rrset(name.str(), type);
        const auto address = std::ranges::find_if(
            addresses, [&](const ZoneRecord& one) { return one.data.front() == member.address; });
        if (address == addresses.end()) {
            read.as_written = false;
        } else {
            read.ttl = Ttl(address->ttl);
        }
        if (is_unknown(id)) return read;
        const auto& services = rrset(name.str(), "SRV");
        const auto service = service_of(name, id, member, ttl);
        const auto& own = rrset(host_name(name, id), type);
        const auto& other = rrset(host_name(name, id), type == "A" ? "AAAA" : "A");
        if ((service && std::ranges::find(services, *service) == services.end()) ||
            own.size() != 1 ||
            own.front() != record(host_name(name, id), type, ttl, {member.address}) ||
            !other.empty())
            read.as_written = false;
        return read;
    }

    void add_unknown(const DnsName& name, ObservedSet& set) {
        std::set<std::string> known;
        for (const auto& [id, member] : set.members) known.insert(member.member.address);
        for (const std::string_view type : {"A", "AAAA"}) {
            for (const ZoneRecord& one : rrset(name.str(), type)) {
                const std::string& address = one.data.front();
                if (known.contains(address)) continue;
                set.members.emplace(
                    MemberId("?" + address),
                    ObservedMember{
                        .member = {.address = address}, .ttl = Ttl(one.ttl), .as_written = false});
            }
        }
    }

    void stray(const std::string& owner,
               const std::string& type,
               const std::vector<ZoneRecord>& records) {
        // The zone's own, and its signatures.
        constexpr std::array<std::string_view, 12> own{"SOA",
                                                       "NS",
                                                       "RRSIG",
                                                       "NSEC",
                                                       "NSEC3",
                                                       "NSEC3PARAM",
                                                       "DNSKEY",
                                                       "CDS",
                                                       "CDNSKEY",
                                                       "DS",
                                                       "ZONEMD",
                                                       "TYPE65534"};
        if (std::ranges::find(own, type) != own.end()) return;
        Stray stray{.key = owner + " " + type,
                    .version = version_of(records),
                    .what = "has no mark of ours"};
        const bool in_the_way = type == "CNAME" || std::ranges::find(address_and_service, type) !=
                                                       address_and_service.end();
        if (in_the_way) stray.at = DnsName(owner);
        if (type == "TXT" && owner.starts_with(anchor_prefix)) {
            stray.at = DnsName(owner.substr(anchor_prefix.size()));
            stray.what = "is another owner's mark";
        }
        if (stray.at) stray.touches = {*stray.at};
        std::vector<std::string> data;
        for (const ZoneRecord& one : records)
            data.push_back(fmt::format("{}", fmt::join(one.data, " ")));
        constexpr std::size_t most_told = 200;
        stray.what += ": " + fmt::format("{}", fmt::join(data, ", ")).substr(0, most_told);
        reading_.others.emplace(stray.key, records);
        reading_.observed.strays.push_back(std::move(stray));
    }

    const ZoneLayout& layout_;
    RrSets sets_;
    std::set<std::pair<std::string, std::string>> used_;
    ZoneReading reading_;
};

Prerequisite absent(std::string owner, std::string_view type) {
    return {
        .kind = Prerequisite::Kind::absent, .owner = std::move(owner), .type = std::string(type)};
}

void compare_anchor(Update& update, const DnsName& name, const std::vector<ZoneRecord>& anchor) {
    if (anchor.empty()) {
        update.prerequisites.push_back(absent(anchor_name(name), "TXT"));
        return;
    }
    update.prerequisites.push_back({.kind = Prerequisite::Kind::is,
                                    .owner = anchor_name(name),
                                    .type = "TXT",
                                    .records = anchor});
}

void replace_anchor(Update& update, const DnsName& name, std::vector<std::string> strings) {
    update.replacements.push_back(
        {.owner = anchor_name(name),
         .type = "TXT",
         .records = {record(anchor_name(name), "TXT", Ttl(0), std::move(strings))}});
}

std::optional<std::string> what_is_wrong(const ZoneLayout& layout, const SetWrite& write) {
    const std::string& name = write.name.str();
    if (name != layout.zone.str() && !name.ends_with("." + layout.zone.str()))
        return fmt::format("{} is not in the zone {}", name, layout.zone.str());
    for (const auto& [id, member] : write.after.members) {
        if (!is_unknown(id) && !is_label(id.str()))
            return fmt::format("{}: the member '{}' is no label", name, id.str());
        const auto fits = [](int value) { return std::in_range<std::uint16_t>(value); };
        if (!fits(member.priority) || !fits(member.weight))
            return fmt::format("{}: priority and weight of {} must be 0..65535", name, id.str());
    }
    return std::nullopt;
}

}  // namespace

std::string fence_name(const DnsName& zone) {
    return "_muster-fence." + zone.str();
}

std::string anchor_name(const DnsName& name) {
    return std::string(anchor_prefix) + name.str();
}

ZoneReading read_zone(const ZoneLayout& layout, const std::vector<ZoneRecord>& records) {
    return Reading(layout, records).run();
}

Prerequisite fence_is(const DnsName& zone, const std::string& text) {
    return {.kind = Prerequisite::Kind::is,
            .owner = fence_name(zone),
            .type = "TXT",
            .records = {record(fence_name(zone), "TXT", Ttl(0), {text})}};
}

Update claim_update(const DnsName& zone,
                    const std::optional<std::string>& stored,
                    const Fence& fence) {
    const Prerequisite mine = fence_is(zone, encode(fence));
    return {.zone = zone,
            .prerequisites = {stored ? fence_is(zone, *stored) : absent(fence_name(zone), "TXT")},
            .replacements = {{.owner = fence_name(zone), .type = "TXT", .records = mine.records}}};
}

void KnownSet::take_over(const DnsName& name, const std::vector<ZoneRecord>& records) {
    if (records.front().owner == anchor_name(name)) {
        anchor = records;
    } else {
        others[records.front().type] = records;
    }
}

Result<Update> set_update(const ZoneLayout& layout,
                          const Fence& fence,
                          const KnownSet& known,
                          const SetWrite& write,
                          const std::string& transaction) {
    if (auto wrong = what_is_wrong(layout, write))
        return fail(UpdateErrc::bad_record, *std::move(wrong));
    const DnsName& name = write.name;
    Update update{.zone = layout.zone, .prerequisites = {fence_is(layout.zone, encode(fence))}};
    compare_anchor(update, name, known.anchor);
    for (const auto& [type, records] : known.others) {
        update.prerequisites.push_back({.kind = Prerequisite::Kind::is,
                                        .owner = name.str(),
                                        .type = type,
                                        .records = records});
    }
    // First: beside a CNAME nothing else is taken.
    if (known.others.contains("CNAME")) {
        update.replacements.push_back({.owner = name.str(), .type = "CNAME"});
    } else {
        update.prerequisites.push_back(absent(name.str(), "CNAME"));
    }
    for (const std::string_view type : address_and_service) {
        std::vector<ZoneRecord> records = answers_of(name, write.after, type);
        const bool there =
            known.types.contains(std::string(type)) || known.others.contains(std::string(type));
        if (!there) {
            if (records.empty()) continue;
            update.prerequisites.push_back(absent(name.str(), type));
        }
        update.replacements.push_back(
            {.owner = name.str(), .type = std::string(type), .records = std::move(records)});
    }
    const auto replace_host = [&](const MemberId& id, const Member* member) {
        if (is_unknown(id)) return;
        const std::string host = host_name(name, id);
        if (!known.hosts.contains(id)) {
            if (member == nullptr) return;
            update.prerequisites.push_back({.kind = Prerequisite::Kind::not_used, .owner = host});
        }
        for (const std::string_view type : {"A", "AAAA"}) {
            Replacement one{.owner = host, .type = std::string(type)};
            if (member != nullptr && type_of(member->address) == type)
                one.records.push_back(record(host, type, write.after.ttl, {member->address}));
            update.replacements.push_back(std::move(one));
        }
    };
    for (const MemberId& id : write.puts) replace_host(id, &write.after.members.at(id));
    for (const MemberId& id : known.hosts) {
        if (!write.after.members.contains(id)) replace_host(id, nullptr);
    }
    if (write.after.members.empty()) {
        update.replacements.push_back({.owner = anchor_name(name), .type = "TXT"});
    } else {
        replace_anchor(update,
                       name,
                       write_anchor(layout.owner,
                                    {.anchor = {.token = fence.token,
                                                .generation = write.generation,
                                                .transaction = transaction},
                                     .ttl = write.after.ttl,
                                     .members = write.after.members}));
    }
    return update;
}

KnownSet known_after(const Update& update, const SetWrite& write) {
    KnownSet known;
    for (const Replacement& one : update.replacements) {
        if (one.records.empty()) continue;
        if (one.owner == anchor_name(write.name)) {
            known.anchor = one.records;
            if (const auto text = read_anchor(one.records.front().data))
                known.version =
                    fmt::format("{}-{}", text->anchor.generation, text->anchor.transaction);
        } else if (one.owner == write.name.str()) {
            known.types.insert(one.type);
        }
    }
    for (const auto& [id, member] : write.after.members) {
        if (!is_unknown(id)) known.hosts.insert(id);
    }
    return known;
}

Update barrier_update(const ZoneLayout& layout,
                      const Fence& fence,
                      const DnsName& name,
                      const std::vector<ZoneRecord>& anchor,
                      const std::string& transaction) {
    Update update{.zone = layout.zone, .prerequisites = {fence_is(layout.zone, encode(fence))}};
    compare_anchor(update, name, anchor);
    if (anchor.empty()) {
        for (const std::string_view type : address_and_service)
            update.prerequisites.push_back(absent(name.str(), type));
    }
    AnchorText text;
    for (const ZoneRecord& one : anchor) {
        if (auto read = bears_mark(layout.owner, one) ? read_anchor(one.data) : std::nullopt)
            text = *std::move(read);
    }
    text.anchor = {
        .token = fence.token, .generation = text.anchor.generation + 1, .transaction = transaction};
    replace_anchor(update, name, write_anchor(layout.owner, text));
    return update;
}

std::string transaction_of(const ZoneLayout& layout, const std::vector<ZoneRecord>& anchor) {
    for (const ZoneRecord& one : anchor) {
        if (!bears_mark(layout.owner, one)) continue;
        if (const auto text = read_anchor(one.data)) return text->anchor.transaction;
    }
    return {};
}

}  // namespace muster::dnsupdate
