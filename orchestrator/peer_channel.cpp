#include "orchestrator/peer_channel.hpp"

#include "common/base/with_timeout.hpp"
#include "common/config/endpoint.hpp"
#include "common/observe/log.hpp"
#include "orchestrator/peer_messages.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace muster::orchestrator {

namespace {

using asio::ip::tcp;
using Stream = asio::ssl::stream<tcp::socket>;

constexpr std::size_t most_connections = 64;
constexpr std::chrono::seconds longest_connection{5};
constexpr std::string_view identity = "muster-peer";
constexpr std::string_view purpose = "muster peer channel, version 1\n";
using Key = std::array<unsigned char, 32>;

Key key_of(const std::string& secret) {
    const std::string text = std::string(purpose) + secret;
    Key key;
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), key.data(), &size, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("OpenSSL has no SHA-256");
    return key;
}

/// OpenSSL's callbacks know only their SSL: the key is hung on its context. (The first place there
/// is Asio's.)
int key_place() {
    static const int place = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return place;
}

unsigned int copy_key(SSL* ssl, unsigned char* into, unsigned int room) {
    const auto* const key =
        static_cast<const Key*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), key_place()));
    if (key == nullptr || room < key->size()) return 0;
    std::ranges::copy(*key, into);
    return static_cast<unsigned int>(key->size());
}

unsigned int client_key(SSL* ssl,
                        const char* /*hint*/,
                        char* name,
                        unsigned int name_room,
                        unsigned char* into,
                        unsigned int room) {
    if (name_room <= identity.size()) return 0;
    std::memcpy(name, identity.data(), identity.size());
    name[identity.size()] = '\0';
    return copy_key(ssl, into, room);
}

unsigned int server_key(SSL* ssl, const char* name, unsigned char* into, unsigned int room) {
    return name != nullptr && name == identity ? copy_key(ssl, into, room) : 0;
}

/// Without a certificate: who has not the key gets no further.
void set_up(asio::ssl::context& context, Key& key) {
    SSL_CTX* const ssl = context.native_handle();
    SSL_CTX_set_ex_data(ssl, key_place(), &key);
    SSL_CTX_set_psk_client_callback(ssl, client_key);
    SSL_CTX_set_psk_server_callback(ssl, server_key);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(ssl, 0);
    // A pre-shared key is of one hash, and this is the one of SHA-256.
    if (SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(ssl, "TLS_AES_128_GCM_SHA256") != 1)
        throw std::runtime_error("OpenSSL has no TLS 1.3 with AES");
}

asio::awaitable<void> write_frame(Stream& stream, const std::string& text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    std::string frame;
    for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>((size >> shift) & 0xffU);
    frame += text;
    co_await asio::async_write(stream, asio::buffer(frame), asio::use_awaitable);
}

asio::awaitable<std::string> read_frame(Stream& stream) {
    std::array<unsigned char, 4> head{};
    co_await asio::async_read(stream, asio::buffer(head), asio::use_awaitable);
    std::uint32_t size = 0;
    for (const unsigned char byte : head) size = (size << 8U) | byte;
    if (size > longest_peer_message) throw std::runtime_error("a frame of more than 64 KiB");
    std::string text(size, '\0');
    co_await asio::async_read(stream, asio::buffer(text), asio::use_awaitable);
    co_return text;
}

}  // namespace

struct PeerChannel::Inside {
    Inside(asio::any_io_executor the_executor, Clock& the_clock, const std::string& secret)
        : executor(std::move(the_executor)),
          clock(the_clock),
          key(key_of(secret)),
          acceptor(executor),
          tasks(executor) {
        set_up(client, key);
        set_up(server, key);
    }

    asio::awaitable<void> accept(Answer answer);
    asio::awaitable<Result<void>> serve(tcp::socket socket, const Answer& answer);
    asio::awaitable<void> serve_one(tcp::socket socket, const Answer& answer);
    asio::awaitable<Result<std::string>> exchange(tcp::endpoint to, std::string question);

    asio::any_io_executor executor;
    Clock& clock;
    Key key;
    asio::ssl::context client{asio::ssl::context::tlsv13_client};
    asio::ssl::context server{asio::ssl::context::tlsv13_server};
    tcp::acceptor acceptor;
    TaskGroup tasks;
    std::size_t open = 0;
};

asio::awaitable<void> PeerChannel::Inside::accept(Answer answer) {
    for (;;) {
        boost::system::error_code error;
        tcp::socket socket =
            co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted) co_return;
        if (error) {
            // Out of descriptors, most likely: it passes.
            co_await clock.sleep_for(std::chrono::milliseconds(100));
            continue;
        }
        if (open >= most_connections) continue;
        tasks.spawn("peer", serve_one(std::move(socket), answer));
    }
}

asio::awaitable<void> PeerChannel::Inside::serve_one(tcp::socket socket, const Answer& answer) {
    ++open;
    const Result<void> served =
        co_await with_timeout(clock, longest_connection, serve(std::move(socket), answer));
    --open;
    if (!served) log::debug("peer_refused", {{"error", served.error().message()}});
}

asio::awaitable<Result<void>> PeerChannel::Inside::serve(tcp::socket socket, const Answer& answer) {
    try {
        Stream stream(std::move(socket), server);
        co_await stream.async_handshake(Stream::server, asio::use_awaitable);
        const std::string question = co_await read_frame(stream);
        const std::string reply = co_await answer(question);
        co_await write_frame(stream, reply);
        co_return Result<void>{};
    } catch (const boost::system::system_error& error) {
        co_return fail(error.code());
    } catch (const std::runtime_error& error) {
        co_return fail(std::make_error_code(std::errc::protocol_error), error.what());
    }
}

asio::awaitable<Result<std::string>> PeerChannel::Inside::exchange(tcp::endpoint to,
                                                                   std::string question) {
    try {
        Stream stream(executor, client);
        co_await stream.lowest_layer().async_connect(to, asio::use_awaitable);
        stream.lowest_layer().set_option(tcp::no_delay(true));
        co_await stream.async_handshake(Stream::client, asio::use_awaitable);
        co_await write_frame(stream, question);
        co_return co_await read_frame(stream);
    } catch (const boost::system::system_error& error) {
        co_return fail(error.code());
    } catch (const std::runtime_error& error) {
        co_return fail(std::make_error_code(std::errc::protocol_error), error.what());
    }
}

PeerChannel::PeerChannel(asio::any_io_executor executor, Clock& clock, const std::string& secret)
    : inside_(std::make_shared<Inside>(std::move(executor), clock, secret)) {}

PeerChannel::~PeerChannel() = default;

Result<void> PeerChannel::open(const std::string& ip, std::uint16_t port) {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(ip, error);
    if (error) return fail(error, ip);
    const tcp::endpoint endpoint(address, port);
    tcp::acceptor& acceptor = inside_->acceptor;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(128, error);
    if (error) return fail(error, "peer_listen " + config::to_string({.host = ip, .port = port}));
    return {};
}

std::uint16_t PeerChannel::port() const {
    return inside_->acceptor.local_endpoint().port();
}

void PeerChannel::start(Answer answer) {
    inside_->tasks.spawn("peer listener", inside_->accept(std::move(answer)));
}

asio::awaitable<void> PeerChannel::stop() {
    boost::system::error_code ignored;
    inside_->acceptor.close(ignored);
    co_await inside_->tasks.stop();
}

asio::awaitable<Result<std::string>> PeerChannel::ask(std::string address,
                                                      std::string question,
                                                      std::chrono::nanoseconds limit) {
    const auto endpoint = config::parse_endpoint(address);
    boost::system::error_code not_numeric;
    const auto ip = asio::ip::make_address(endpoint ? endpoint->host : "", not_numeric);
    if (not_numeric) co_return fail(not_numeric, address);
    co_return co_await with_timeout(
        inside_->clock,
        limit,
        inside_->exchange(tcp::endpoint(ip, endpoint->port), std::move(question)));
}

}  // namespace muster::orchestrator
