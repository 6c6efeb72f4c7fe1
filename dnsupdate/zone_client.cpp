#include "dnsupdate/zone_client.hpp"

#include "common/base/with_timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <utility>

namespace muster::dnsupdate {

namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);

std::uint16_t random_id() {
    std::array<unsigned char, 2> bytes{};
    RAND_bytes(bytes.data(), bytes.size());
    return static_cast<std::uint16_t>(bytes[0] << 8U | bytes[1]);
}

/// A connection on which one message has been sent.
asio::awaitable<Result<tcp::socket>> send_to(const config::Endpoint& server,
                                             const std::string& bytes) {
    tcp::socket socket(co_await asio::this_coro::executor);
    error_code error;
    const auto address = asio::ip::make_address(server.host, error);
    if (error) co_return fail(UpdateErrc::unreachable, "'" + server.host + "' is no address");
    const auto [refused] =
        co_await socket.async_connect(tcp::endpoint(address, server.port), use_result);
    if (refused) co_return fail(UpdateErrc::unreachable, refused.message());
    const std::string message = std::string{static_cast<char>(bytes.size() >> 8U),
                                            static_cast<char>(bytes.size() & 0xffU)} +
                                bytes;
    const auto [not_sent, sent] =
        co_await asio::async_write(socket, asio::buffer(message), use_result);
    // A part of a message does nothing.
    if (not_sent && sent < message.size())
        co_return fail(UpdateErrc::unreachable, not_sent.message());
    co_return std::move(socket);
}

asio::awaitable<Result<std::string>> receive(tcp::socket& socket) {
    std::array<unsigned char, 2> size{};
    const auto [no_size, two] = co_await asio::async_read(socket, asio::buffer(size), use_result);
    if (no_size) co_return fail(UpdateErrc::outcome_unknown, no_size.message());
    std::string message(static_cast<std::size_t>(size[0]) << 8U | size[1], '\0');
    const auto [cut, all] = co_await asio::async_read(socket, asio::buffer(message), use_result);
    if (cut) co_return fail(UpdateErrc::outcome_unknown, cut.message());
    co_return message;
}

/// Verified, or the reason why not.
Result<UpdateReply> read_reply(std::string_view bytes,
                               const SignedMessage& request,
                               TsigCheck& check,
                               WallTime now) {
    const Result<bool> verified = check.next(bytes, now);
    Result<UpdateReply> reply = decode_reply(bytes, request.id);
    if (!verified) {
        Error error = verified.error();
        if (reply && reply->code != "NOERROR")
            error.context = fmt::format("{} ({})", error.context, reply->code);
        return tl::unexpected(std::move(error));
    }
    return reply;
}

}  // namespace

ZoneClient::ZoneClient(Clock& clock, Rfc2136Settings settings)
    : clock_(clock),
      settings_(std::move(settings)),
      key_(make_tsig_key(settings_.key_name, settings_.secret)) {}

std::string ZoneClient::where() const {
    return fmt::format("{} of {}", settings_.zone.str(), config::to_string(settings_.server));
}

asio::awaitable<Result<UpdateReply>> ZoneClient::send(const Update& update) {
    if (!key_) co_return tl::unexpected(key_.error());
    co_return co_await exchange(encode_update(update, *key_, random_id()));
}

asio::awaitable<Result<std::vector<ZoneRecord>>> ZoneClient::ask_text(std::string name) {
    if (!key_) co_return tl::unexpected(key_.error());
    Result<UpdateReply> reply = co_await exchange(encode_query(name, "TXT", *key_, random_id()));
    if (!reply) co_return tl::unexpected(reply.error());
    if (reply->code != "NOERROR" && reply->code != "NXDOMAIN")
        co_return fail(UpdateErrc::refused,
                       fmt::format("{}: {} TXT: {}", where(), name, reply->code));
    std::erase_if(reply->answers,
                  [&](const ZoneRecord& one) { return one.owner != name || one.type != "TXT"; });
    // A set has no order, and BIND answers in another one each time.
    std::ranges::sort(reply->answers, {}, &ZoneRecord::data);
    co_return std::move(reply->answers);
}

asio::awaitable<Result<UpdateReply>> ZoneClient::exchange(Result<SignedMessage> message) {
    if (!message) co_return tl::unexpected(message.error());
    Result<UpdateReply> reply = co_await with_timeout(
        clock_, settings_.timeout, exchange_without_limit(*std::move(message)));
    if (reply) co_return reply;
    Error error = reply.error();
    if (error.code == std::make_error_code(std::errc::timed_out))
        co_return fail(UpdateErrc::outcome_unknown, where() + ": in time");
    error.context = where() + (error.context.empty() ? "" : ": " + error.context);
    co_return tl::unexpected(std::move(error));
}

asio::awaitable<Result<UpdateReply>> ZoneClient::exchange_without_limit(SignedMessage message) {
    Result<tcp::socket> socket = co_await send_to(settings_.server, message.bytes);
    if (!socket) co_return tl::unexpected(socket.error());
    const Result<std::string> bytes = co_await receive(*socket);
    if (!bytes) co_return tl::unexpected(bytes.error());
    TsigCheck check(*key_, message.mac);
    co_return read_reply(*bytes, message, check, clock_.wall());
}

asio::awaitable<Result<std::vector<ZoneRecord>>> ZoneClient::transfer() {
    if (!key_) co_return tl::unexpected(key_.error());
    Result<SignedMessage> message = encode_query(settings_.zone.str(), "AXFR", *key_, random_id());
    if (!message) co_return tl::unexpected(message.error());
    Result<std::vector<ZoneRecord>> records = co_await with_timeout(
        clock_, settings_.transfer_timeout, transfer_without_limit(*std::move(message)));
    if (records) co_return records;
    Error error = records.error();
    if (error.code == std::make_error_code(std::errc::timed_out) ||
        error.code == make_error_code(UpdateErrc::outcome_unknown))
        error.code = make_error_code(UpdateErrc::unreachable);
    error.context = where() + ": transfer" + (error.context.empty() ? "" : ": " + error.context);
    co_return tl::unexpected(std::move(error));
}

asio::awaitable<Result<std::vector<ZoneRecord>>> ZoneClient::transfer_without_limit(
    SignedMessage message) {
    Result<tcp::socket> socket = co_await send_to(settings_.server, message.bytes);
    if (!socket) co_return tl::unexpected(socket.error());
    TsigCheck check(*key_, message.mac);
    std::vector<ZoneRecord> records;
    std::size_t size = 0;
    for (bool ended = false; !ended;) {
        const Result<std::string> bytes = co_await receive(*socket);
        if (!bytes) co_return tl::unexpected(bytes.error());
        size += bytes->size();
        const Result<bool> verified = check.next(*bytes, clock_.wall());
        Result<UpdateReply> reply = decode_reply(*bytes, message.id);
        if (!verified) co_return tl::unexpected(verified.error());
        if (!reply) co_return tl::unexpected(reply.error());
        if (reply->code != "NOERROR") co_return fail(UpdateErrc::refused, reply->code);
        for (ZoneRecord& one : reply->answers) {
            const bool is_soa = one.type == "SOA";
            if (ended || (records.empty() && (!is_soa || one.owner != settings_.zone.str())))
                co_return fail(UpdateErrc::malformed, "not a zone");
            // It begins and ends with the same one.
            ended = is_soa && !records.empty();
            if (ended && one != records.front())
                co_return fail(UpdateErrc::malformed, "it ends with another SOA");
            if (!ended) records.push_back(std::move(one));
        }
        if (ended && !*verified) co_return fail(TsigErrc::not_signed, "the last message");
        if (records.empty() || records.size() > settings_.max_records ||
            size > settings_.max_transfer_bytes)
            co_return fail(UpdateErrc::malformed,
                           fmt::format("{} records, {} bytes", records.size(), size));
    }
    co_return records;
}

}  // namespace muster::dnsupdate
