#include "scaler/machine_order.hpp"

#include "common/config/text_rules.hpp"
#include "scaler/machine_template.hpp"

namespace muster::scaler {

ProviderResult<void> check_names(const FleetName& fleet, const InstanceId& id) {
    if (const auto complaint = config::rules::name(fleet.str()); !complaint.empty())
        return refuse(Trouble::invalid, "the fleet's name " + std::string(complaint));
    if (const auto complaint = config::rules::name(id.str()); !complaint.empty())
        return refuse(Trouble::invalid, "the instance's id " + std::string(complaint));
    return {};
}

ProviderResult<void> check_order(const MachineOrder& order) {
    if (auto named = check_names(order.fleet, order.id); !named) return named;
    if (!is_machine_token(order.token)) {
        return refuse(
            Trouble::invalid,
            "the token must be 1 to 128 letters, digits and . _ : - (" + order.id.str() + ")");
    }
    constexpr std::size_t most = 64;
    if (order.parameters.size() > most) return refuse(Trouble::invalid, "more than 64 parameters");
    for (const auto& [name, value] : order.parameters) {
        if (!config::rules::name(name).empty())
            return refuse(Trouble::invalid, "a parameter's name must be A-Z a-z 0-9 . _ -");
        if (!is_parameter_value(value)) {
            return refuse(Trouble::invalid,
                          "parameters." + name +
                              ": must be at most 255 letters, digits and . _ : / @ , + = % -");
        }
    }
    return {};
}

tl::unexpected<ProviderError> refuse(Trouble trouble, std::string detail) {
    constexpr std::size_t most = 1024;
    if (detail.size() > most) detail.resize(most);
    for (char& c : detail)
        if (c < ' ' || c > '~') c = c == '\n' ? ' ' : '?';
    return tl::unexpected(ProviderError{.trouble = trouble, .detail = std::move(detail)});
}

}  // namespace muster::scaler
