#include "orchestrator/commands.hpp"

namespace muster::orchestrator {
namespace {

class CommandCategory final : public std::error_category {
 public:
    [[nodiscard]] const char* name() const noexcept override { return "muster.command"; }
    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<CommandErrc>(code)) {
            case CommandErrc::conflict:
                return "not the expected generation";
            case CommandErrc::not_found:
                return "not found";
            case CommandErrc::refused:
                return "refused as things stand";
            case CommandErrc::unreachable:
                return "unreachable; nothing was done";
            case CommandErrc::unknown_outcome:
                return "the outcome is unknown; read before repeating";
        }
        return "unknown error";
    }
};

}  // namespace

const std::error_category& command_category() {
    static const CommandCategory category;
    return category;
}

}  // namespace muster::orchestrator
