#include "dnsupdate/etcd_client.hpp"

#include "common/http/client.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace muster::dnsupdate::etcd {

namespace {

constexpr const char* range_path = "/v3/kv/range";
constexpr const char* txn_path = "/v3/kv/txn";
constexpr const char* login_path = "/v3/auth/authenticate";

/// Whether the next endpoint may know better.
bool is_local_trouble(const std::error_code& code) {
    return code == make_error_code(Errc::unavailable) ||
           code == make_error_code(Errc::outcome_unknown) ||
           code == make_error_code(Errc::bad_reply);
}

}  // namespace

Client::Client(Clock& clock, ClientSettings settings)
    : clock_(clock),
      settings_(std::move(settings)),
      tls_(std::make_shared<http::TlsClient>(settings_.tls)) {}

asio::awaitable<Result<std::string>> Client::post(const char* path,
                                                  const std::string& body,
                                                  bool login) {
    http::ClientRequest request{.method = "POST",
                                .url = settings_.endpoints[current_] + path,
                                .fields = {{"Content-Type", "application/json"}},
                                .body = body,
                                .timeout = settings_.timeout,
                                .max_body_bytes = settings_.max_reply_bytes,
                                .tls = tls_};
    if (!login && !token_.empty()) request.fields.push_back({"Authorization", token_});
    const Result<http::Response> reply = co_await http::fetch(clock_, std::move(request));
    if (!reply) {
        const bool not_sent = http::surely_not_sent(reply.error().code);
        co_return fail(not_sent ? Errc::unavailable : Errc::outcome_unknown,
                       settings_.endpoints[current_] + ": " + reply.error().message());
    }
    if (reply->status != 200) {
        Error error = decode_error(reply->status, reply->body);
        error.context = settings_.endpoints[current_] + ": " + error.context;
        co_return tl::unexpected(std::move(error));
    }
    co_return std::move(reply->body);
}

asio::awaitable<Result<void>> Client::log_in() {
    const Result<std::string> body =
        co_await post(login_path, encode_login(settings_.user, settings_.password), true);
    if (!body) {
        // A login writes nothing.
        if (is_local_trouble(body.error().code))
            co_return fail(Errc::unavailable, body.error().context);
        co_return fail(Errc::unauthenticated, body.error().context);
    }
    Result<std::string> token = decode_login(*body);
    if (!token) co_return tl::unexpected(token.error());
    token_ = *std::move(token);
    co_return Result<void>{};
}

asio::awaitable<Result<std::string>> Client::call_one(const char* path,
                                                      const std::string& body,
                                                      Kind kind) {
    // A token lasts for some minutes, and not longer than its server.
    for (const bool again : {false, true}) {
        if (!settings_.user.empty() && token_.empty()) {
            const Result<void> in = co_await log_in();
            if (!in) co_return tl::unexpected(in.error());
        }
        Result<std::string> reply = co_await post(path, body, false);
        const bool expired =
            !reply && reply.error().code == make_error_code(Errc::unauthenticated) && !again;
        if (!expired) {
            if (!reply && kind == Kind::read &&
                reply.error().code == make_error_code(Errc::outcome_unknown))
                co_return fail(Errc::unavailable, reply.error().context);
            co_return reply;
        }
        token_.clear();
    }
    co_return fail(Errc::unauthenticated);
}

asio::awaitable<Result<std::string>> Client::call(const char* path, std::string body, Kind kind) {
    Result<std::string> reply = fail(Errc::unavailable, "no endpoint is configured");
    for (std::size_t tried = 0; tried < settings_.endpoints.size(); ++tried) {
        reply = co_await call_one(path, body, kind);
        if (reply || !is_local_trouble(reply.error().code)) break;
        current_ = (current_ + 1) % settings_.endpoints.size();
        token_.clear();
        // Sent once, it may still be carried out: to send it again is for those who have looked.
        if (reply.error().code == make_error_code(Errc::outcome_unknown)) break;
    }
    co_return reply;
}

Result<void> Client::note(const Header& header) {
    if (!seen_.cluster_id.empty() && header.cluster_id != seen_.cluster_id) {
        std::string endpoint = settings_.endpoints[current_];
        current_ = (current_ + 1) % settings_.endpoints.size();
        return fail(Errc::other_cluster, std::move(endpoint));
    }
    last_ = header;
    went_back_ = went_back_ || header.revision < seen_.revision;
    if (header.revision >= seen_.revision) seen_ = header;
    return {};
}

asio::awaitable<Result<RangeReply>> Client::list(std::string prefix) {
    RangeReply all;
    Range range{.key = prefix,
                .end = range_end(prefix),
                .limit = static_cast<std::int64_t>(settings_.page)};
    for (;;) {
        const Result<std::string> body = co_await call(range_path, encode(range), Kind::read);
        if (!body) co_return tl::unexpected(body.error());
        Result<RangeReply> page = decode_range(*body);
        if (!page) co_return tl::unexpected(page.error());
        if (const Result<void> noted = note(page->header); !noted)
            co_return tl::unexpected(noted.error());
        if (all.entries.empty()) all.header = page->header;
        const bool forward = page->entries.empty() || all.entries.empty() ||
                             (all.entries.back().key < page->entries.front().key);
        if (!forward) co_return fail(Errc::bad_reply, "a page that doesn't go on");
        const bool is_last = page->entries.empty();
        std::ranges::move(page->entries, std::back_inserter(all.entries));
        if (all.entries.size() > settings_.max_keys)
            co_return fail(Errc::bad_reply,
                           fmt::format("more than {} keys below {}", settings_.max_keys, prefix));
        if (!page->more || is_last) co_return all;
        range.key = all.entries.back().key + '\0';
        range.revision = all.header.revision;
    }
}

asio::awaitable<Result<RangeReply>> Client::get(std::string key) {
    const Result<std::string> body =
        co_await call(range_path, encode(Range{.key = std::move(key)}), Kind::read);
    if (!body) co_return tl::unexpected(body.error());
    Result<RangeReply> reply = decode_range(*body);
    if (!reply) co_return reply;
    if (const Result<void> noted = note(reply->header); !noted)
        co_return tl::unexpected(noted.error());
    co_return reply;
}

asio::awaitable<Result<TxnReply>> Client::commit(const Txn& txn) {
    const Result<std::string> body = co_await call(txn_path, encode(txn), Kind::write);
    if (!body) {
        // Not etcd's words, but it may have come from something in between.
        if (body.error().code == make_error_code(Errc::bad_reply))
            co_return fail(Errc::outcome_unknown, body.error().context);
        co_return tl::unexpected(body.error());
    }
    Result<TxnReply> reply = decode_txn(*body);
    if (!reply) co_return fail(Errc::outcome_unknown, reply.error().message());
    if (const Result<void> noted = note(reply->header); !noted)
        co_return tl::unexpected(noted.error());
    co_return reply;
}

}  // namespace muster::dnsupdate::etcd
