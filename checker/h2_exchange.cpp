#include "checker/h2_exchange.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace muster::checker {

namespace {

constexpr std::size_t field_limit = 16U * 1024U;
constexpr std::string_view status_name = ":status";

std::string_view view_of(const std::uint8_t* bytes, std::size_t size) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): nghttp2's word for a byte.
    return {reinterpret_cast<const char*>(bytes), size};
}

std::uint8_t* bytes_of(const std::string& text) {
    // nghttp2 takes what it only reads without const.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast,cppcoreguidelines-pro-type-const-cast)
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

std::uint16_t to_status(std::string_view text) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.size() != 3 || !std::ranges::all_of(text, digit)) return 0;
    return static_cast<std::uint16_t>((text[0] - '0') * 100 + (text[1] - '0') * 10 +
                                      (text[2] - '0'));
}

}  // namespace

struct H2Exchange::Inside {
    Inside(std::string the_body, Listener& the_listener)
        : body(std::move(the_body)), listener(the_listener) {}

    std::string body;
    std::size_t body_sent = 0;
    Listener& listener;
    nghttp2_session* session = nullptr;
    std::int32_t stream = 0;
    std::uint16_t status = 0;
    std::string fields;  ///< of the section that is being read
    std::size_t field_bytes = 0;
    bool header_told = false;
    std::optional<Reason> verdict;

    static Inside& of(void* user) { return *static_cast<Inside*>(user); }

    static int on_field(nghttp2_session* /*session*/,
                        const nghttp2_frame* frame,
                        const std::uint8_t* name_bytes,
                        std::size_t name_size,
                        const std::uint8_t* value_bytes,
                        std::size_t value_size,
                        std::uint8_t /*flags*/,
                        void* user) {
        Inside& self = of(user);
        if (frame->hd.stream_id != self.stream || self.verdict) return 0;
        self.field_bytes += name_size + value_size + 4;
        if (self.field_bytes > field_limit) {
            self.verdict = Reason::l7_too_large;
            return 0;
        }
        const std::string_view name = view_of(name_bytes, name_size);
        const std::string_view value = view_of(value_bytes, value_size);
        if (name == status_name) {
            self.status = to_status(value);
        } else {
            self.fields.append(name).append(": ").append(value).append("\r\n");
        }
        return 0;
    }

    static int on_data(nghttp2_session* /*session*/,
                       std::uint8_t /*flags*/,
                       std::int32_t stream_id,
                       const std::uint8_t* bytes,
                       std::size_t size,
                       void* user) {
        Inside& self = of(user);
        if (stream_id == self.stream && !self.verdict)
            self.verdict = self.listener.on_body(view_of(bytes, size));
        return 0;
    }

    static int on_frame(nghttp2_session* /*session*/, const nghttp2_frame* frame, void* user) {
        Inside& self = of(user);
        if (frame->hd.stream_id != self.stream || self.verdict) return 0;
        const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        if (frame->hd.type == NGHTTP2_HEADERS && !self.header_told) {
            // An interim reply: the final one follows.
            if (self.status < 200 && !ends) {
                self.fields.clear();
                return 0;
            }
            self.header_told = true;
            const std::string header = std::exchange(self.fields, {});
            self.verdict = self.listener.on_header(self.status, header);
            // A reply of nothing but a header section has its trailers there.
            if (!self.verdict && ends) self.verdict = self.listener.on_end(header);
            return 0;
        }
        if (ends) self.verdict = self.listener.on_end(self.fields);
        return 0;
    }

    static int on_close(nghttp2_session* /*session*/,
                        std::int32_t stream_id,
                        std::uint32_t error,
                        void* user) {
        Inside& self = of(user);
        if (stream_id == self.stream && !self.verdict)
            self.verdict = error == NGHTTP2_PROTOCOL_ERROR ? Reason::l7_invalid : Reason::l7_closed;
        return 0;
    }

    static ssize_t read_body(nghttp2_session* /*session*/,
                             std::int32_t /*stream_id*/,
                             std::uint8_t* to,
                             std::size_t room,
                             std::uint32_t* flags,
                             nghttp2_data_source* /*source*/,
                             void* user) {
        Inside& self = of(user);
        const std::size_t size = std::min(room, self.body.size() - self.body_sent);
        std::memcpy(to, self.body.data() + self.body_sent, size);
        self.body_sent += size;
        if (self.body_sent == self.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(size);
    }

    void put_out(std::string& out) const {
        const std::uint8_t* data = nullptr;
        for (ssize_t size = 0; (size = nghttp2_session_mem_send(session, &data)) > 0;)
            out += view_of(data, static_cast<std::size_t>(size));
    }
};

H2Exchange::H2Exchange(const Fields& request, std::string body, Listener& listener)
    : inside_(std::make_unique<Inside>(std::move(body), listener)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, Inside::on_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Inside::on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Inside::on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Inside::on_close);
    nghttp2_session_client_new(&inside_->session, callbacks, inside_.get());
    nghttp2_session_callbacks_del(callbacks);

    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, field_limit}};
    nghttp2_submit_settings(
        inside_->session, NGHTTP2_FLAG_NONE, std::data(settings), std::size(settings));
    std::vector<nghttp2_nv> fields;
    fields.reserve(request.size());
    for (const auto& [name, value] : request) {
        fields.push_back({.name = bytes_of(name),
                          .value = bytes_of(value),
                          .namelen = name.size(),
                          .valuelen = value.size(),
                          .flags = NGHTTP2_NV_FLAG_NONE});
    }
    nghttp2_data_provider provider{.source = {}, .read_callback = Inside::read_body};
    inside_->stream = nghttp2_submit_request(inside_->session,
                                             nullptr,
                                             fields.data(),
                                             fields.size(),
                                             inside_->body.empty() ? nullptr : &provider,
                                             nullptr);
}

H2Exchange::~H2Exchange() {
    nghttp2_session_del(inside_->session);
}

void H2Exchange::begin(std::string& out) {
    inside_->put_out(out);
}

std::optional<Reason> H2Exchange::receive(std::string_view bytes, std::string& out) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): nghttp2's word for a byte.
    const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const ssize_t used = nghttp2_session_mem_recv(inside_->session, data, bytes.size());
    inside_->put_out(out);
    if (inside_->verdict) return inside_->verdict;
    // It has said good-bye, because of what the peer sent or because the peer did.
    const bool over = nghttp2_session_want_read(inside_->session) == 0;
    if (used < 0 || over) return Reason::l7_invalid;
    return std::nullopt;
}

std::uint16_t H2Exchange::status() const {
    return inside_->header_told ? inside_->status : std::uint16_t{0};
}

}  // namespace muster::checker
