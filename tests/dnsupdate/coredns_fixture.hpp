#pragma once

#include "common/base/asio_clock.hpp"
#include "dnsupdate/dns_asker.hpp"
#include "dnsupdate/etcd_provider.hpp"
#include "tests/support/coredns_server.hpp"
#include "tests/support/etcd_server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

namespace muster::dnsupdate {

/// A real etcd, a real CoreDNS that serves muster.test from it, and a master that has claimed it.
class CoreDnsWorld {
 public:
    CoreDnsWorld()
        : coredns_("muster.test", "etcd {\n path /skydns\n endpoint " + etcd_.url() + "\n}") {
        EXPECT_EQ(run(provider_.claim({.token = {.epoch = 1}, .nonce = "n"}, false)).value(),
                  Claim::create);
    }

    template <class T>
    T run(asio::awaitable<T> work) {
        auto result = asio::co_spawn(context_, std::move(work), asio::use_future);
        context_.restart();
        context_.run();
        return result.get();
    }

    Plan planned(const std::map<DnsName, DesiredSet>& sets) {
        const auto read = run(provider_.read());
        EXPECT_TRUE(read) << read.error().message();
        return plan({.sets = sets}, read.value_or(Observed{}), {}, {}, SteadyTime{});
    }
    std::vector<WriteResult> write(Plan made) {
        return run(provider_.write(std::move(made.writes)));
    }
    /// Beside what is there already, unless it is of these names.
    void publish(const std::map<DnsName, DesiredSet>& sets) {
        for (const WriteResult& one : write(planned(sets)))
            ASSERT_EQ(one.outcome, Outcome::done) << one.name.str() << " " << one.detail;
    }
    DnsAnswer asked(const DnsName& name, RecordType type) {
        const config::Endpoint server{.host = "127.0.0.1", .port = coredns_.port()};
        const auto answer = run(ask(clock_, server, name, type, std::chrono::seconds(8)));
        EXPECT_TRUE(answer) << answer.error().message();
        return answer.value_or(DnsAnswer{});
    }
    /// All that the set says, and nothing else.
    void expect_answers(const DnsName& name, const RecordSet& set) {
        for (const RecordType type : types_of(set))
            EXPECT_EQ(difference(name, set, type, asked(name, type)), "")
                << name.str() << " " << to_string(type);
    }
    test::EtcdServer& etcd() { return etcd_; }
    /// As someone else who writes to the same store.
    etcd::Client& stranger() { return client_; }
    [[nodiscard]] const EtcdLayout& layout() const { return layout_; }

 private:
    test::EtcdServer etcd_;
    test::CoreDnsServer coredns_;
    asio::io_context context_;
    AsioClock clock_;
    etcd::Client client_{clock_, {.endpoints = {etcd_.url()}}};
    EtcdLayout layout_{.owner = "muster/c-1", .zones = {DnsName("muster.test")}};
    EtcdProvider provider_{client_, layout_, "prod"};
};

}  // namespace muster::dnsupdate
