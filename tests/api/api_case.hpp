#pragma once

#include "common/http/message.hpp"
#include "orchestrator/api.hpp"
#include "tests/api/example_cluster.hpp"
#include "tests/api/recorded_commands.hpp"
#include "tests/support/virtual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/value.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace muster::test {

/// A request as the server would hand it over: from loopback, `Host: 127.0.0.1:9700`.
[[nodiscard]] http::Request request(std::string_view method,
                                    std::string_view target,
                                    std::vector<http::Field> fields = {},
                                    std::string body = {});

/// An Api on the example cluster with virtual time.
class ApiCase {
 public:
    explicit ApiCase(orchestrator::ApiSettings settings = {});

    void publish(orchestrator::Snapshot snapshot);

    /// Runs until the reply is there. Throws if it takes more than an hour of virtual time.
    [[nodiscard]] http::Reply call(http::Request request);
    /// The same, for what is not a stream.
    [[nodiscard]] http::Response answer(http::Request request);
    [[nodiscard]] boost::json::value json(http::Request request);
    /// The next piece of a stream; empty text when it has ended.
    [[nodiscard]] std::string next(http::EventStream& stream);

    asio::io_context context;
    VirtualClock clock{context};
    RecordedCommands commands{clock};
    orchestrator::SnapshotSlot slot;
    orchestrator::Api api;

 private:
    std::int64_t number_ = 100;
};

/// The member at "/a/b/0" (RFC 6901) as JSON text; "(absent)" if there is none.
[[nodiscard]] std::string at(const boost::json::value& body, std::string_view pointer);

}  // namespace muster::test
