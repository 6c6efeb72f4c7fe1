#include "tests/fencing/late_network.hpp"

#include "common/base/base64.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <sstream>
#include <utility>

namespace muster::fencing {

namespace http = boost::beast::http;
namespace json = boost::json;
using asio::ip::tcp;

namespace {

using Request = http::request<http::string_body>;
using Reply = http::response<http::string_body>;

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t max_bytes = 64ULL << 20U;

template <class Message>
std::string bytes_of(const Message& message) {
    std::ostringstream out;
    out << message;
    return std::move(out).str();
}

tcp::endpoint loopback(std::uint16_t port) {
    return {asio::ip::address_v4::loopback(), port};
}

}  // namespace

std::string fence_of(const std::string& body) {
    boost::system::error_code error;
    const json::value parsed = json::parse(body, error);
    if (error || !parsed.is_object()) return {};
    const json::value* const compares = parsed.get_object().if_contains("compare");
    if (compares == nullptr || !compares->is_array()) return {};
    for (const json::value& compare : compares->get_array()) {
        const json::object& one = compare.as_object();
        const auto* const value = one.if_contains("value");
        const auto key = muster::from_base64(one.at("key").as_string());
        if (value != nullptr && key && key->ends_with("/fence"))
            return muster::from_base64(value->as_string()).value_or("");
    }
    return {};
}

std::string without_guards(const std::string& request) {
    boost::beast::error_code error;
    http::request_parser<http::string_body> parser;
    parser.body_limit(max_bytes);
    parser.eager(true);
    parser.put(asio::buffer(request), error);
    Request changed = parser.release();
    json::value body = json::parse(changed.body());
    body.as_object().erase("compare");
    changed.body() = json::serialize(body);
    changed.prepare_payload();
    return bytes_of(changed);
}

LateNetwork::LateNetwork(std::uint16_t etcd) : etcd_(etcd), acceptor_(context_, loopback(0)) {
    asio::co_spawn(context_, accept(), test::rethrow);
    thread_ = std::thread([this] { context_.run(); });
}

LateNetwork::~LateNetwork() {
    context_.stop();
    thread_.join();
}

std::string LateNetwork::url() const {
    return fmt::format("http://127.0.0.1:{}", acceptor_.local_endpoint().port());
}

void LateNetwork::set_fate(std::function<Fate(const std::string&)> fate) {
    const std::scoped_lock lock(mutex_);
    fate_ = std::move(fate);
}

void LateNetwork::set_fence(std::string fence) {
    const std::scoped_lock lock(mutex_);
    fence_ = std::move(fence);
}

std::vector<LateWrite> LateNetwork::take_late() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(late_, {});
}

Fate LateNetwork::choose(const std::string& fence) {
    const std::scoped_lock lock(mutex_);
    const Fate fate = fence.empty() || !fate_ ? Fate::pass : fate_(fence);
    const bool comes_through = fate == Fate::pass || fate == Fate::lose_reply;
    if (comes_through && !fence.empty() && fence < fence_) ++stale_passed_;
    return fate;
}

asio::awaitable<void> LateNetwork::accept() {
    for (;;) {
        auto [error, socket] = co_await acceptor_.async_accept(use_result);
        if (error) co_return;
        asio::co_spawn(context_, serve(std::make_shared<Socket>(std::move(socket))), test::rethrow);
    }
}

asio::awaitable<void> LateNetwork::serve(std::shared_ptr<Socket> client) {
    auto upstream = std::make_shared<Socket>(context_);
    boost::beast::flat_buffer from_client;
    for (;;) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(max_bytes);
        if (std::get<0>(co_await http::async_read(*client, from_client, parser, use_result)))
            co_return;
        const Request request = parser.release();
        const std::string fence =
            request.target().ends_with("/kv/txn") ? fence_of(request.body()) : "";
        const Fate fate = choose(fence);
        const std::string bytes = bytes_of(request);
        if (fate == Fate::hold) {
            const std::scoped_lock lock(mutex_);
            late_.push_back({.bytes = bytes, .fence = fence});
            co_return;
        }
        if (!upstream->is_open() &&
            std::get<0>(co_await upstream->async_connect(loopback(etcd_), use_result)))
            co_return;
        const std::size_t size = fate == Fate::half ? bytes.size() / 2 : bytes.size();
        const auto to_send = asio::buffer(bytes.data(), size);
        if (std::get<0>(co_await asio::async_write(*upstream, to_send, use_result))) co_return;
        if (fate == Fate::half) {
            const std::scoped_lock lock(mutex_);
            late_.push_back({.bytes = bytes, .sent = size, .upstream = upstream, .fence = fence});
            co_return;
        }
        boost::beast::flat_buffer from_etcd;
        http::response_parser<http::string_body> answer;
        answer.body_limit(max_bytes);
        if (std::get<0>(co_await http::async_read(*upstream, from_etcd, answer, use_result)))
            co_return;
        if (fate == Fate::lose_reply) co_return;
        const std::string reply = bytes_of(answer.get());
        if (std::get<0>(co_await asio::async_write(*client, asio::buffer(reply), use_result)))
            co_return;
        if (!answer.get().keep_alive() || !request.keep_alive()) co_return;
    }
}

std::optional<Said> LateNetwork::deliver(LateWrite& late) const {
    boost::system::error_code error;
    asio::io_context own;
    Socket fresh(own);
    Socket* socket = late.upstream.get();
    if (socket == nullptr) {
        fresh.connect(loopback(etcd_), error);
        if (error) return std::nullopt;
        socket = &fresh;
    }
    asio::write(
        *socket, asio::buffer(late.bytes.data() + late.sent, late.bytes.size() - late.sent), error);
    boost::beast::flat_buffer buffer;
    Reply reply;
    if (!error) http::read(*socket, buffer, reply, error);
    late.upstream.reset();  // the same bytes once more go on a connection of their own
    late.sent = 0;
    if (error) return std::nullopt;
    const json::value said = json::parse(reply.body(), error);
    const bool succeeded = !error && said.is_object() && said.get_object().contains("succeeded") &&
                           said.get_object().at("succeeded") == true;
    return Said{.succeeded = succeeded, .body = std::move(reply.body())};
}

}  // namespace muster::fencing
