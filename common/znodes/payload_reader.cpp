#include "common/znodes/payload_reader.hpp"

#include "common/znodes/names.hpp"

#include <boost/json/parse.hpp>

#include <chrono>

namespace muster::znodes {

namespace json = boost::json;

namespace {

/// Our deepest payload has four levels; the rest is room for newer builds' fields.
constexpr std::size_t max_depth = 16;

class Category final : public std::error_category {
    [[nodiscard]] const char* name() const noexcept override { return "muster.znodes"; }
    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<Errc>(code)) {
            case Errc::malformed:
                return "not a payload of this kind";
            case Errc::other_format:
                return "a format version that this build does not read";
            case Errc::other_cluster:
                return "written for another cluster";
            case Errc::out_of_bounds:
                return "out of bounds";
        }
        return "unknown";
    }
};

}  // namespace

const std::error_category& category() {
    static const Category instance;
    return instance;
}

const json::value* Reader::field(std::string_view key) {
    if (error_) return nullptr;
    const json::value* value = object_->if_contains(key);
    if (value == nullptr) refuse(Errc::malformed, key);
    return value;
}

void Reader::refuse(Errc code, std::string_view key) {
    if (!error_) error_ = Error{.code = code, .context = std::string(key)};
}

std::int64_t Reader::integer(std::string_view key, std::int64_t least, std::int64_t most) {
    const json::value* value = field(key);
    if (value == nullptr) return 0;
    if (!value->is_int64()) {
        refuse(value->is_uint64() ? Errc::out_of_bounds : Errc::malformed, key);
        return 0;
    }
    const std::int64_t number = value->get_int64();
    if (number < least || number > most) {
        refuse(Errc::out_of_bounds, key);
        return 0;
    }
    return number;
}

int Reader::small(std::string_view key, int least, int most) {
    return static_cast<int>(integer(key, least, most));
}

bool Reader::flag(std::string_view key) {
    if (error_) return false;
    const json::value* value = object_->if_contains(key);
    if (value == nullptr) return false;
    if (!value->is_bool()) {
        refuse(Errc::malformed, key);
        return false;
    }
    return value->get_bool();
}

WallTime Reader::time(std::string_view key) {
    return WallTime(std::chrono::milliseconds(integer(key, 0, latest_time)));
}

std::string Reader::text(std::string_view key, std::size_t max_bytes) {
    const json::value* value = field(key);
    if (value == nullptr) return {};
    if (!value->is_string()) {
        refuse(Errc::malformed, key);
        return {};
    }
    const std::string_view text = value->get_string();
    if (!is_plain_text(text, max_bytes)) {
        refuse(Errc::out_of_bounds, key);
        return {};
    }
    return std::string(text);
}

std::string Reader::name(std::string_view key) {
    std::string name = text(key);
    if (!is_path_name(name)) refuse(Errc::out_of_bounds, key);
    return name;
}

const json::object& Reader::object(std::string_view key, std::size_t max_count) {
    static const json::object none;
    const json::value* value = field(key);
    if (value == nullptr) return none;
    if (!value->is_object()) {
        refuse(Errc::malformed, key);
        return none;
    }
    if (value->get_object().size() > max_count) {
        refuse(Errc::out_of_bounds, key);
        return none;
    }
    return value->get_object();
}

const json::array& Reader::array(std::string_view key, std::size_t max_count) {
    static const json::array none;
    const json::value* value = field(key);
    if (value == nullptr) return none;
    if (!value->is_array()) {
        refuse(Errc::malformed, key);
        return none;
    }
    if (value->get_array().size() > max_count) {
        refuse(Errc::out_of_bounds, key);
        return none;
    }
    return value->get_array();
}

std::vector<std::string> Reader::texts(std::string_view key,
                                       std::size_t max_count,
                                       std::size_t max_bytes) {
    std::vector<std::string> texts;
    for (const json::value& item : array(key, max_count)) {
        if (!item.is_string()) {
            refuse(Errc::malformed, key);
            return {};
        }
        if (!is_plain_text(item.get_string(), max_bytes)) {
            refuse(Errc::out_of_bounds, key);
            return {};
        }
        texts.emplace_back(std::string_view(item.get_string()));
    }
    return texts;
}

MarkedShards Reader::shards(std::string_view key, std::string_view letters) {
    MarkedShards shards;
    if (!unpack_shards(object(key, max_packed_shards), letters, shards)) {
        refuse(Errc::malformed, key);
        return {};
    }
    return shards;
}

Stamp Reader::stamp() {
    return {.cluster = text("cluster", 64),
            .token = integer("token", 0, no_limit),
            .writer = text("writer"),
            .sequence = integer("seq", 0, no_limit)};
}

json::object stamped(const Stamp& stamp) {
    json::object object;
    object.emplace("v", format_version);
    object.emplace("cluster", stamp.cluster);
    object.emplace("token", stamp.token);
    object.emplace("writer", stamp.writer);
    object.emplace("seq", stamp.sequence);
    return object;
}

std::int64_t milliseconds(WallTime time) {
    return time.time_since_epoch().count();
}

Result<json::value> open_payload(std::string_view bytes,
                                 std::string_view cluster,
                                 json::monotonic_resource& memory) {
    if (bytes.size() > max_payload_bytes) return fail(Errc::out_of_bounds, "payload");
    boost::system::error_code error;
    json::value payload =
        json::parse(bytes, error, &memory, json::parse_options{.max_depth = max_depth});
    if (error || !payload.is_object()) return fail(Errc::malformed, "payload");
    const json::value* version = payload.get_object().if_contains("v");
    if (version == nullptr || !version->is_int64()) return fail(Errc::malformed, "v");
    // Before anything else: another format may have moved everything else.
    if (version->get_int64() != format_version) return fail(Errc::other_format, "v");
    const json::value* uuid = payload.get_object().if_contains("cluster");
    if (uuid == nullptr || !uuid->is_string()) return fail(Errc::malformed, "cluster");
    if (!cluster.empty() && std::string_view(uuid->get_string()) != cluster) {
        return fail(Errc::other_cluster,
                    std::string(std::string_view(uuid->get_string()).substr(0, 64)));
    }
    return payload;
}

}  // namespace muster::znodes
