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

DnsEntry decode_entry(const Value& value) {
    DnsEntry entry;
    const Fields fields(value, {"name", "types", "port", "ttl", "priority", "weight", "location"});
    if (const auto name = fields.require("name", "the name to publish"))
        entry.name = read_text(*name, rules::published_name).value_or("");
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
