#pragma once

#include "common/http/body.hpp"
#include "common/http/head.hpp"
#include "common/http/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::http {

/// Bytes to requests, without I/O. One for each connection; bytes behind a complete request wait
/// for the next one.
class RequestReader {
 public:
    enum class State : std::uint8_t {
        idle,      ///< nothing of a request yet
        head,      ///< a part of the head
        body,      ///< the head is complete, the body is not
        complete,  ///< take() it
        refused,   ///< see refusal(); nothing more can be read from this connection
    };

    explicit RequestReader(HeadLimits limits) : limits_(limits) {}

    [[nodiscard]] State state() const { return state_; }
    State feed(std::string_view bytes);

    [[nodiscard]] Refusal refusal() const { return refusal_; }
    /// In state body: the client waits for "100 Continue" before it sends it.
    [[nodiscard]] bool expects_continue() const { return expects_continue_; }
    /// Of the request that is complete.
    [[nodiscard]] bool keep_alive() const { return keep_alive_; }
    [[nodiscard]] bool is_head() const { return is_head_; }
    /// What is held for an incomplete request.
    [[nodiscard]] std::size_t buffered() const {
        return bytes_.capacity() + request_.body.capacity();
    }

    /// In state complete: the request (without peer), and on to the next one.
    [[nodiscard]] Request take();

 private:
    State refuse(Refusal refusal);
    State advance();
    void read_head();
    void accept(RequestHead head);
    void read_body();

    HeadLimits limits_;
    std::string bytes_;  ///< not yet parsed
    HeadFinder finder_;
    BodyDecoder body_ = BodyDecoder::none();
    Request request_;
    Refusal refusal_;
    State state_ = State::idle;
    bool skipped_line_ = false;
    bool expects_continue_ = false;
    bool keep_alive_ = false;
    bool is_head_ = false;
};

}  // namespace muster::http
