#include "tests/bench/scaler/live_service.hpp"

#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace muster::test {

namespace {

constexpr std::string_view root = "/machines";

}  // namespace

LiveService::LiveService(std::size_t places,
                         std::function<std::string(std::size_t)> address_of,
                         std::function<double(double)> load)
    : places_(places),
      address_of_(std::move(address_of)),
      load_(std::move(load)),
      started_(clock_.now()),
      server_(context_.get_executor(),
              clock_,
              {.drain_timeout = std::chrono::milliseconds(10)},
              [this](http::Request request) -> asio::awaitable<http::Reply> {
                  co_return answer(request);
              }),
      tasks_(context_.get_executor()) {
    if (const auto opened = server_.open(); !opened)
        throw std::runtime_error(opened.error().message());
    tasks_.spawn("service", server_.run());
    thread_ = std::thread([this] { context_.run(); });
}

LiveService::~LiveService() {
    asio::post(context_, [this] { tasks_.cancel(); });
    thread_.join();
}

std::string LiveService::address() const {
    return fmt::format("127.0.0.1:{}", server_.port());
}

std::size_t LiveService::machines() const {
    const std::lock_guard held(mutex_);
    return machines_.size();
}

std::string LiveService::metrics() const {
    const double load = load_(std::chrono::duration<double>(clock_.now() - started_).count());
    std::string text = fmt::format("lb_requests {:.3f}\n", load);
    for (const auto& [id, machine] : machines_)
        text += fmt::format("lb_busy{{instance_id=\"{}\"}} {:.3f}\n",
                            id,
                            load / 2 / static_cast<double>(machines_.size()));
    return text;
}

std::string LiveService::describe(const std::string& id) const {
    const Machine& machine = machines_.at(id);
    return fmt::format(
        R"({{"id":"{}","fleet":"edge","token":"{}","state":"running","address":"{}","age_seconds":2}})",
        id,
        machine.token,
        address_of_(machine.place));
}

http::Response LiveService::make(const http::Request& request, const std::string& id) {
    const std::string token(boost::json::parse(request.body).at("token").as_string());
    const auto found = machines_.find(id);
    if (found != machines_.end() && found->second.token != token)
        return http::Response::problem(409, "Conflict", "it has another token");
    if (found == machines_.end()) {
        std::set<std::size_t> taken;
        for (const auto& [other, machine] : machines_) taken.insert(machine.place);
        std::size_t place = 0;
        while (taken.contains(place)) ++place;
        if (place >= places_) return http::Response::problem(507, "Full", "there is no room");
        machines_[id] = {.token = token, .place = place};
    }
    return http::Response::json(201, describe(id));
}

http::Response LiveService::answer(const http::Request& request) {
    const std::lock_guard held(mutex_);
    if (request.path == "/metrics") return http::Response::text(200, metrics());
    if (!request.path.starts_with(root)) return http::Response::text(404, "what?\n");
    std::string id = request.path.substr(root.size());
    if (id.empty()) {
        std::string all;
        for (const auto& [one, machine] : machines_)
            all += (all.empty() ? "" : ",") + describe(one);
        return http::Response::json(200,
                                    fmt::format(R"({{"complete":true,"machines":[{}]}})", all));
    }
    id.erase(0, 1);
    if (id.ends_with("/can-remove")) return http::Response::text(204, "");
    if (request.method == "PUT") return make(request, id);
    if (!machines_.contains(id)) return http::Response::text(404, "none\n");
    if (request.method != "DELETE") return http::Response::json(200, describe(id));
    machines_.erase(id);
    return http::Response::text(204, "");
}

}  // namespace muster::test
