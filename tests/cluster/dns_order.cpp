#include "tests/cluster/dns_order.hpp"

#include "tests/support/eventually.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace muster::test {

namespace {

using namespace std::chrono_literals;
using Time = std::chrono::nanoseconds;

/// The two are seen over two ways.
constexpr Time slack = 500ms;

double seconds_between(const std::optional<Time>& from, const std::optional<Time>& to) {
    return from && to ? std::chrono::duration<double>(*to - *from).count() : -1;
}

}  // namespace

DnsOrder::DnsOrder(const EtcdServer& etcd, const Observer& observer, std::string fleet)
    : observer_(observer),
      fleet_(std::move(fleet)),
      watch_({.argv = {"etcdctl", "--endpoints", etcd.url(), "watch", "--prefix", "/skydns"},
              .env = {{"ETCDCTL_API", "3"}},
              .cwd = {},
              .output = directory_ / "watch"}) {
    thread_ = std::thread([this] { run(); });
}

DnsOrder::~DnsOrder() {
    ending_ = true;
    thread_.join();
}

void DnsOrder::run() {
    while (!ending_) {
        const Time now = monotonic_now();
        read_etcd(now);
        read_phases(now);
        (void)eventually(20ms, [this] { return ending_.load(); });
    }
}

/// "PUT", the key and the value; or "DELETE", the key and nothing: a line each.
void DnsOrder::read_etcd(Time now) {
    const std::string text = watch_.output();
    for (;;) {
        std::string_view rest(text);
        rest.remove_prefix(read_);
        std::string_view lines[3];
        std::size_t size = 0;
        for (std::string_view& line : lines) {
            const std::size_t end = rest.find('\n', size);
            if (end == std::string_view::npos) return;
            line = rest.substr(size, end - size);
            size = end + 1;
        }
        read_ += size;
        const std::string mark = "/" + fleet_ + "-";
        const std::size_t at = lines[1].rfind(mark);
        if (at == std::string_view::npos) continue;
        const std::scoped_lock lock(mutex_);
        Life& life = lives_[std::string(lines[1].substr(at + mark.size()))];
        life.in_etcd = lines[0] == "PUT";
        if (life.in_etcd && !life.published) life.published = now;
        if (!life.in_etcd) life.withdrawn = now;
    }
}

void DnsOrder::read_phases(Time now) {
    const follow::ClusterView view = observer_.view();
    const auto managed = view.managed.find(FleetName(fleet_));
    if (managed == view.managed.end()) return;
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, record] : managed->second.instances) {
        using enum znodes::InstancePhase;
        Life& life = lives_[id.str()];
        const auto note = [&](std::optional<Time>& when, bool is) {
            if (is && !when) when = now;
        };
        const znodes::InstancePhase phase = record.value.phase;
        note(life.healthy, phase == warming || phase == serving);
        note(life.serving, phase == serving);
        note(life.draining, phase == draining);
        note(life.leaving, phase == draining && record.value.deadline);
        note(life.deleting, phase == deleting);
    }
}

std::map<std::string, DnsOrder::Life> DnsOrder::lives() const {
    const std::scoped_lock lock(mutex_);
    return lives_;
}

std::vector<std::string> DnsOrder::wrong() const {
    std::vector<std::string> all;
    const std::map<std::string, Life> known = lives();
    // A name that would else have no answer has one that warms up.
    const auto another_serves = [&](Time when) {
        return std::ranges::any_of(known, [&](const auto& other) {
            const Life& life = other.second;
            return life.serving && *life.serving + slack < when &&
                   (!life.draining || *life.draining > when);
        });
    };
    const auto is_before = [](Time when, const std::optional<Time>& what) {
        return !what || when + slack < *what;
    };
    for (const auto& [id, life] : known) {
        if (life.published && is_before(*life.published, life.healthy))
            all.push_back(id + " is published before it is healthy");
        if (life.published && is_before(*life.published, life.serving) &&
            another_serves(*life.published))
            all.push_back(id + " is published before it serves");
        if (life.deleting && (life.in_etcd || (life.withdrawn && *life.withdrawn > *life.deleting)))
            all.push_back(id + " is deleted while its record is there");
        if (life.draining && life.leaving && life.withdrawn && *life.withdrawn > *life.leaving)
            all.push_back(id + " is said to be out of DNS while its record is there");
    }
    return all;
}

std::string DnsOrder::str() const {
    std::string text;
    for (const auto& [id, life] : lives()) {
        if (!life.draining) continue;
        text += fmt::format(
            "{}: drains; {:.2f} s later out of etcd, {:.2f} s later out of all caches, {:.2f} s "
            "later without connections\n",
            id,
            seconds_between(life.draining, life.withdrawn),
            seconds_between(life.withdrawn, life.leaving),
            seconds_between(life.leaving, life.deleting));
    }
    return text;
}

}  // namespace muster::test
