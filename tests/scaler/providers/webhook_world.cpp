#include "tests/scaler/providers/webhook_world.hpp"

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

namespace muster::test {

namespace {

namespace json = boost::json;

json::object describe(const std::string& fleet, const std::string& id, const std::string& token) {
    return {{"id", id},
            {"fleet", fleet},
            {"token", token},
            {"state", "running"},
            {"address", "192.0.2.7:443"},
            {"age_seconds", 2},
            {"of_the_service_alone", json::array{1, 2}}};
}

scaler::ProviderFence fence_of(std::string_view text) {
    std::istringstream from{std::string(text)};
    scaler::ProviderFence fence;
    char dot = '.';
    from >> fence.era >> dot >> fence.epoch;
    return fence;
}

class WebhookWorld final : public ProviderWorld {
 public:
    WebhookWorld() {
        directory().write("token", "s3cret\n");
        std::filesystem::permissions(
            directory() / "token",
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        restart();
    }
    std::size_t machines(const FleetName& fleet, const InstanceId& id) override {
        return service_.has(fleet.str(), id.str()) ? 1 : 0;
    }
    void lose_next_answer() override { service_.lose_next_answer(); }
    bool takes_answers() const override { return true; }
    void answer_next(const std::string& text) override {
        service_.answer_next(http::Response::json(200, text));
    }

 protected:
    std::unique_ptr<scaler::Provider> make() override {
        return std::make_unique<scaler::WebhookProvider>(
            clock(),
            scaler::WebhookProviderSettings{.cluster = cluster(),
                                            .url = service_.url(),
                                            .token_file = (directory() / "token").string(),
                                            .timeout = std::chrono::seconds(2),
                                            .fences = true});
    }

 private:
    MachineService service_;
};

}  // namespace

MachineService::MachineService()
    : server_(context_.get_executor(),
              clock_,
              {.drain_timeout = std::chrono::milliseconds(10)},
              [this](http::Request request) { return answer(std::move(request)); }),
      tasks_(context_.get_executor()) {
    if (const auto opened = server_.open(); !opened)
        throw std::runtime_error(opened.error().message());
    tasks_.spawn("service", server_.run());
    thread_ = std::thread([this] { context_.run(); });
}

MachineService::~MachineService() {
    asio::post(context_, [this] { tasks_.cancel(); });
    thread_.join();
}

std::string MachineService::url() const {
    return fmt::format("http://127.0.0.1:{}/v1/machines", server_.port());
}

bool MachineService::has(const std::string& fleet, const std::string& id) const {
    const std::lock_guard held(mutex_);
    return machines_.contains({fleet, id});
}

void MachineService::answer_next(http::Response response) {
    const std::lock_guard held(mutex_);
    next_ = std::move(response);
}

void MachineService::lose_next_answer() {
    const std::lock_guard held(mutex_);
    lose_ = true;
}

http::Request MachineService::last() const {
    const std::lock_guard held(mutex_);
    return last_;
}

asio::awaitable<http::Reply> MachineService::answer(http::Request request) {
    bool lost = false;
    http::Response response;
    {
        const std::lock_guard held(mutex_);
        last_ = request;
        if (next_) {
            response = *std::exchange(next_, std::nullopt);
        } else {
            response = act(request);
            lost = request.method == "PUT" && std::exchange(lose_, false);
        }
    }
    // Longer than anybody waits for it.
    if (lost) co_await clock_.sleep_for(std::chrono::seconds(30));
    co_return response;
}

http::Response MachineService::act(const http::Request& request) {
    constexpr std::string_view root = "/v1/machines";
    const std::string fleet(request.query_value("fleet").value_or(""));
    const std::string cluster(request.query_value("cluster").value_or(""));
    if (!request.path.starts_with(root) || fleet.empty() || cluster.empty())
        return http::Response::text(400, "what?");
    std::string id = request.path.substr(root.size());
    if (id.empty()) {
        json::array all;
        for (const auto& [key, record] : machines_)
            if (key.first == fleet && record.cluster == cluster)
                all.push_back(describe(fleet, key.second, record.token));
        return http::Response::json(
            200, json::serialize(json::object{{"complete", true}, {"machines", all}}));
    }
    id.erase(0, 1);
    constexpr std::string_view question = "/can-remove";
    if (id.ends_with(question)) return http::Response::text(204, "");
    auto found = machines_.find({fleet, id});
    const bool anothers = found != machines_.end() && found->second.cluster != cluster;
    if (anothers && request.method == "PUT")
        return http::Response::problem(409, "Conflict", "it is another cluster's");
    if (anothers) found = machines_.end();
    if (request.method == "GET") {
        if (found == machines_.end()) return http::Response::text(404, "none\n");
        return http::Response::json(200, json::serialize(describe(fleet, id, found->second.token)));
    }
    const auto fence = fence_of(request.field("Muster-Fence").value_or(""));
    if (fence < fence_) return http::Response::text(412, "an old master\n");
    fence_ = fence;
    if (request.method == "DELETE") {
        if (found == machines_.end()) return http::Response::text(404, "none\n");
        machines_.erase(found);
        return http::Response::text(204, "");
    }
    const json::value order = json::parse(request.body);
    const std::string token(order.at("token").as_string());
    if (found != machines_.end() && found->second.token != token)
        return http::Response::problem(409, "Conflict", "it has another token");
    machines_[{fleet, id}] = {.token = token,
                              .host = std::string(order.at("host").as_string()),
                              .cluster = std::string(order.at("cluster").as_string())};
    return http::Response::json(found == machines_.end() ? 201 : 200,
                                json::serialize(describe(fleet, id, token)));
}

std::unique_ptr<ProviderWorld> make_webhook_world() {
    return std::make_unique<WebhookWorld>();
}

}  // namespace muster::test
