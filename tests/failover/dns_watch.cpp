#include "tests/failover/dns_watch.hpp"

#include "common/base/asio_clock.hpp"
#include "common/base/base64.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <chrono>
#include <map>

namespace muster::test {

namespace json = boost::json;

namespace {

std::string bytes_of(const json::object& from, std::string_view name) {
    const json::value* const text = from.if_contains(name);
    return text == nullptr ? "" : from_base64(text->as_string()).value_or("");
}

std::string host_of(const std::string& value) {
    boost::system::error_code error;
    const json::value parsed = json::parse(value, error);
    if (error || !parsed.is_object()) return "";
    const json::value* const host = parsed.get_object().if_contains("host");
    return host != nullptr && host->is_string() ? std::string(host->get_string()) : "";
}

std::map<std::string, std::string> now_of(const std::vector<DnsWatch::Event>& events) {
    std::map<std::string, std::string> now;
    for (const DnsWatch::Event& event : events) {
        now.erase(event.key);
        if (!event.host.empty()) now.emplace(event.key, event.host);
    }
    return now;
}

}  // namespace

DnsWatch::DnsWatch(const EtcdServer& etcd) : thread_([this, url = etcd.url()] { follow(url); }) {}

DnsWatch::~DnsWatch() {
    ending_ = true;
    thread_.join();
}

void DnsWatch::follow(const std::string& url) {
    const TempDir directory;
    Process watch(
        {.argv =
             {"etcdctl", "watch", "--prefix", "/", "--rev=1", "-w", "json", "--endpoints=" + url},
         .env = {{"ETCDCTL_API", "3"}},
         .output = directory / "watch"});
    const AsioClock clock;
    std::size_t read = 0;
    while (!ending_) {
        // Whole lines alone.
        std::string all;
        (void)eventually(std::chrono::seconds(1), [&] {
            all = watch.output();
            return ending_ || all.find('\n', read) != std::string::npos;
        });
        const WallTime now = clock.wall();
        for (std::size_t end = all.find('\n', read); end != std::string::npos;
             end = all.find('\n', read)) {
            const json::value reply = json::parse(std::string_view(all).substr(read, end - read));
            read = end + 1;
            const std::scoped_lock lock(mutex_);
            for (const json::value& item : reply.at("Events").as_array()) {
                const json::object& event = item.as_object();
                const json::object& entry = event.at("kv").as_object();
                const json::value* const type = event.if_contains("type");
                const bool deleted = type != nullptr && *type == 1;
                events_.push_back({.seen = now,
                                   .key = bytes_of(entry, "key"),
                                   .host = deleted ? "" : host_of(bytes_of(entry, "value")),
                                   .deleted = deleted});
            }
        }
    }
}

std::vector<DnsWatch::Event> DnsWatch::events() const {
    const std::scoped_lock lock(mutex_);
    return events_;
}

std::size_t DnsWatch::count(const std::string& prefix) const {
    std::size_t count = 0;
    for (const auto& [key, host] : now_of(events()))
        if (key.starts_with(prefix)) ++count;
    return count;
}

bool DnsWatch::has(const std::string& host) const {
    for (const auto& [key, of] : now_of(events()))
        if (of == host) return true;
    return false;
}

}  // namespace muster::test
