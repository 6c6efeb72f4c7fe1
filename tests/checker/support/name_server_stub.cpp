#include "tests/checker/support/name_server_stub.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <array>
#include <exception>
#include <string_view>
#include <utility>

namespace muster::checker {

namespace asio = boost::asio;
using asio::ip::udp;

namespace {

constexpr std::size_t header_size = 12;
constexpr int type_a = 1;
constexpr int type_aaaa = 28;

struct Question {
    std::string name;
    int type = 0;
    std::size_t end = 0;  ///< of the question section
};

Question read_question(std::string_view packet) {
    Question question;
    std::size_t at = header_size;
    while (at < packet.size() && packet[at] != 0) {
        const auto length = static_cast<std::size_t>(packet[at]);
        if (!question.name.empty()) question.name += '.';
        question.name += packet.substr(at + 1, length);
        at += length + 1;
    }
    if (at + 5 > packet.size()) return {};
    question.type = static_cast<unsigned char>(packet[at + 2]);
    question.end = at + 5;
    return question;
}

void add_16(std::string& packet, std::size_t value) {
    packet += static_cast<char>(value >> 8U);
    packet += static_cast<char>(value & 0xffU);
}

template <class Bytes>
void add_record(std::string& packet, int type, std::uint32_t ttl, const Bytes& bytes) {
    add_16(packet, 0xc000U + header_size);  // the name of the question
    add_16(packet, static_cast<std::size_t>(type));
    add_16(packet, 1);
    add_16(packet, ttl >> 16U);
    add_16(packet, ttl & 0xffffU);
    add_16(packet, bytes.size());
    for (const auto byte : bytes) packet += static_cast<char>(byte);
}

std::string reply_to(std::string_view packet, const Question& question, const NameAnswer& answer) {
    std::string records;
    std::size_t count = 0;
    for (const std::string& text : answer.addresses) {
        const auto address = asio::ip::make_address(text);
        if (address.is_v4() && question.type == type_a) {
            add_record(records, type_a, answer.ttl, address.to_v4().to_bytes());
            ++count;
        } else if (address.is_v6() && question.type == type_aaaa) {
            add_record(records, type_aaaa, answer.ttl, address.to_v6().to_bytes());
            ++count;
        }
    }
    std::size_t code = 0;
    if (answer.kind == NameAnswer::Kind::server_failure) code = 2;
    if (answer.kind == NameAnswer::Kind::no_such_name) code = 3;
    std::string reply(packet.substr(0, 2));
    add_16(reply, 0x8180U | code);
    add_16(reply, 1);
    add_16(reply, count);
    add_16(reply, 0);
    add_16(reply, 0);
    reply += packet.substr(header_size, question.end - header_size);
    return reply + records;
}

}  // namespace

struct NameServerStub::Inside {
    explicit Inside(const asio::any_io_executor& executor)
        : socket(executor, udp::endpoint(asio::ip::make_address("127.0.0.1"), 0)) {}

    udp::socket socket;
    std::map<std::string, NameAnswer> answers;
    std::map<std::string, int> queries;

    static asio::awaitable<void> serve(std::shared_ptr<Inside> self) {
        std::array<char, 1500> buffer{};
        for (;;) {
            udp::endpoint from;
            const auto [error, size] = co_await self->socket.async_receive_from(
                asio::buffer(buffer), from, asio::as_tuple(asio::use_awaitable));
            if (error) co_return;
            const std::string_view packet(buffer.data(), size);
            const Question question = read_question(packet);
            if (question.type == type_a) ++self->queries[question.name];
            const auto found = self->answers.find(question.name);
            const NameAnswer answer = found != self->answers.end()
                                          ? found->second
                                          : NameAnswer{.kind = NameAnswer::Kind::no_such_name};
            if (answer.kind == NameAnswer::Kind::silence) continue;
            if (answer.silent_for_v6 && question.type == type_aaaa) continue;
            boost::system::error_code ignored;
            self->socket.send_to(
                asio::buffer(reply_to(packet, question, answer)), from, 0, ignored);
        }
    }
};

NameServerStub::NameServerStub(const asio::any_io_executor& executor)
    : inside_(std::make_shared<Inside>(executor)) {
    asio::co_spawn(executor, Inside::serve(inside_), [](const std::exception_ptr&) {});
}

NameServerStub::~NameServerStub() {
    boost::system::error_code ignored;
    inside_->socket.close(ignored);
}

std::string NameServerStub::address() const {
    return "127.0.0.1:" + std::to_string(inside_->socket.local_endpoint().port());
}

void NameServerStub::set(const std::string& name, NameAnswer answer) {
    inside_->answers[name] = std::move(answer);
}

int NameServerStub::queries(const std::string& name) const {
    const auto found = inside_->queries.find(name);
    return found == inside_->queries.end() ? 0 : found->second;
}

}  // namespace muster::checker
