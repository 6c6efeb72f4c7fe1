#include "tests/fencing/etcd_history.hpp"

#include "common/base/base64.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace muster::fencing {

namespace json = boost::json;

namespace {

using namespace std::chrono_literals;

std::string bytes_of(const json::object& from, std::string_view name) {
    const json::value* const text = from.if_contains(name);
    return text == nullptr ? "" : muster::from_base64(text->as_string()).value_or("");
}

/// The last line may be half of one.
std::vector<Event> read_events(std::string_view output) {
    std::vector<Event> events;
    while (true) {
        const std::size_t end = output.find('\n');
        if (end == std::string_view::npos) return events;
        const json::value reply = json::parse(output.substr(0, end));
        output.remove_prefix(end + 1);
        for (const json::value& item : reply.at("Events").as_array()) {
            const json::object& event = item.as_object();
            const json::object& entry = event.at("kv").as_object();
            const json::value* const type = event.if_contains("type");
            events.push_back({.revision = entry.at("mod_revision").to_number<std::int64_t>(),
                              .key = bytes_of(entry, "key"),
                              .value = bytes_of(entry, "value"),
                              .deleted = type != nullptr && *type == 1});
        }
    }
}

using Token = std::pair<std::int64_t, std::int64_t>;

/// "00000001-000000000000002a-nonce".
Token token_of_fence(const std::string& value) {
    return {std::stoll(value.substr(0, 8), nullptr, 16),
            std::stoll(value.substr(9, 16), nullptr, 16)};
}

/// {"token":"1-42"}. Nothing: no anchor.
std::optional<Token> token_of_anchor(const Event& event) {
    boost::system::error_code error;
    const json::value value = json::parse(event.value, error);
    if (error || !value.is_object()) return std::nullopt;
    const json::value* const token = value.get_object().if_contains("token");
    if (token == nullptr || !token->is_string()) return std::nullopt;
    const std::string text(token->get_string());
    return Token{std::stoll(text), std::stoll(text.substr(text.find('-') + 1))};
}

std::string show(const Token& token) {
    return fmt::format("{}.{}", token.first, token.second);
}

class Replay {
 public:
    Replay(const std::string& root, const std::string& fence_key)
        : root_(root + "/"), fence_key_(fence_key) {}

    void take(const std::vector<Event>& transaction) {
        std::vector<Token> writers;
        bool of_records = false;
        for (const Event& event : transaction) {
            if (event.key == fence_key_) {
                claim(event);
            } else if (event.key.starts_with(root_)) {
                of_records = true;
                keep(event);
                if (const auto writer = token_of_anchor(event)) writers.push_back(*writer);
            }
        }
        if (!of_records) return;
        ++verdict_.transactions;
        const std::int64_t revision = transaction.front().revision;
        for (const Token& writer : writers) {
            if (writer != fence_)
                verdict_.violations.push_back(fmt::format(
                    "revision {}: by {} under {}", revision, show(writer), show(fence_)));
        }
        look_for_emptied(revision);
    }
    Verdict done() { return std::move(verdict_); }

 private:
    void claim(const Event& event) {
        ++verdict_.claims;
        const Token next = token_of_fence(event.value);
        if (next < fence_)
            verdict_.violations.push_back(fmt::format("revision {}: the fence falls from {} to {}",
                                                      event.revision,
                                                      show(fence_),
                                                      show(next)));
        fence_ = next;
    }
    void keep(const Event& event) {
        touched_.insert(event.key);
        if (event.deleted) {
            entries_.erase(event.key);
        } else {
            entries_[event.key] = event.value;
        }
    }
    /// Of the names whose members this transaction has touched: is there one left?
    void look_for_emptied(std::int64_t revision) {
        for (const std::string& key : std::exchange(touched_, {})) {
            if (entries_.contains(key)) continue;
            const std::string parent = key.substr(0, key.rfind('/'));
            if (!entries_.contains(parent)) continue;  // the name has gone with it
            const auto below = entries_.lower_bound(parent + "/");
            if (below == entries_.end() || !below->first.starts_with(parent + "/"))
                verdict_.emptied.push_back(fmt::format("revision {}: {}", revision, parent));
        }
    }

    std::string root_;
    std::string fence_key_;
    Token fence_{};
    std::map<std::string, std::string> entries_;
    std::set<std::string> touched_;
    Verdict verdict_;
};

}  // namespace

std::vector<Event> history(const test::EtcdServer& server) {
    const json::value status = json::parse(server.ctl({"get", "/", "-w", "json"}));
    const auto head = status.at("header").at("revision").to_number<std::int64_t>();
    const test::TempDir directory;
    test::Process watch({.argv = {"etcdctl",
                                  "watch",
                                  "--prefix",
                                  "/",
                                  "--rev=1",
                                  "-w",
                                  "json",
                                  "--endpoints=" + server.url()},
                         .env = {{"ETCDCTL_API", "3"}},
                         .output = directory / "watch"});
    std::vector<Event> events;
    const bool whole = test::eventually(60s, [&] {
        events = read_events(watch.output());
        return head == 1 || (!events.empty() && events.back().revision >= head);
    });
    watch.kill();
    if (!whole) throw std::runtime_error("etcd's history ends too early: " + watch.output());
    return events;
}

Verdict judge(const std::vector<Event>& events,
              const std::string& root,
              const std::string& fence_key) {
    Replay replay(root, fence_key);
    for (std::size_t begin = 0; begin < events.size();) {
        std::size_t end = begin;
        while (end < events.size() && events[end].revision == events[begin].revision) ++end;
        replay.take({events.begin() + static_cast<std::ptrdiff_t>(begin),
                     events.begin() + static_cast<std::ptrdiff_t>(end)});
        begin = end;
    }
    return replay.done();
}

}  // namespace muster::fencing
