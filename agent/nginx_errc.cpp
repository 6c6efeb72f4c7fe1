#include "agent/nginx_errc.hpp"

#include <string>

namespace muster::agent {
namespace {

class Category final : public std::error_category {
 public:
    const char* name() const noexcept override { return "nginx"; }

    std::string message(int value) const override {
        switch (static_cast<NginxErrc>(value)) {
            case NginxErrc::hostile_value:
                return "refused for nginx";
            case NginxErrc::no_process:
                return "no nginx runs";
            case NginxErrc::bad_config:
                return "nginx rejects the configuration";
            case NginxErrc::reload_failed:
                return "nginx did not reload";
        }
        return "unknown error";
    }
};

}  // namespace

const std::error_category& nginx_category() {
    static const Category instance;
    return instance;
}

}  // namespace muster::agent
