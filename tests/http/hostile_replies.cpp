#include "tests/http/hostile_replies.hpp"

namespace muster::test {

namespace {

using http::Errc;

constexpr bool closes = true;

std::string with_fields(const std::string& fields) {
    return "HTTP/1.1 200 OK\r\n" + fields + "\r\n";
}

std::string chunked(const std::string& body) {
    return with_fields("Transfer-Encoding: chunked\r\n") + body;
}

std::string repeated(const std::string& text, int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += text;
    return all;
}

}  // namespace

std::vector<HostileReply> hostile_replies() {
    return {
        {"nothing at all", "", Errc::closed, closes},
        {"garbage", "\x01\x02\x03garbage\r\n\r\n"},
        {"another protocol", "SSH-2.0-OpenSSH_9.2\r\n"},
        {"TLS alert", std::string("\x15\x03\x01\x00\x02\x02\x0a", 7)},
        {"HTTP/2 settings", std::string("\0\0\x12\x04\0\0\0\0\0", 9)},
        {"HTML without a head", "<html><body>hello</body></html>", Errc::bad_reply, closes},
        {"empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n"},
        {"lower-case version", "http/1.1 200 OK\r\n\r\n"},
        {"HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n"},
        {"HTTP/1.9", "HTTP/1.9 200 OK\r\n\r\n"},
        {"no status", "HTTP/1.1\r\n\r\n"},
        {"status of two digits", "HTTP/1.1 20 OK\r\n\r\n"},
        {"status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"},
        {"status 000", "HTTP/1.1 000 OK\r\n\r\n"},
        {"status 999", "HTTP/1.1 999 OK\r\n\r\n"},
        {"negative status", "HTTP/1.1 -20 OK\r\n\r\n"},
        {"status in letters", "HTTP/1.1 abc OK\r\n\r\n"},
        {"cut status line", "HTTP/1.1 200", Errc::closed, closes},
        {"cut head", "HTTP/1.1 200 OK\r\nContent-Le", Errc::closed, closes},
        {"line feeds only", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
        {"carriage return in a field", with_fields("x: 1\r2\r\n")},
        {"NUL in a field", with_fields(std::string("x: \0\r\n", 6))},
        {"escape sequence in a field", with_fields("x: \x1b]0;title\x07\r\n")},
        {"folded field", with_fields("x: 1\r\n 2\r\n")},
        {"field without a colon", with_fields("x\r\n")},
        {"space before the colon", with_fields("x : 1\r\n")},
        {"too many fields", with_fields(repeated("x: 1\r\n", 300))},
        {"endless head", "HTTP/1.1 200 OK\r\n" + repeated("x: 1\r\n", 20000)},
        {"endless field", "HTTP/1.1 200 OK\r\nx: " + std::string(100'000, 'v')},
        {"endless reason", "HTTP/1.1 200 " + std::string(100'000, 'v')},
        {"two content-lengths", with_fields("Content-Length: 1\r\nContent-Length: 2\r\n")},
        {"negative content-length", with_fields("Content-Length: -1\r\n")},
        {"content-length over 64 bits", with_fields("Content-Length: 99999999999999999999999\r\n")},
        {"content-length over the limit", with_fields("Content-Length: 2000000\r\n")},
        {"content-length and chunked",
         with_fields("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")},
        {"unknown transfer-encoding", with_fields("Transfer-Encoding: gzip\r\n")},
        {"chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"short body", with_fields("Content-Length: 10\r\n") + "short", Errc::closed, closes},
        {"body without end over the limit", with_fields("") + std::string(1'100'000, 'x')},
        {"chunk size without digits", chunked("\r\nhello\r\n")},
        {"chunk size that is no number", chunked("zz\r\nhello\r\n")},
        {"chunk size over 64 bits", chunked("ffffffffffffffffffff\r\n")},
        {"chunk over the limit", chunked("fffffff\r\n")},
        {"chunks over the limit together",
         chunked(repeated("ffff\r\n" + std::string(0xffff, 'x') + "\r\n", 17))},
        {"chunk longer than its size", chunked("2\r\nhello\r\n")},
        {"chunk ended by a line feed", chunked("5\nhello\r\n")},
        {"endless chunk extension", chunked("5;" + std::string(100'000, 'x'))},
        {"endless trailer", chunked("0\r\n" + repeated("x: 1\r\n", 20000))},
        {"control character in a trailer", chunked("0\r\nx: \x01\r\n\r\n")},
        {"far more framing than data", chunked(repeated("00000000001\r\nx\r\n", 20000))},
        {"cut chunk", chunked("5\r\nhel"), Errc::closed, closes},
        {"cut before the last chunk", chunked("5\r\nhello\r\n"), Errc::closed, closes},
        {"cut inside the last chunk", chunked("5\r\nhello\r\n0\r\n"), Errc::closed, closes},
        {"endless interim replies", repeated("HTTP/1.1 100 Continue\r\n\r\n", 1000)},
        {"switching protocols", "HTTP/1.1 101 Switching Protocols\r\n\r\n"},
        {"only an interim reply", "HTTP/1.1 100 Continue\r\n\r\n", Errc::closed, closes},
        {"silence", "", Errc::timed_out},
        {"silence in the head", "HTTP/1.1 200 OK\r\nx: 1\r\n", Errc::timed_out},
        {"silence in the body", with_fields("Content-Length: 10\r\n") + "x", Errc::timed_out},
        {"silence in a chunk", chunked("5\r\nhe"), Errc::timed_out},
    };
}

}  // namespace muster::test
