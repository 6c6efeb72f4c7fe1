#include "agent/haproxy_errc.hpp"

#include <string>

namespace muster::agent {
namespace {

class Category final : public std::error_category {
 public:
    const char* name() const noexcept override { return "haproxy"; }

    std::string message(int value) const override {
        switch (static_cast<HaproxyErrc>(value)) {
            case HaproxyErrc::hostile_value:
                return "refused for HAProxy";
            case HaproxyErrc::bad_answer:
                return "HAProxy's answer makes no sense";
            case HaproxyErrc::command_failed:
                return "HAProxy refused a command";
            case HaproxyErrc::no_process:
                return "no HAProxy answers";
            case HaproxyErrc::bad_config:
                return "HAProxy rejects the configuration";
            case HaproxyErrc::reload_failed:
                return "HAProxy did not reload";
            case HaproxyErrc::not_applied:
                return "HAProxy does not do what it was told";
        }
        return "unknown error";
    }
};

}  // namespace

const std::error_category& haproxy_category() {
    static const Category instance;
    return instance;
}

}  // namespace muster::agent
