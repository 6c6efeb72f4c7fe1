#include "common/config/probe_codec.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <variant>

namespace muster::config {

namespace {

struct Codec {
    std::string_view name;
    ProbeKind (*decode)(const Value&);
    json::object (*encode)(const ProbeKind&, Verbosity);
};

template <class Kind, Kind (*Decode)(const Value&)>
constexpr Codec codec() {
    return {.name = probe_kind_name<Kind>(),
            .decode = [](const Value& value) -> ProbeKind { return Decode(value); },
            .encode =
                [](const ProbeKind& kind, Verbosity verbosity) {
                    return config::encode(std::get<Kind>(kind), verbosity);
                }};
}

constexpr Codec codecs[] = {
    codec<HttpCheck, decode_http>(),
    codec<TcpCheck, decode_tcp>(),
};

}  // namespace

std::vector<std::string_view> with_probe_fields(std::vector<std::string_view> others) {
    std::vector<std::string_view> names;
    for (const Codec& codec : codecs) names.push_back(codec.name);
    names.insert(names.end(), others.begin(), others.end());
    return names;
}

ProbeSpec decode_probe(const Fields& check) {
    std::optional<ProbeSpec> probe;
    std::string_view first;
    for (const Codec& codec : codecs) {
        const auto value = check.find(codec.name);
        if (!value) continue;
        if (probe) {
            value->refuse(fmt::format("stands beside {}; a check has one kind of probe", first));
            continue;
        }
        first = codec.name;
        probe.emplace();
        probe->kind = codec.decode(*value);
    }
    return probe.value_or(ProbeSpec());
}

void encode_probe(const ProbeSpec& probe, Verbosity verbosity, FieldWriter& check) {
    for (const Codec& codec : codecs) {
        if (codec.name != probe_kind_name(probe.kind)) continue;
        json::object fields = codec.encode(probe.kind, verbosity);
        // The default kind needs no words.
        if (!fields.empty() || probe.kind.index() != ProbeKind().index())
            check.put(codec.name, std::move(fields));
    }
}

}  // namespace muster::config
