#include "orchestrator/lb_hops.hpp"

#include "common/config/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace muster::orchestrator {
namespace {

using std::chrono::microseconds;

/// Between two moments of a probe; nothing where either was not reached.
microseconds span(microseconds from, microseconds to) {
    return to > microseconds(0) && to > from ? to - from : microseconds(0);
}

double seconds(microseconds time) {
    return std::chrono::duration<double>(time).count();
}

/// From a LAN's round trip to the longest timeouts that make sense.
const std::vector<double>& buckets() {
    static const std::vector<double> all{
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
    return all;
}

}  // namespace

LbHop hop_of(const config::CompositePart& part, const checker::ProbeOutcome& outcome) {
    LbHop hop{.name = part.name,
              .result = outcome.result,
              .reason = outcome.reason,
              .code = outcome.code,
              .connect = span(outcome.resolve, outcome.connect),
              .tls = span(outcome.connect, outcome.tls),
              .response = span(outcome.sent, outcome.first_byte)};
    if (part.of_lb) {
        hop.listener = part.of_lb->listener;
        hop.group = part.of_lb->group;
    }
    return hop;
}

std::string what_is_wrong(const std::vector<LbHop>& hops) {
    std::string text;
    for (const LbHop& hop : hops) {
        if (hop.result == checker::Result::success) continue;
        text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", hop.name, to_string(hop.reason));
        if (hop.code != 0) text += fmt::format(" {}", hop.code);
    }
    return text;
}

void LbHops::take(const checker::ProbeRequest& request,
                  const std::vector<checker::ProbeOutcome>& outcomes) {
    const auto* const check = std::get_if<config::CompositeCheck>(&request.probe->kind);
    if (check == nullptr || check->parts.size() != outcomes.size()) return;
    std::vector<LbHop> hops;
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        hops.push_back(hop_of(check->parts[i], outcomes[i]));
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < hops.size(); ++i) {
        const auto& of_lb = check->parts[i].of_lb;
        if (of_lb && of_lb->kind != config::LbPart::Kind::agent) observe(check->fleet, hops[i]);
    }
    Place place{check->fleet, config::to_string({.host = request.host, .port = request.port})};
    const auto [at, is_new] = last_.insert_or_assign(place, std::move(hops));
    if (!is_new) return;
    order_.push_back(std::move(place));
    if (order_.size() <= most_lbs) return;
    last_.erase(order_.front());
    order_.pop_front();
}

std::vector<LbHop> LbHops::last(const std::string& fleet,
                                const std::string& host,
                                std::uint16_t port) const {
    const std::scoped_lock lock(mutex_);
    const auto found = last_.find({fleet, config::to_string({.host = host, .port = port})});
    return found == last_.end() ? std::vector<LbHop>{} : found->second;
}

LbHops::Series* LbHops::series(const std::string& fleet, const std::string& group) {
    const auto known = series_.find({fleet, group});
    if (known != series_.end()) return &known->second;
    if (series_.size() >= most_series) return nullptr;
    Series made{.connect = &registry_.histogram("muster_lb_connect_seconds",
                                                "Probes of LBs: until connected",
                                                buckets(),
                                                {{"fleet", fleet}}),
                .tls = &registry_.histogram("muster_lb_tls_seconds",
                                            "Probes of LBs: from there until TLS stood",
                                            buckets(),
                                            {{"fleet", fleet}})};
    if (!group.empty()) {
        made.response =
            &registry_.histogram("muster_lb_response_seconds",
                                 "Probes of LBs: from a request to the first byte of the reply, "
                                 "through the LB to a group and back",
                                 buckets(),
                                 {{"fleet", fleet}, {"group", group}});
    }
    return &series_.emplace(std::pair(fleet, group), made).first->second;
}

void LbHops::observe(const std::string& fleet, const LbHop& hop) {
    const Series* const all = series(fleet, hop.group);
    if (all == nullptr) return;
    if (hop.connect > microseconds(0)) all->connect->Observe(seconds(hop.connect));
    if (hop.tls > microseconds(0)) all->tls->Observe(seconds(hop.tls));
    if (hop.response > microseconds(0) && all->response != nullptr)
        all->response->Observe(seconds(hop.response));
}

}  // namespace muster::orchestrator
