#pragma once

#include "common/base/clock.hpp"
#include "common/base/tls_files.hpp"
#include "common/http/client.hpp"
#include "scaler/provider.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace muster::scaler {

struct WebhookProviderSettings {
    std::string cluster;     ///< whose machines these are; of every call
    std::string url;         ///< of the collection of machines: http or https, without a query
    std::string token_file;  ///< of a bearer token, read for each call; empty: none
    TlsFiles tls;
    std::chrono::seconds timeout{30};  ///< of one call; `grace` is added to that of a removal
    bool fences = false;               ///< the service refuses lower tokens
    bool places = false;               ///< it heeds the host in an order
};

/// A service of the user, over HTTP: GET, PUT and DELETE of `url/ID?fleet=FLEET&cluster=CLUSTER`
/// and GET of `url?fleet=FLEET&cluster=CLUSTER`. Fields, answers and statuses: docs/providers.md.
/// Redirects are not followed.
class WebhookProvider final : public Provider {
 public:
    WebhookProvider(Clock& clock, WebhookProviderSettings settings);

    [[nodiscard]] ProviderAbilities abilities() const override {
        return {.places = settings_.places, .fences = settings_.fences};
    }
    [[nodiscard]] asio::awaitable<ProviderResult<Machines>> list(FleetName fleet) override;
    [[nodiscard]] asio::awaitable<ProviderResult<Machine>> get(FleetName fleet,
                                                               InstanceId id) override;
    [[nodiscard]] asio::awaitable<ProviderResult<Machine>> create(MachineOrder order,
                                                                  ProviderFence fence) override;
    [[nodiscard]] asio::awaitable<ProviderResult<void>> remove(FleetName fleet,
                                                               InstanceId id,
                                                               std::chrono::seconds grace,
                                                               ProviderFence fence) override;
    [[nodiscard]] asio::awaitable<ProviderResult<void>> can_remove(FleetName fleet,
                                                                   InstanceId id) override;

 private:
    [[nodiscard]] std::string machine_url(const FleetName& fleet,
                                          const InstanceId& id,
                                          std::string_view below = {}) const;
    [[nodiscard]] std::string query_of(const FleetName& fleet) const;
    /// Any status; the error is for when there is none.
    [[nodiscard]] asio::awaitable<ProviderResult<http::Response>> call(http::ClientRequest request);

    Clock& clock_;
    WebhookProviderSettings settings_;
    std::shared_ptr<http::TlsClient> tls_;
};

}  // namespace muster::scaler
