#include "checker/http_dialogue.hpp"

#include "checker/redirect.hpp"

#include <utility>

namespace muster::checker {

Dialogue::Turn HttpDialogue::begin(std::string& out) {
    const config::HttpCheck& check = next_ ? *next_ : check_;
    reply_.emplace(check_, *settings_.patterns, request_.intent ? &*request_.intent : nullptr);
    if (request_.probe->reuse) reply_->wait_for_end();
    if (followed_ < check_.redirects) {
        reply_->on_redirect([this](std::uint16_t status, std::string_view location) {
            return follow(status, location);
        });
    }
    write_http_request(request_, check, settings_.user_agent, out);
    return wait();
}

Dialogue::Turn HttpDialogue::receive(std::string_view bytes, std::string& /*out*/) {
    const auto reason = reply_->add(bytes);
    if (reply_->redirected()) return {.reconnect = true};
    return reason ? Turn{.finding = finding(*reason)} : wait();
}

bool HttpDialogue::follow(std::uint16_t status, std::string_view location) {
    const config::HttpCheck& now = next_ ? *next_ : check_;
    auto path = redirect_path(location,
                              request_.probe->tls ? "https" : "http",
                              authority_of(request_, check_.host),
                              now.path);
    if (!path) return false;
    config::HttpCheck next = now;
    next.path = std::move(*path);
    // As browsers do (RFC 9110, 15.4): 303 always, and 301 and 302 after a POST, lead to a GET.
    const bool to_get = status == 303 || (status < 303 && now.method == "POST");
    if (to_get && now.method != "HEAD") {
        next.method = "GET";
        next.body.clear();
    }
    next_ = std::move(next);
    ++followed_;
    return true;
}

}  // namespace muster::checker
