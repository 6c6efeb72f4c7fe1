#include "common/config/dns_codec.hpp"

#include "common/config/enum_words.hpp"
#include "common/config/fleet_limits.hpp"
#include "common/config/group_limits.hpp"
#include "common/config/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace muster::config {

template <>
struct EnumWords<DnsType> {
    static constexpr std::array<std::pair<DnsType, std::string_view>, 3> words = {{
        {DnsType::a, "A"},
        {DnsType::aaaa, "AAAA"},
        {DnsType::srv, "SRV"},
    }};
};

namespace {

constexpr std::size_t most_types = 3;

auto key(const DnsEntry& entry) {
    return std::tie(entry.name, entry.location);
}

void read_types(const Value& list, std::set<DnsType>& types) {
    types.clear();
    for (const Value& element : elements_of(list, most_types)) {
        const Node& node = element.node();
        const auto type = node.is_scalar() ? parse_enum<DnsType>(node.text) : std::nullopt;
        if (!type) {
            element.refuse_type("one of A, AAAA, SRV");
        } else if (!types.insert(*type).second) {
            element.refuse(fmt::format("is {} a second time", word_of(*type)));
        }
    }
    if (list.node().kind == Node::Kind::list && list.node().items.empty())
        list.refuse("is an empty list; must have a type, or leave types out");
}

/// A label of 63 bytes and a dot fit before it: the instances have names of their own below it.
constexpr std::size_t longest_name = 253 - 64;

/// "at most 189 bytes": what published_name() says of 253.
std::string_view entry_name(std::string_view text) {
    if (text.size() > longest_name && rules::published_name(text).empty())
        return "must be at most 189 bytes long, so that the names of its instances fit below it";
    return rules::published_name(text);
}

/// A and AAAA as they come into DNS: an SRV record needs the address of its target.
std::set<DnsType> families(const DnsEntry& entry) {
    std::set<DnsType> types = entry.types;
    types.erase(DnsType::srv);
    if (types.empty()) types = {DnsType::a, DnsType::aaaa};
    return types;
}

bool share_a_view(const DnsEntry& one, const DnsEntry& other) {
    return one.location.empty() || other.location.empty() || one.location == other.location;
}

/// Each by itself is right, but not beside the other, which comes first in the list.
void check_beside(const Value& element,
                  const DnsEntry& entry,
                  const DnsEntry& other,
                  const std::string& where) {
    const bool meet = entry.location != other.location && share_a_view(entry, other);
    if (entry.name == other.name && meet && entry.ttl != other.ttl)
        element.refuse(
            fmt::format("has a TTL of {} for {}, and {} has {}; a name has one TTL "
                        "(RFC 2181, 5.2)",
                        to_string(entry.ttl),
                        entry.name,
                        where,
                        to_string(other.ttl)));
}

/// CoreDNS answers a name that has no record of the type asked for with those below it.
void check_below(const Value& element, const DnsEntry& entry, const DnsEntry& above) {
    if (!entry.name.ends_with("." + above.name) || !share_a_view(entry, above)) return;
    const std::set<DnsType> there = families(above);
    for (const DnsType type : families(entry)) {
        if (there.contains(type)) continue;
        element.refuse(
            fmt::format("publishes {} below {}, which has none, so that CoreDNS would "
                        "answer {} with it, too; must have the same types",
                        word_of(type),
                        above.name,
                        above.name));
        return;
    }
}

DnsEntry decode_entry(const Value& value) {
    DnsEntry entry;
    const Fields fields(value, {"name", "types", "port", "ttl", "priority", "weight", "location"});
    if (const auto name = fields.require("name", "the name to publish"))
        entry.name = read_text(*name, entry_name).value_or("");
    if (const auto types = fields.find("types")) read_types(*types, entry.types);
    if (const auto port = fields.find("port")) {
        if (const auto number = read_int(*port, bounds::port))
            entry.port = static_cast<std::uint16_t>(*number);
        if (!entry.types.contains(DnsType::srv))
            port->refuse("stands without the type SRV, whose port it is");
    }
    read_duration(fields, "ttl", entry.ttl, bounds::dns_ttl);
    if (entry.ttl % std::chrono::seconds(1) != Duration::zero())
        fields.find("ttl")->refuse(
            fmt::format("is {}; must be whole seconds", to_string(entry.ttl)));
    read_int(fields, "priority", entry.priority, bounds::dns_priority);
    read_int(fields, "weight", entry.weight, bounds::dns_weight);
    read_text(fields, "location", entry.location, rules::published_label);
    return entry;
}

}  // namespace

std::vector<DnsEntry> decode_dns_entries(const Value& list) {
    std::vector<DnsEntry> entries;
    const std::vector<Value> elements = elements_of(list, bounds::dns_entries);
    for (const Value& element : elements) {
        DnsEntry entry = decode_entry(element);
        const auto same = std::ranges::find(entries, key(entry), key);
        if (!entry.name.empty() && same != entries.end())
            element.refuse(
                fmt::format("publishes {} a second time{}; the first is {}",
                            entry.name,
                            entry.location.empty() ? "" : " in " + entry.location,
                            elements[static_cast<std::size_t>(same - entries.begin())].path()));
        entries.push_back(std::move(entry));
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (entries[i].name.empty()) continue;
        for (std::size_t j = 0; j < entries.size(); ++j) {
            if (entries[j].name.empty()) continue;
            if (j < i) check_beside(elements[i], entries[i], entries[j], elements[j].path());
            check_below(elements[i], entries[i], entries[j]);
        }
    }
    std::ranges::sort(entries, {}, key);
    return entries;
}

json::array encode(const std::vector<DnsEntry>& entries, Verbosity verbosity) {
    const DnsEntry standard;
    json::array list;
    for (const DnsEntry& entry : entries) {
        FieldWriter writer(verbosity);
        writer.put("name", json::string(entry.name));
        if (verbosity == Verbosity::full || entry.types != standard.types) {
            json::array types;
            for (const DnsType type : entry.types) types.emplace_back(word_of(type));
            writer.put("types", std::move(types));
        }
        if (entry.port != 0) writer.put("port", entry.port);
        writer.field("ttl", entry.ttl, standard.ttl);
        writer.field("priority", entry.priority, standard.priority);
        writer.field("weight", entry.weight, standard.weight);
        writer.optional("location", entry.location);
        list.push_back(writer.take());
    }
    return list;
}

}  // namespace muster::config
