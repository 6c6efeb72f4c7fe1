#include "tests/http/malformed_requests.hpp"

#include <utility>

namespace muster::test {

namespace {

std::string with_line(const std::string& line) {
    return line + "\r\nHost: a\r\n\r\n";
}

std::string with_fields(const std::string& fields) {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

std::string with_host(const std::string& fields) {
    return "GET / HTTP/1.1\r\n" + fields + "\r\n";
}

std::string chunked(const std::string& body) {
    return with_fields("Transfer-Encoding: chunked\r\n") + body;
}

std::string many_fields(int count) {
    std::string fields;
    for (int i = 0; i < count; ++i) fields += "x-" + std::to_string(i) + ": 1\r\n";
    return fields;
}

std::string many_chunks(int count) {
    std::string body;
    for (int i = 0; i < count; ++i) body += "00000000000001\r\nx\r\n";
    return body;
}

using Cases = std::vector<MalformedRequest>;

Cases request_lines() {
    return {
        {"no version", with_line("GET /")},
        {"HTTP/0.9", "GET /\r\n\r\n"},
        {"two spaces before the target", with_line("GET  / HTTP/1.1")},
        {"two spaces before the version", with_line("GET /  HTTP/1.1")},
        {"tab instead of a space", with_line("GET\t/ HTTP/1.1")},
        {"space at the end", with_line("GET / HTTP/1.1 ")},
        {"space at the start", with_line(" GET / HTTP/1.1")},
        {"empty method", with_line("/ HTTP/1.1")},
        {"method with a slash", with_line("G/T / HTTP/1.1")},
        {"method with a control character", with_line("G\x01T / HTTP/1.1")},
        {"lower-case method", with_line("get / HTTP/1.1"), 501},
        {"unknown method", with_line("BREW / HTTP/1.1"), 501},
        {"TRACE", with_line("TRACE / HTTP/1.1"), 501},
        {"CONNECT with authority form", with_line("CONNECT a:80 HTTP/1.1"), 501},
        {"lower-case version", with_line("GET / http/1.1")},
        {"version without a dot", with_line("GET / HTTP/11")},
        {"version with three parts", with_line("GET / HTTP/1.1.1")},
        {"version with two digits", with_line("GET / HTTP/1.10")},
        {"version with a letter", with_line("GET / HTTP/1.x")},
        {"another protocol", with_line("GET / RTSP/1.0")},
        {"HTTP/2.0", with_line("GET / HTTP/2.0"), 505},
        {"HTTP/1.2", with_line("GET / HTTP/1.2"), 505},
        {"HTTP/0.9 as a version", with_line("GET / HTTP/0.9"), 505},
        {"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"TLS client hello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)},
        {"two empty lines in front", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"line feed in front", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"only a colon", ":\r\n\r\n"},
    };
}

Cases targets() {
    return {
        {"space in the target", with_line("GET /a b HTTP/1.1")},
        {"target without a slash", with_line("GET a HTTP/1.1")},
        {"absolute form", with_line("GET http://a/ HTTP/1.1")},
        {"absolute form of another host", with_line("GET http://evil/ HTTP/1.1")},
        {"authority form", with_line("GET a:80 HTTP/1.1")},
        {"asterisk with GET", with_line("GET * HTTP/1.1")},
        {"fragment", with_line("GET /a#b HTTP/1.1")},
        {"bad escape", with_line("GET /%zz HTTP/1.1")},
        {"cut escape", with_line("GET /%4 HTTP/1.1")},
        {"escaped NUL", with_line("GET /a%00b HTTP/1.1")},
        {"escaped line end", with_line("GET /a%0d%0ab HTTP/1.1")},
        {"escaped slash", with_line("GET /a%2Fb HTTP/1.1")},
        {"dot segments", with_line("GET /a/../b HTTP/1.1")},
        {"escaped dot segments", with_line("GET /a/%2e%2E/b HTTP/1.1")},
        {"single dot segment in the middle", with_line("GET /a/./b HTTP/1.1")},
        {"single dot segment at the start", with_line("GET /./b HTTP/1.1")},
        {"only a dot", with_line("GET /. HTTP/1.1")},
        {"backslash", with_line("GET /a\\b HTTP/1.1")},
        {"quote", with_line("GET /\"a HTTP/1.1")},
        {"angle brackets", with_line("GET /<script> HTTP/1.1")},
        {"byte over 0x7f", with_line("GET /\xc3\xa4 HTTP/1.1")},
        {"DEL", with_line("GET /\x7f HTTP/1.1")},
        {"NUL", with_line(std::string("GET /\0 HTTP/1.1", 15))},
        {"escaped control character in a query name", with_line("GET /?a%0a=1 HTTP/1.1")},
        {"too long a target", with_line("GET /" + std::string(5000, 'a') + " HTTP/1.1"), 414},
        {"a target without end", "GET /" + std::string(20000, 'a'), 414},
    };
}

Cases line_ends() {
    return {
        {"line feed after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"},
        {"line feeds everywhere", "GET / HTTP/1.1\nHost: a\n\n"},
        {"line feed after a field", with_host("Host: a\nx: 1\r\n")},
        {"carriage return in a value", with_host("Host: a\r\nx: 1\r2\r\n")},
        {"carriage return twice", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"},
        {"carriage return before the end", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"},
        {"NUL in a value", with_host(std::string("Host: a\r\nx: 1\0002\r\n", 17))},
        {"escape character in a value", with_host("Host: a\r\nx: \x1b[2J\r\n")},
        {"vertical tab in a value", with_host("Host: a\r\nx: 1\x0b\r\n")},
        {"DEL in a value", with_host("Host: a\r\nx: \x7f\r\n")},
    };
}

Cases fields() {
    return {
        {"folded line with a space", with_host("Host: a\r\nx: 1\r\n 2\r\n")},
        {"folded line with a tab", with_host("Host: a\r\nx: 1\r\n\t2\r\n")},
        {"folded first field", with_host(" x: 1\r\nHost: a\r\n")},
        {"space before the colon", with_host("Host : a\r\n")},
        {"tab before the colon", with_host("Host: a\r\nx\t: 1\r\n")},
        {"field without a colon", with_host("Host: a\r\nx\r\n")},
        {"empty field name", with_host("Host: a\r\n: 1\r\n")},
        {"parenthesis in a field name", with_host("Host: a\r\nx(y): 1\r\n")},
        {"space in a field name", with_host("Host: a\r\nx y: 1\r\n")},
        {"byte over 0x7f in a field name", with_host("Host: a\r\nx\xc3\xa4: 1\r\n")},
        {"too many fields", with_host("Host: a\r\n" + many_fields(64)), 431},
        {"too long a field", with_host("Host: a\r\nx: " + std::string(17000, 'v') + "\r\n"), 431},
        {"a field without end", "GET / HTTP/1.1\r\nx: " + std::string(20000, 'v'), 431},
        {"no host", with_host("x: 1\r\n")},
        {"empty host", with_host("Host:\r\n")},
        {"two hosts", with_host("Host: a\r\nHost: b\r\n")},
        {"two equal hosts", with_host("Host: a\r\nhost: a\r\n")},
        {"a list of hosts", with_host("Host: a, b\r\n")},
        {"host with a path", with_host("Host: a/b\r\n")},
        {"host with a user", with_host("Host: u@a\r\n")},
        {"two authorizations", with_host("Host: a\r\nAuthorization: x\r\nAuthorization: y\r\n")},
        {"two content types", with_fields("Content-Type: a/b\r\nContent-Type: a/c\r\n")},
        {"unknown expectation", with_fields("Expect: 200-ok\r\nContent-Length: 1\r\n"), 417},
        {"malformed connection", with_host("Host: a\r\nConnection: ,;(\r\n")},
    };
}

Cases framing() {
    return {
        {"content-length with a sign", with_fields("Content-Length: +1\r\n")},
        {"negative content-length", with_fields("Content-Length: -1\r\n")},
        {"empty content-length", with_fields("Content-Length:\r\n")},
        {"content-length in hex", with_fields("Content-Length: 0x1\r\n")},
        {"content-length with a space", with_fields("Content-Length: 1 2\r\n")},
        {"content-length as a list", with_fields("Content-Length: 1, 1\r\n")},
        {"content-length with a fraction", with_fields("Content-Length: 1.0\r\n")},
        {"content-length with an underscore", with_fields("Content-Length: 1_0\r\n")},
        {"two content-lengths", with_fields("Content-Length: 1\r\nContent-Length: 2\r\n")},
        {"two equal content-lengths", with_fields("Content-Length: 1\r\nContent-Length: 1\r\n")},
        {"content-length over the limit", with_fields("Content-Length: 999999999\r\n"), 413},
        {"content-length over 64 bits",
         with_fields("Content-Length: 99999999999999999999999\r\n"),
         413},
        {"content-length, then chunked",
         with_fields("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")},
        {"chunked, then content-length",
         with_fields("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")},
        {"two transfer-encodings",
         with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
        {"gzip, chunked", with_fields("Transfer-Encoding: gzip, chunked\r\n"), 501},
        {"chunked, chunked", with_fields("Transfer-Encoding: chunked, chunked\r\n"), 501},
        {"chunked in quotes", with_fields("Transfer-Encoding: \"chunked\"\r\n"), 501},
        {"identity", with_fields("Transfer-Encoding: identity\r\n"), 501},
        {"empty transfer-encoding", with_fields("Transfer-Encoding:\r\n"), 501},
        {"vertical tab before chunked",
         with_fields("Transfer-Encoding: \x0b"
                     "chunked\r\n")},
        {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
    };
}

Cases chunks() {
    return {
        {"chunk size with a sign", chunked("+5\r\nhello\r\n0\r\n\r\n")},
        {"negative chunk size", chunked("-5\r\nhello\r\n0\r\n\r\n")},
        {"chunk size with 0x", chunked("0x5\r\nhello\r\n0\r\n\r\n")},
        {"empty chunk size", chunked("\r\nhello\r\n0\r\n\r\n")},
        {"space before the chunk size", chunked(" 5\r\nhello\r\n0\r\n\r\n")},
        {"space after the chunk size", chunked("5 \r\nhello\r\n0\r\n\r\n")},
        {"chunk size that is no number", chunked("xyz\r\nhello\r\n0\r\n\r\n")},
        {"chunk size over 64 bits", chunked("fffffffffffffffff\r\nhello\r\n0\r\n\r\n")},
        {"chunk size over the limit", chunked("7fffffff\r\nhello\r\n0\r\n\r\n"), 413},
        {"chunk size ended by a line feed", chunked("5\nhello\r\n0\r\n\r\n")},
        {"chunk longer than its size", chunked("5\r\nhello!\r\n0\r\n\r\n")},
        {"chunk ended by a line feed", chunked("5\r\nhello\n0\r\n\r\n")},
        {"chunk extension", chunked("5;a=b\r\nhello\r\n0\r\n\r\n")},
        {"chunk extension at the end", chunked("5\r\nhello\r\n0;a\r\n\r\n")},
        {"endless chunk extension", chunked("5;" + std::string(9000, 'a'))},
        {"trailer", chunked("5\r\nhello\r\n0\r\nx: 1\r\n\r\n")},
        {"endless trailer", chunked("0\r\n" + many_fields(2000))},
        {"far more framing than data", chunked(many_chunks(20000))},
    };
}

}  // namespace

Cases malformed_requests() {
    Cases all;
    for (Cases part : {request_lines(), targets(), line_ends(), fields(), framing(), chunks()}) {
        for (MalformedRequest& one : part) all.push_back(std::move(one));
    }
    return all;
}

}  // namespace muster::test
