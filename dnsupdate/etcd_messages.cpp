#include "dnsupdate/etcd_messages.hpp"

#include "common/base/base64.hpp"
#include "common/config/unicode.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <charconv>
#include <utility>

namespace muster::dnsupdate::etcd {

namespace json = boost::json;

namespace {

class Category final : public std::error_category {
 public:
    const char* name() const noexcept override { return "etcd"; }
    std::string message(int value) const override {
        switch (static_cast<Errc>(value)) {
            case Errc::unavailable:
                return "no etcd server answers";
            case Errc::outcome_unknown:
                return "the reply to a write was lost";
            case Errc::refused:
                return "etcd refuses";
            case Errc::unauthenticated:
                return "etcd does not know us (user, password)";
            case Errc::bad_reply:
                return "not a reply of etcd";
            case Errc::other_cluster:
                return "another etcd cluster than before";
            case Errc::fenced:
                return "a later master has claimed the store";
            case Errc::conflict:
                return "changed by someone else meanwhile";
        }
        return "unknown etcd error";
    }
};

json::object range_object(const Range& range) {
    json::object out{{"key", to_base64(range.key)}};
    if (!range.end.empty()) out.emplace("range_end", to_base64(range.end));
    if (range.limit > 0) out.emplace("limit", std::to_string(range.limit));
    if (range.revision > 0) out.emplace("revision", std::to_string(range.revision));
    return out;
}

struct OpEncoder {
    json::object operator()(const Put& put) const {
        return {{"request_put", {{"key", to_base64(put.key)}, {"value", to_base64(put.value)}}}};
    }
    json::object operator()(const Delete& gone) const {
        return {{"request_delete_range", {{"key", to_base64(gone.key)}}}};
    }
    json::object operator()(const Range& range) const {
        return {{"request_range", range_object(range)}};
    }
};

/// Fields that are 0 or empty are left out; numbers of 64 bits come as texts.
class ReplyFields {
 public:
    explicit ReplyFields(const json::object& from) : from_(from) {}

    std::int64_t number(std::string_view name) {
        const json::value* const value = from_.if_contains(name);
        if (value == nullptr) return 0;
        if (value->is_int64()) return value->get_int64();
        std::int64_t number = 0;
        if (value->is_uint64() && std::in_range<std::int64_t>(value->get_uint64()))
            return static_cast<std::int64_t>(value->get_uint64());
        if (!value->is_string()) return refuse();
        const std::string_view text = value->get_string();
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || end != text.data() + text.size()) return refuse();
        return number;
    }
    std::string text(std::string_view name) {
        const json::value* const value = from_.if_contains(name);
        if (value == nullptr) return {};
        if (value->is_string()) return std::string(std::string_view(value->get_string()));
        // An id of 64 bits.
        if (value->is_uint64()) return std::to_string(value->get_uint64());
        if (value->is_int64()) return std::to_string(value->get_int64());
        refuse();
        return {};
    }
    std::string bytes(std::string_view name) {
        auto decoded = from_base64(text(name));
        if (!decoded) refuse();
        return std::move(decoded).value_or(std::string());
    }
    bool flag(std::string_view name) {
        const json::value* const value = from_.if_contains(name);
        if (value == nullptr) return false;
        if (!value->is_bool()) refuse();
        return value->is_bool() && value->get_bool();
    }
    const json::object& object(std::string_view name) {
        static const json::object none;
        const json::value* const value = from_.if_contains(name);
        if (value == nullptr || value->is_null()) return none;
        if (!value->is_object()) refuse();
        return value->is_object() ? value->get_object() : none;
    }
    const json::array& array(std::string_view name) {
        static const json::array none;
        const json::value* const value = from_.if_contains(name);
        if (value == nullptr || value->is_null()) return none;
        if (!value->is_array()) refuse();
        return value->is_array() ? value->get_array() : none;
    }

    [[nodiscard]] bool ok() const { return ok_; }

 private:
    std::int64_t refuse() {
        ok_ = false;
        return 0;
    }

    const json::object& from_;
    bool ok_ = true;
};

std::optional<Header> read_header(const json::object& from) {
    ReplyFields fields(from);
    const Header header{.cluster_id = fields.text("cluster_id"),
                        .revision = fields.number("revision"),
                        .raft_term = fields.number("raft_term")};
    if (!fields.ok() || header.cluster_id.empty() || header.revision < 1) return std::nullopt;
    return header;
}

std::optional<std::vector<KeyValue>> read_entries(const json::array& from) {
    std::vector<KeyValue> entries;
    for (const json::value& item : from) {
        if (!item.is_object()) return std::nullopt;
        ReplyFields fields(item.get_object());
        KeyValue entry{.key = fields.bytes("key"),
                       .value = fields.bytes("value"),
                       .mod_revision = fields.number("mod_revision"),
                       .version = fields.number("version"),
                       .lease = fields.number("lease")};
        if (!fields.ok() || entry.key.empty() || entry.mod_revision < 1) return std::nullopt;
        entries.push_back(std::move(entry));
    }
    return entries;
}

tl::unexpected<Error> bad(std::string what) {
    return fail(Errc::bad_reply, std::move(what));
}

Result<json::object> read_object(std::string_view body) {
    boost::system::error_code error;
    json::value value = json::parse(body, error);
    if (error) return bad("not JSON: " + error.message());
    if (!value.is_object()) return bad("not a JSON object");
    return std::move(value.get_object());
}

}  // namespace

const std::error_category& category() {
    static const Category one;
    return one;
}

std::string range_end(std::string_view prefix) {
    std::string end(prefix);
    while (!end.empty()) {
        if (const auto last = static_cast<unsigned char>(end.back()); last != 0xff) {
            end.back() = static_cast<char>(last + 1);
            return end;
        }
        end.pop_back();
    }
    return {'\0'};  // all keys
}

std::string encode(const Range& range) {
    return json::serialize(range_object(range));
}

std::string encode(const Txn& txn) {
    json::array compares;
    for (const Compare& compare : txn.compares) {
        compares.push_back({{"key", to_base64(compare.key)},
                            {"target", "MOD"},
                            {"result", "EQUAL"},
                            {"mod_revision", std::to_string(compare.mod_revision)}});
        if (!compare.value) continue;
        compares.push_back({{"key", to_base64(compare.key)},
                            {"target", "VALUE"},
                            {"result", "EQUAL"},
                            {"value", to_base64(*compare.value)}});
    }
    json::array ops;
    for (const Op& op : txn.ops) ops.emplace_back(std::visit(OpEncoder(), op));
    json::array otherwise;
    for (const Range& range : txn.otherwise) otherwise.emplace_back(OpEncoder()(range));
    return json::serialize(json::object{{"compare", std::move(compares)},
                                        {"success", std::move(ops)},
                                        {"failure", std::move(otherwise)}});
}

std::string encode_login(std::string_view user, std::string_view password) {
    return json::serialize(json::object{{"name", user}, {"password", password}});
}

Result<RangeReply> decode_range(std::string_view body) {
    const auto read = read_object(body);
    if (!read) return tl::unexpected(read.error());
    ReplyFields fields(*read);
    const auto header = read_header(fields.object("header"));
    auto entries = read_entries(fields.array("kvs"));
    const bool more = fields.flag("more");
    if (!header || !entries || !fields.ok()) return bad("a range");
    return RangeReply{.header = *header, .entries = *std::move(entries), .more = more};
}

Result<TxnReply> decode_txn(std::string_view body) {
    const auto read = read_object(body);
    if (!read) return tl::unexpected(read.error());
    ReplyFields fields(*read);
    const auto header = read_header(fields.object("header"));
    if (!header) return bad("a transaction without a header");
    TxnReply reply{.header = *header, .succeeded = fields.flag("succeeded")};
    for (const json::value& item : fields.array("responses")) {
        if (!item.is_object()) return bad("a transaction's response");
        ReplyFields response(item.get_object());
        if (!item.get_object().contains("response_range")) continue;
        ReplyFields range(response.object("response_range"));
        auto entries = read_entries(range.array("kvs"));
        if (!entries || !response.ok() || !range.ok()) return bad("a transaction's range");
        reply.ranges.push_back(*std::move(entries));
    }
    if (!fields.ok()) return bad("a transaction");
    return reply;
}

Result<std::string> decode_login(std::string_view body) {
    const auto read = read_object(body);
    if (!read) return tl::unexpected(read.error());
    ReplyFields fields(*read);
    std::string token = fields.text("token");
    if (token.empty()) return bad("a login without a token");
    return token;
}

Error decode_error(int status, std::string_view body) {
    constexpr std::size_t shown = 200;
    std::string words(body);
    std::int64_t code = 0;
    if (const auto read = read_object(body)) {
        ReplyFields fields(*read);
        code = fields.number("code");
        words = fields.text("message");
        if (words.empty()) words = fields.text("error");
    }
    words = fmt::format("{} {}", status, config::as_plain_text(words, shown));
    // gRPC's codes: 2 unknown (a time-out of ours), 14 unavailable, 16 unauthenticated.
    if (status == 401 || code == 16) return {make_error_code(Errc::unauthenticated), words};
    if (status >= 500 || code == 2 || code == 14)
        return {make_error_code(Errc::outcome_unknown), words};
    return {make_error_code(Errc::refused), words};
}

}  // namespace muster::dnsupdate::etcd
