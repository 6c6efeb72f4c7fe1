#include "agent/haproxy_certificates.hpp"

#include "agent/certificate_files.hpp"
#include "agent/haproxy_errc.hpp"
#include "agent/lb_listeners.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace muster::agent {
namespace {

/// Of its buffer of 16 KiB some is kept for rewriting; a payload has to fit beside its command.
constexpr std::size_t longest_payload = 15'000;

}  // namespace

std::string shown_fingerprint(std::string_view answer) {
    constexpr std::string_view label = "SHA1 FingerPrint: ";
    const std::size_t at = answer.find(label);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = answer.substr(at + label.size());
    return std::string(rest.substr(0, rest.find_first_of("\r\n ")));
}

asio::awaitable<Result<int>> HaproxyCertificates::follow(HaproxyRuntime& runtime,
                                                         int worker,
                                                         std::vector<config::Listener> listeners,
                                                         std::vector<std::string>& notes) {
    must_reload_ = false;
    if (std::exchange(worker_, worker) != worker) loaded_.clear();
    std::set<std::string> files;
    for (const config::Listener& listener : listeners)
        files.insert(listener.tls.certificates.begin(), listener.tls.certificates.end());
    const std::string all = std::to_string(stamp_of_certificates(listeners));
    int brought = 0;
    for (const std::string& file : files) {
        std::string stamp = stamp_of_file(file);
        if (const auto known = loaded_.find(file); known != loaded_.end() && known->second == stamp)
            continue;
        if (stamp_ == all) {  // a reload was for just these
            loaded_[file] = std::move(stamp);
            continue;
        }
        const auto done = co_await bring(runtime, file, stamp, notes);
        if (!done) {
            if (done.error().code == HaproxyErrc::command_failed) {
                must_reload_ = std::exchange(stamp_, all) != all;
            }
            co_return tl::unexpected(done.error());
        }
        if (*done) ++brought;
    }
    co_return brought;
}

/// False: the worker has it, or the file is of no use.
asio::awaitable<Result<bool>> HaproxyCertificates::bring(HaproxyRuntime& runtime,
                                                         std::string file,
                                                         std::string stamp,
                                                         std::vector<std::string>& notes) {
    const Result<Certificate> certificate = read_source(file);
    if (!certificate) {
        notes.push_back(certificate.error().message() + "; HAProxy goes on with what it has");
        co_return false;
    }
    if (!loaded_.contains(file)) {
        // Of a worker that we have not watched, or that began since.
        const auto shown = co_await runtime.ask({"show ssl cert " + file});
        if (!shown) co_return tl::unexpected(shown.error());
        if (shown_fingerprint(shown->front()) == certificate->fingerprint) {
            loaded_[file] = std::move(stamp);
            co_return false;
        }
    }
    if (certificate->pem.size() > longest_payload)
        co_return fail(HaproxyErrc::command_failed, file + ": too long for HAProxy's Runtime API");
    // The payload ends with an empty line, and the line's own end makes one.
    const auto set =
        co_await runtime.ask({fmt::format("set ssl cert {} <<\n{}", file, certificate->pem)});
    if (!set) co_return tl::unexpected(set.error());
    const auto committed = co_await runtime.ask({"commit ssl cert " + file});
    if (!committed) co_return tl::unexpected(committed.error());
    if (!committed->front().contains("Success")) {
        (void)co_await runtime.ask({"abort ssl cert " + file});
        co_return fail(
            HaproxyErrc::command_failed,
            fmt::format(
                "'set ssl cert {}': '{:.200}' '{:.200}'", file, set->front(), committed->front()));
    }
    loaded_[file] = std::move(stamp);
    co_return true;
}

}  // namespace muster::agent
