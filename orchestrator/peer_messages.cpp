#include "orchestrator/peer_messages.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <limits>

namespace muster::orchestrator {

namespace {

namespace json = boost::json;

constexpr std::size_t longest_name = 512;

std::optional<json::object> object_of(std::string_view text) {
    if (text.size() > longest_peer_message) return std::nullopt;
    boost::system::error_code not_json;
    json::value value = json::parse(json::string_view(text.data(), text.size()), not_json);
    if (not_json || !value.is_object()) return std::nullopt;
    return std::move(value.get_object());
}

std::optional<std::string> text_at(const json::object& from, std::string_view name) {
    const json::value* const value = from.if_contains(name);
    if (value == nullptr || !value->is_string() || value->get_string().size() > longest_name)
        return std::nullopt;
    return std::string(std::string_view(value->get_string()));
}

std::optional<std::int64_t> whole(const json::value& value, std::int64_t most) {
    if (!value.is_int64() || value.get_int64() < 0 || value.get_int64() > most) return std::nullopt;
    return value.get_int64();
}

std::optional<std::int64_t> whole_at(const json::object& from,
                                     std::string_view name,
                                     std::int64_t most) {
    const json::value* const value = from.if_contains(name);
    return value == nullptr ? std::nullopt : whole(*value, most);
}

}  // namespace

std::string encode(const VoteRequest& request) {
    return json::serialize(
        json::object{{"cluster", request.cluster},
                     {"asks", request.asks.str()},
                     {"group", request.shard.group.str()},
                     {"shard", request.shard.number},
                     {"uid", request.group_uid},
                     {"layout", request.layout},
                     {"generation", request.generation},
                     {"slots", json::array(request.slots.begin(), request.slots.end())}});
}

std::string encode(const VoteReply& reply) {
    std::string letters;
    for (const Vote vote : reply.votes)
        letters += vote == Vote::agree ? 'a' : vote == Vote::disagree ? 'd' : '-';
    return json::serialize(json::object{{"votes", letters}});
}

std::optional<VoteRequest> decode_vote_request(std::string_view text) {
    const auto object = object_of(text);
    if (!object) return std::nullopt;
    constexpr std::int64_t most = std::numeric_limits<int>::max();
    const auto cluster = text_at(*object, "cluster");
    const auto asks = text_at(*object, "asks");
    const auto group = text_at(*object, "group");
    const auto uid = text_at(*object, "uid");
    const auto shard = whole_at(*object, "shard", most);
    const auto layout = whole_at(*object, "layout", most);
    const auto generation =
        whole_at(*object, "generation", std::numeric_limits<std::int64_t>::max());
    const json::value* const slots = object->if_contains("slots");
    if (!cluster || !asks || !group || !uid || !shard || !layout || !generation ||
        slots == nullptr || !slots->is_array() || slots->get_array().size() > most_asked)
        return std::nullopt;
    VoteRequest request{.cluster = *cluster,
                        .asks = NodeId(*asks),
                        .shard = {.group = GroupName(*group), .number = static_cast<int>(*shard)},
                        .group_uid = *uid,
                        .layout = static_cast<int>(*layout),
                        .generation = *generation};
    for (const json::value& one : slots->get_array()) {
        const auto slot = whole(one, most);
        if (!slot) return std::nullopt;
        request.slots.push_back(static_cast<int>(*slot));
    }
    return request;
}

std::optional<VoteReply> decode_vote_reply(std::string_view text, std::size_t slots) {
    const auto object = object_of(text);
    if (!object) return std::nullopt;
    const auto letters = text_at(*object, "votes");
    if (!letters || letters->size() != slots) return std::nullopt;
    VoteReply reply;
    for (const char letter : *letters) {
        if (letter != 'a' && letter != 'd' && letter != '-') return std::nullopt;
        reply.votes.push_back(letter == 'a'   ? Vote::agree
                              : letter == 'd' ? Vote::disagree
                                              : Vote::abstain);
    }
    return reply;
}

}  // namespace muster::orchestrator
