#include "tests/api/api_case.hpp"

#include "common/http/url.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

namespace muster::test {
namespace {

template <class T>
T run(asio::io_context& context, VirtualClock& clock, asio::awaitable<T> task) {
    std::optional<T> result;
    std::exception_ptr failure;
    asio::co_spawn(context, std::move(task), [&](std::exception_ptr error, T value) {
        failure = error;
        result.emplace(std::move(value));
    });
    clock.run_for(std::chrono::hours(1), [&] { return result.has_value(); });
    if (failure) std::rethrow_exception(failure);
    if (!result) throw std::logic_error("no answer within an hour of virtual time");
    return std::move(*result);
}

}  // namespace

http::Request request(std::string_view method,
                      std::string_view target,
                      std::vector<http::Field> fields,
                      std::string body) {
    auto parsed = http::parse_target(target);
    if (!parsed) throw std::logic_error("the server would not pass on this target");
    http::Request request{.method = std::string(method),
                          .target = std::string(target),
                          .path = std::move(parsed->path),
                          .query = std::move(parsed->query),
                          .fields = std::move(fields),
                          .body = std::move(body),
                          .peer = "127.0.0.1",
                          .loopback_peer = true};
    if (!request.field("Host"))
        request.fields.push_back({.name = "Host", .value = "127.0.0.1:9700"});
    return request;
}

ApiCase::ApiCase(orchestrator::ApiSettings settings)
    : api(slot, commands, clock, std::move(settings)) {
    publish(example_snapshot(clock.now(), clock.wall()));
}

void ApiCase::publish(orchestrator::Snapshot snapshot) {
    snapshot.number = ++number_;
    slot.publish(std::make_shared<const orchestrator::Snapshot>(std::move(snapshot)));
}

http::Reply ApiCase::call(http::Request request) {
    return run(context, clock, api.handle(std::move(request)));
}

http::Response ApiCase::answer(http::Request request) {
    http::Reply reply = call(std::move(request));
    auto* response = std::get_if<http::Response>(&reply);
    if (response == nullptr) throw std::logic_error("a stream, not a response");
    return std::move(*response);
}

boost::json::value ApiCase::json(http::Request request) {
    return boost::json::parse(answer(std::move(request)).body);
}

std::string ApiCase::next(http::EventStream& stream) {
    return run(context, clock, stream.next()).value_or("");
}

std::string at(const boost::json::value& body, std::string_view pointer) {
    boost::system::error_code error;
    const boost::json::value* found = body.find_pointer(pointer, error);
    return found == nullptr ? "(absent)" : boost::json::serialize(*found);
}

}  // namespace muster::test
