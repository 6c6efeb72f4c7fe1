#include "ctl/commands.hpp"
#include "ctl/json_read.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <ostream>
#include <utility>

namespace muster::ctl {

namespace {

std::string_view name_of(Scope scope) {
    switch (scope) {
        case Scope::all:
            return "all";
        case Scope::scaling:
            return "scaling";
        case Scope::dns:
            return "dns";
        case Scope::status:
            return "status";
        case Scope::this_node:
            return "this node";
    }
    return "all";
}

ApiCall call_for(Scope scope, Paused paused, const std::string& reason) {
    ApiCall call{.method = "POST"};
    boost::json::object body;
    if (scope == Scope::this_node) {
        call.target =
            paused == Paused::yes ? "/api/v1/nodes/self/pause" : "/api/v1/nodes/self/resume";
        if (paused == Paused::no) return call;
        body["reason"] = reason;
    } else {
        call.target = "/api/v1/pause";
        body[name_of(scope)] = paused == Paused::yes;
    }
    call.body = boost::json::serialize(body);
    call.fields.push_back({.name = "content-type", .value = "application/json"});
    return call;
}

}  // namespace

asio::awaitable<Exit> set_pause(Context& context, Scope scope, Paused paused, std::string reason) {
    const Answer answer = co_await ask(context, call_for(scope, paused, reason));
    if (!answer.ok()) co_return answer.exit;
    if (print_as_data(context, answer.body)) co_return Exit::ok;
    context.out << (paused == Paused::yes ? "paused: " : "resumed: ");
    if (scope == Scope::this_node) {
        context.out << "node " << printable(text_at(answer.body, "node")) << '\n';
    } else {
        context.out << name_of(scope) << '\n';
    }
    co_return Exit::ok;
}

}  // namespace muster::ctl
