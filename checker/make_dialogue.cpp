#include "checker/make_dialogue.hpp"

#include "checker/http_dialogue.hpp"
#include "checker/tcp_dialogue.hpp"

#include <variant>

namespace muster::checker {

namespace {

struct Maker {
    const ProbeRequest& request;
    const DialogueSettings& settings;

    std::unique_ptr<Dialogue> operator()(const config::HttpCheck& check) const {
        return std::make_unique<HttpDialogue>(request, check, settings);
    }
    std::unique_ptr<Dialogue> operator()(const config::TcpCheck& check) const {
        return std::make_unique<TcpDialogue>(check, *settings.patterns);
    }
    template <class Other>
    std::unique_ptr<Dialogue> operator()(const Other& /*check*/) const {
        return nullptr;
    }
};

}  // namespace

std::unique_ptr<Dialogue> make_dialogue(const ProbeRequest& request,
                                        const DialogueSettings& settings) {
    return std::visit(Maker{request, settings}, request.probe.kind);
}

}  // namespace muster::checker
