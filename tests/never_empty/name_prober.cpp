#include "tests/never_empty/name_prober.hpp"

#include "dnsupdate/dns_asker.hpp"
#include "tests/support/rethrow.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include <array>
#include <utility>

namespace muster::test {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using dnsupdate::RecordType;

namespace {

constexpr auto period = 10ms;
constexpr auto patience = 8s;  ///< CoreDNS says SERVFAIL when etcd was silent for five seconds
constexpr std::array types{RecordType::a, RecordType::srv, RecordType::cname, RecordType::aaaa};
constexpr std::size_t most_told = 5;

}  // namespace

NameProber::NameProber(std::uint16_t server, std::string name, std::set<RecordType> published)
    : server_(server), name_(std::move(name)), published_(std::move(published)) {
    asio::co_spawn(context_, run(), rethrow);
    thread_ = std::thread([this] { context_.run(); });
}

NameProber::~NameProber() {
    context_.stop();
    thread_.join();
}

NameProber::Tally NameProber::tally() const {
    const std::scoped_lock lock(mutex_);
    return tally_;
}

asio::awaitable<void> NameProber::run() {
    SteadyTime next = clock_.now();
    for (std::size_t i = 0;; ++i) {
        asio::co_spawn(context_, ask_once(types.at(i % types.size())), rethrow);
        next += period;
        co_await clock_.sleep_for(next - clock_.now());
    }
}

asio::awaitable<void> NameProber::ask_once(RecordType type) {
    const Result<dnsupdate::DnsAnswer> answer = co_await dnsupdate::ask(
        clock_, {.host = "127.0.0.1", .port = server_}, name_, type, patience);
    const std::scoped_lock lock(mutex_);
    const bool nxdomain = answer && answer->code == "NXDOMAIN";
    const bool empty =
        answer && answer->code == "NOERROR" && answer->records.empty() && published_.contains(type);
    if (!answer || (answer->code != "NOERROR" && !nxdomain)) {
        ++tally_.failures;
        co_return;
    }
    tally_.nxdomain += nxdomain ? 1U : 0U;
    tally_.empty += empty ? 1U : 0U;
    tally_.answers += nxdomain || empty ? 0U : 1U;
    if ((nxdomain || empty) && tally_.first_bad.size() < most_told)
        tally_.first_bad.push_back(fmt::format("{}: {}", to_string(type), answer->code));
}

}  // namespace muster::test
