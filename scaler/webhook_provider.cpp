#include "scaler/webhook_provider.hpp"

#include "common/base/files.hpp"
#include "common/http/text.hpp"
#include "common/http/url.hpp"
#include "scaler/machine_json.hpp"
#include "scaler/machine_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace muster::scaler {

namespace {

bool changes(std::string_view method) {
    return method != "GET";
}

/// Of a status that isn't what the call hoped for.
Trouble trouble_of(int status, std::string_view method) {
    switch (status) {
        case 412:
            return Trouble::fenced;
        case 429:
        case 507:
            return Trouble::quota;
        case 401:
        case 403:  // somebody has yet to give us the right; nothing is wrong with the order
        case 408:
        case 425:
        case 501:
        case 503:
            return Trouble::transient;
        default:
            break;
    }
    if (status >= 300 && status < 500) return Trouble::invalid;
    // A gateway says so of what it may have passed on.
    return changes(method) ? Trouble::unknown_outcome : Trouble::transient;
}

tl::unexpected<ProviderError> refused(const http::Response& response,
                                      std::string_view method,
                                      std::string_view what) {
    constexpr std::size_t longest_said = 300;
    std::string text = fmt::format("{} {}: status {}", method, what, response.status);
    if (!response.body.empty()) text += ": " + response.body.substr(0, longest_said);
    return refuse(trouble_of(response.status, method), std::move(text));
}

std::string fence_value(const ProviderFence& fence) {
    return fmt::format("{}.{}", fence.era, fence.epoch);
}

}  // namespace

WebhookProvider::WebhookProvider(Clock& clock, WebhookProviderSettings settings)
    : clock_(clock), settings_(std::move(settings)) {
    while (settings_.url.ends_with('/')) settings_.url.pop_back();
    if (settings_.tls != TlsFiles{}) tls_ = std::make_shared<http::TlsClient>(settings_.tls);
}

std::string WebhookProvider::machine_url(const FleetName& fleet,
                                         const InstanceId& id,
                                         std::string_view below) const {
    return fmt::format(
        "{}/{}{}{}", settings_.url, http::percent_encode(id.str()), below, query_of(fleet));
}

std::string WebhookProvider::query_of(const FleetName& fleet) const {
    return fmt::format("?fleet={}&cluster={}",
                       http::percent_encode(fleet.str()),
                       http::percent_encode(settings_.cluster));
}

asio::awaitable<ProviderResult<http::Response>> WebhookProvider::call(http::ClientRequest request) {
    const std::string what = request.method + " " + request.url;
    if (!settings_.token_file.empty()) {
        const auto token = read_secret(settings_.token_file);
        if (!token) co_return refuse(Trouble::transient, token.error().message());
        if (!std::ranges::all_of(*token, http::is_value_char)) {
            co_return refuse(Trouble::transient,
                             settings_.token_file + ": holds what can't stand in a field");
        }
        request.fields.push_back({.name = "Authorization", .value = "Bearer " + *token});
    }
    const bool changing = changes(request.method);
    request.max_body_bytes = most_answer_bytes;
    request.tls = tls_;
    auto response = co_await http::fetch(clock_, std::move(request));
    if (!response) {
        const bool perhaps = changing && !http::surely_not_sent(response.error().code);
        co_return refuse(perhaps ? Trouble::unknown_outcome : Trouble::transient,
                         what + ": " + response.error().message());
    }
    co_return std::move(*response);
}

asio::awaitable<ProviderResult<Machines>> WebhookProvider::list(FleetName fleet) {
    if (auto named = check_names(fleet, InstanceId("x")); !named)
        co_return tl::unexpected(named.error());
    const auto done =
        co_await call({.url = settings_.url + query_of(fleet), .timeout = settings_.timeout});
    if (!done) co_return tl::unexpected(done.error());
    if (done->status != 200) co_return refused(*done, "GET", "of fleet " + fleet.str());
    auto machines = parse_machines(done->body, settings_.cluster, fleet);
    if (!machines) {
        co_return refuse(Trouble::transient,
                         fmt::format("GET of fleet {}: {}", fleet.str(), machines.error()));
    }
    co_return std::move(*machines);
}

asio::awaitable<ProviderResult<Machine>> WebhookProvider::get(FleetName fleet, InstanceId id) {
    if (auto named = check_names(fleet, id); !named) co_return tl::unexpected(named.error());
    const auto done = co_await call({.url = machine_url(fleet, id), .timeout = settings_.timeout});
    if (!done) co_return tl::unexpected(done.error());
    if (done->status == 404) co_return absent(id);
    if (done->status != 200) co_return refused(*done, "GET", id.str());
    auto machine = parse_machine(done->body, settings_.cluster, fleet, id);
    if (!machine) {
        co_return refuse(Trouble::transient, fmt::format("GET {}: {}", id.str(), machine.error()));
    }
    co_return std::move(*machine);
}

asio::awaitable<ProviderResult<Machine>> WebhookProvider::create(MachineOrder order,
                                                                 ProviderFence fence) {
    if (auto right = check_order(order); !right) co_return tl::unexpected(right.error());
    const auto done = co_await call(
        {.method = "PUT",
         .url = machine_url(order.fleet, order.id),
         .fields = {{.name = "Content-Type", .value = "application/json"},
                    {.name = "Idempotency-Key",
                     .value = fmt::format("{}/{}/create", order.token, order.id.str())},
                    {.name = "Muster-Fence", .value = fence_value(fence)}},
         .body = encode(order, settings_.cluster),
         .timeout = settings_.timeout});
    if (!done) co_return tl::unexpected(done.error());
    if (done->status < 200 || done->status > 202) co_return refused(*done, "PUT", order.id.str());
    if (done->body.empty())
        co_return Machine{.id = order.id, .token = order.token, .state = MachineState::starting};
    auto machine = parse_machine(done->body, settings_.cluster, order.fleet, order.id);
    if (!machine) {
        co_return refuse(Trouble::unknown_outcome,
                         fmt::format("PUT {}: {}", order.id.str(), machine.error()));
    }
    if (machine->token != order.token) {
        co_return refuse(Trouble::invalid,
                         order.id.str() + " is there already, with another token");
    }
    co_return std::move(*machine);
}

asio::awaitable<ProviderResult<void>> WebhookProvider::remove(FleetName fleet,
                                                              InstanceId id,
                                                              std::chrono::seconds grace,
                                                              ProviderFence fence) {
    if (auto named = check_names(fleet, id); !named) co_return named;
    const auto done = co_await call(
        {.method = "DELETE",
         .url = machine_url(fleet, id) + fmt::format("&grace_seconds={}", grace.count()),
         .fields = {{.name = "Idempotency-Key",
                     .value =
                         fmt::format("{}/{}/{}/remove", settings_.cluster, fleet.str(), id.str())},
                    {.name = "Muster-Fence", .value = fence_value(fence)}},
         .timeout = settings_.timeout + grace});
    if (!done) co_return tl::unexpected(done.error());
    if (done->status == 200 || done->status == 204 || done->status == 404)
        co_return ProviderResult<void>{};
    if (done->status == 202)
        co_return refuse(Trouble::transient, "DELETE " + id.str() + ": has begun, and goes on");
    co_return refused(*done, "DELETE", id.str());
}

asio::awaitable<ProviderResult<void>> WebhookProvider::can_remove(FleetName fleet, InstanceId id) {
    if (auto named = check_names(fleet, id); !named) co_return named;
    const auto done =
        co_await call({.url = machine_url(fleet, id, "/can-remove"), .timeout = settings_.timeout});
    if (!done) co_return tl::unexpected(done.error());
    // A service that has no such question removes whatever it is told to.
    if (done->status == 200 || done->status == 204 || done->status == 404)
        co_return ProviderResult<void>{};
    co_return refused(*done, "GET", id.str() + "/can-remove");
}

}  // namespace muster::scaler
