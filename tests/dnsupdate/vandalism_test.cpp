// What anyone may do to the records in etcd: garbage, halves, marks of ours where they don't
// belong, keys of others. A real CoreDNS answers from what is left, and after a few rounds from
// what should be there.
#include "tests/dnsupdate/coredns_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace muster::dnsupdate {
namespace {

constexpr int vandals = 250;
constexpr int most_rounds = 12;

RecordSet some_records() {
    RecordSet made;
    for (int i = 1; i <= 3; ++i)
        made.members.emplace(
            MemberId("lb-" + std::to_string(i)),
            Member{.address = "10.0.0." + std::to_string(i), .port = 443, .weight = 33});
    return made;
}

/// One who has the rights to write, and no idea.
class Vandal {
 public:
    Vandal(CoreDnsWorld& world, std::vector<DnsName> names, unsigned seed)
        : world_(world), names_(std::move(names)), random_(seed) {}

    void strike() {
        for (int n = number(1, 6); n > 0; --n) strike_once();
    }

    [[nodiscard]] const std::string& story() const { return story_; }
    /// Well-formed and without our mark: key -> value.
    [[nodiscard]] const std::map<std::string, std::string>& others() const { return others_; }

 private:
    int number(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }
    const DnsName& name() {
        return names_[static_cast<std::size_t>(number(0, static_cast<int>(names_.size()) - 1))];
    }
    std::string garbage() {
        static const std::vector<std::string> all{"",
                                                  "lock",
                                                  "[]",
                                                  "7",
                                                  "{",
                                                  "{} {}",
                                                  R"({"port":"80"})",
                                                  R"({"ttl":-1})",
                                                  R"({"host":["10.0.0.1"]})",
                                                  R"({"weight":1.5})",
                                                  R"({"mail":"no"})",
                                                  "\xff\xfe"};
        return all[static_cast<std::size_t>(number(0, static_cast<int>(all.size()) - 1))];
    }
    std::string ours(const char* rest) {
        return R"({"owner":")" + world_.layout().owner + "\"" + rest + "}";
    }
    std::string member() {
        return member_key(world_.layout(), name(), MemberId("lb-" + std::to_string(number(1, 4))));
    }

    void put(const std::string& key, const std::string& value) {
        story_ += "put " + key + " " + value + "\n";
        others_.erase(key);
        commit(etcd::Put{.key = key, .value = value});
    }
    void put_others(const std::string& key, const std::string& value) {
        put(key, value);
        others_.emplace(key, value);
    }
    void remove(const std::string& key) {
        story_ += "delete " + key + "\n";
        others_.erase(key);
        commit(etcd::Delete{key});
    }
    void commit(etcd::Op op) {
        const etcd::Txn txn{.compares = {}, .ops = {std::move(op)}, .otherwise = {}};
        const auto done = world_.run(world_.stranger().commit(txn));
        ASSERT_TRUE(done) << done.error().message();
    }

    void strike_once() {
        const std::string anchor = anchor_key(world_.layout(), name());
        switch (number(0, 14)) {
            case 0:
                return put(member(), garbage());
            case 1:
                return put(anchor, garbage());
            case 2:
                return put(anchor + "/zz", garbage());
            case 3:
                return put(anchor + "/deep/er", garbage());
            case 4:
                return remove(member());
            case 5:
                return remove(anchor);
            case 6:
                for (int i = 1; i <= 3; ++i) remove(anchor + "/lb-" + std::to_string(i));
                return;
            case 7:
                return put(member(), ours(R"(,"host":"192.0.2.9")"));
            case 8:
                return put(member(), ours(R"(,"host":"not an address","ttl":0)"));
            case 9:
                return put(anchor, ours(R"(,"token":"9-9","generation":-4)"));
            case 10:
                return put(anchor + "/lb-9", ours(R"(,"host":"192.0.2.10","port":1)"));
            case 11:
                return put_others(anchor + "/LB-1", R"({"host":"192.0.2.11"})");
            case 12:
                return put_others(anchor + "/4f3a9c", R"({"host":"192.0.2.12","ttl":60})");
            case 13:
                return put_others(anchor + "/sub/4f3a9c", R"({"host":"192.0.2.13"})");
            default:
                return put_others("/skydns/test/muster/other-" + std::to_string(number(1, 9)),
                                  R"({"host":"192.0.2.14"})");
        }
    }

    CoreDnsWorld& world_;
    std::vector<DnsName> names_;
    std::mt19937 random_;
    std::string story_;
    std::map<std::string, std::string> others_;
};

class Vandalism : public testing::Test {
 protected:
    void SetUp() override {
        if (const std::string missing = test::CoreDnsServer::missing(); !missing.empty())
            GTEST_SKIP() << missing;
        world_ = std::make_unique<CoreDnsWorld>();
    }

    /// Addresses of ours that the name does not answer.
    std::set<std::string> not_answered(const DnsName& name) {
        std::set<std::string> missing;
        for (const auto& [id, member] : some_records().members) missing.insert(member.address);
        const DnsAnswer answer = world_->asked(name, RecordType::a);
        for (const DnsRecord& record : answer.records) missing.erase(record.data);
        return missing;
    }

    std::unique_ptr<CoreDnsWorld> world_;
};

TEST_F(Vandalism, IsMendedAndWhatIsOthersIsLeftAlone) {
    for (unsigned seed = 0; seed < vandals; ++seed) {
        std::vector<DnsName> names;
        std::map<DnsName, DesiredSet> wanted;
        for (int i = 0; i < 3; ++i) {
            names.emplace_back("n" + std::to_string(i) + ".v" + std::to_string(seed) +
                               ".muster.test");
            wanted[names.back()].records = some_records();
        }
        world_->publish(wanted);
        Vandal vandal(*world_, names, seed);
        vandal.strike();
        int rounds = 0;
        for (Plan made = world_->planned(wanted); !made.writes.empty();
             made = world_->planned(wanted)) {
            ASSERT_LT(++rounds, most_rounds) << "seed " << seed << "\n" << vandal.story();
            for (const WriteResult& one : world_->write(std::move(made)))
                ASSERT_EQ(one.outcome, Outcome::done) << one.detail << "\n" << vandal.story();
        }
        for (const DnsName& name : names)
            ASSERT_THAT(not_answered(name), testing::IsEmpty())
                << name.str() << ", seed " << seed << "\n"
                << vandal.story();
        for (const auto& [key, value] : vandal.others()) {
            const auto there = world_->run(world_->stranger().get(key));
            ASSERT_TRUE(there && there->entries.size() == 1) << key << " is gone, seed " << seed;
            EXPECT_EQ(there->entries[0].value, value) << key;
        }
        world_->etcd().ctl({"del", "--prefix", "/skydns"});
    }
}

TEST_F(Vandalism, WithLeasesIsMendedBeforeTheyEnd) {
    const DnsName name("leased.muster.test");
    const std::map<DnsName, DesiredSet> wanted{{name, {.records = some_records()}}};
    world_->publish(wanted);
    const std::string granted = world_->etcd().ctl({"lease", "grant", "600"});
    const std::string lease = granted.substr(6, granted.find(' ', 6) - 6);
    for (const std::string& key : {anchor_key(world_->layout(), name),
                                   member_key(world_->layout(), name, MemberId("lb-1"))}) {
        const std::string value = world_->run(world_->stranger().get(key))->entries.at(0).value;
        world_->etcd().ctl({"put", key, value, "--lease=" + lease});
    }
    world_->publish(wanted);
    world_->etcd().ctl({"lease", "revoke", lease});
    EXPECT_THAT(not_answered(name), testing::IsEmpty());
    EXPECT_TRUE(world_->planned(wanted).writes.empty());
}

}  // namespace
}  // namespace muster::dnsupdate
