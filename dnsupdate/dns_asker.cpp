#include "dnsupdate/dns_asker.hpp"

#include "common/base/with_timeout.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <openssl/rand.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace muster::dnsupdate {

namespace {

using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

constexpr auto use_result = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t largest_datagram = 4096;

std::uint16_t random_id() {
    std::array<unsigned char, 2> bytes{};
    RAND_bytes(bytes.data(), bytes.size());
    return static_cast<std::uint16_t>(bytes[0] << 8U | bytes[1]);
}

tl::unexpected<Error> no_answer(const config::Endpoint& server, const error_code& error) {
    return fail(DnsErrc::no_answer, config::to_string(server) + ": " + error.message());
}

asio::awaitable<Result<DnsAnswer>> ask_over_tcp(asio::ip::address address,
                                                config::Endpoint server,
                                                DnsName name,
                                                RecordType type) {
    tcp::socket socket(co_await asio::this_coro::executor);
    const auto [refused] =
        co_await socket.async_connect(tcp::endpoint(address, server.port), use_result);
    if (refused) co_return no_answer(server, refused);
    const std::uint16_t id = random_id();
    const std::string question = encode_question(name, type, id);
    const std::string message = std::string{static_cast<char>(question.size() >> 8U),
                                            static_cast<char>(question.size() & 0xffU)} +
                                question;
    const auto [not_sent, sent] =
        co_await asio::async_write(socket, asio::buffer(message), use_result);
    if (not_sent) co_return no_answer(server, not_sent);
    std::array<unsigned char, 2> size{};
    const auto [no_size, two] = co_await asio::async_read(socket, asio::buffer(size), use_result);
    if (no_size) co_return no_answer(server, no_size);
    std::string answer(static_cast<std::size_t>(size[0]) << 8U | size[1], '\0');
    const auto [cut, all] = co_await asio::async_read(socket, asio::buffer(answer), use_result);
    if (cut) co_return no_answer(server, cut);
    co_return decode_answer(answer, name, type, id);
}

asio::awaitable<Result<DnsAnswer>> ask_without_limit(config::Endpoint server,
                                                     DnsName name,
                                                     RecordType type) {
    error_code error;
    const auto address = asio::ip::make_address(server.host, error);
    if (error) co_return no_answer(server, error);
    udp::socket socket(co_await asio::this_coro::executor);
    socket.open(address.is_v4() ? udp::v4() : udp::v6(), error);
    // Connected: datagrams from elsewhere don't come, and a closed port is seen at once.
    if (!error) socket.connect(udp::endpoint(address, server.port), error);
    if (error) co_return no_answer(server, error);
    const std::uint16_t id = random_id();
    const std::string question = encode_question(name, type, id);
    const auto [not_sent, sent] = co_await socket.async_send(asio::buffer(question), use_result);
    if (not_sent) co_return no_answer(server, not_sent);
    std::vector<char> datagram(largest_datagram);
    for (;;) {
        const auto [none, size] = co_await socket.async_receive(asio::buffer(datagram), use_result);
        if (none) co_return no_answer(server, none);
        Result<DnsAnswer> answer = decode_answer({datagram.data(), size}, name, type, id);
        if (!answer) continue;
        if (answer->truncated) break;
        co_return answer;
    }
    co_return co_await ask_over_tcp(address, server, name, type);
}

}  // namespace

asio::awaitable<Result<DnsAnswer>> ask(Clock& clock,
                                       config::Endpoint server,
                                       DnsName name,
                                       RecordType type,
                                       std::chrono::nanoseconds timeout) {
    const std::string where = config::to_string(server);
    Result<DnsAnswer> answer = co_await with_timeout(
        clock, timeout, ask_without_limit(std::move(server), std::move(name), type));
    if (!answer && answer.error().code == std::make_error_code(std::errc::timed_out))
        co_return fail(DnsErrc::no_answer, where);
    co_return answer;
}

}  // namespace muster::dnsupdate
