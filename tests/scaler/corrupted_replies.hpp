#pragma once

#include "tests/scaler/prometheus_world.hpp"

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

// Replies as they must not be, and the reason that each must be given. See prometheus_world.hpp.
namespace muster::scaler::prometheus::test {

using Edit = std::function<void(HttpReply&)>;

struct Corruption {
    std::string name;
    Edit edit;
    Flaw flaw = Flaw::none;
};

/// The first occurrence; a row that changes nothing is a mistake of the table.
inline void swap_text(std::string& body, std::string_view from, std::string_view to) {
    const std::size_t at = body.find(from);
    if (at == std::string::npos) throw std::logic_error("no such text: " + std::string(from));
    body.replace(at, from.size(), to);
}
inline Edit swapped(std::string from, std::string to) {
    return [=](HttpReply& reply) { swap_text(reply.body, from, to); };
}
inline Edit all_swapped(std::string from, std::string to) {
    return [=](HttpReply& reply) {
        swap_text(reply.body, from, to);
        for (std::size_t at = reply.body.find(from); at != std::string::npos;
             at = reply.body.find(from, at + to.size()))
            reply.body.replace(at, from.size(), to);
    };
}
inline Edit body(std::string text) {
    return [=](HttpReply& reply) { reply.body = text; };
}
inline Edit status(int code, std::string text = "upstream trouble") {
    return [=](HttpReply& reply) {
        reply = {.status = code, .content_type = "text/plain", .body = text};
    };
}
inline Edit refusal(int code, std::string kind, std::string words) {
    return [=](HttpReply& reply) {
        reply.status = code;
        reply.body = R"({"status":"error","errorType":")" + kind + R"(","error":")" + words + "\"}";
    };
}
inline Edit typed(std::string type) {
    return [=](HttpReply& reply) { reply.content_type = type; };
}
/// The first `part` of ten.
inline Edit cut(std::size_t part) {
    return [=](HttpReply& reply) { reply.body.resize(reply.body.size() * part / 10); };
}
inline std::string data(std::string_view type, std::string_view result) {
    return R"({"status":"success","data":{"resultType":")" + std::string(type) + R"(","result":)" +
           std::string(result) + "}}";
}

/// Of any reply.
inline std::vector<Corruption> envelope_corruptions() {
    const std::string html = "<html><body><h1>502 Bad Gateway</h1></body></html>";
    return {
        {"400 of Prometheus", refusal(400, "bad_data", "parse error"), Flaw::refused_query},
        {"422 of Prometheus", refusal(422, "execution", "many-to-many"), Flaw::refused_query},
        {"400 of a proxy", status(400), Flaw::bad_status},
        {"422 of a proxy", status(422, html), Flaw::bad_status},
        {"401", status(401, "Unauthorized\n"), Flaw::unauthorized},
        {"403", status(403), Flaw::unauthorized},
        {"404", status(404, "404 page not found\n"), Flaw::bad_status},
        {"405", status(405), Flaw::bad_status},
        {"408", status(408), Flaw::unavailable},
        {"429", status(429), Flaw::unavailable},
        {"500", status(500, ""), Flaw::unavailable},
        {"502, a page", status(502, html), Flaw::unavailable},
        {"503, timed out", refusal(503, "timeout", "query timed out"), Flaw::unavailable},
        {"503, a page", status(503, html), Flaw::unavailable},
        {"504", status(504), Flaw::unavailable},
        {"599", status(599), Flaw::unavailable},
        {"204", status(204, ""), Flaw::bad_status},
        {"206", status(206), Flaw::bad_status},
        {"301", status(301, html), Flaw::bad_status},
        {"302 to a login", status(302, ""), Flaw::bad_status},
        {"status 0", status(0), Flaw::bad_status},
        {"no content type", typed(""), Flaw::not_json},
        {"content type of a page", typed("text/html; charset=utf-8"), Flaw::not_json},
        {"content type of text", typed("text/plain"), Flaw::not_json},
        {"content type of almost JSON", typed("application/jsonp"), Flaw::not_json},
        {"a login page as JSON", body(html), Flaw::not_json},
        {"a page after JSON", [html](HttpReply& r) { r.body += html; }, Flaw::not_json},
        {"two replies", [](HttpReply& r) { r.body += std::string(r.body); }, Flaw::not_json},
        {"a byte order mark",
         [](HttpReply& r) { r.body.insert(0, "\xef\xbb\xbf"); },
         Flaw::not_json},
        {"single quotes", all_swapped("\"", "'"), Flaw::not_json},
        {"a comma too many", swapped("]}}", ",]}}"), Flaw::not_json},
        {"a comma too few", swapped("\"success\",", "\"success\" "), Flaw::not_json},
        {"a bare NaN", swapped("1795325284.500", "NaN"), Flaw::not_json},
        {"a comment", swapped("{", "/* */{"), Flaw::not_json},
        {"gzip", body("\x1f\x8b\x08\x01\x02\x03"), Flaw::bad_text},
        {"a zero byte in a text", swapped("success", std::string("succ\0ess", 8)), Flaw::not_json},
        {"empty", body(""), Flaw::truncated},
        {"blanks", body("  \n"), Flaw::truncated},
        {"a tenth", cut(1), Flaw::truncated},
        {"half", cut(5), Flaw::truncated},
        {"nine tenths", cut(9), Flaw::truncated},
        {"a byte short", [](HttpReply& r) { r.body.pop_back(); }, Flaw::truncated},
        {"two bytes short",
         [](HttpReply& r) { r.body.resize(r.body.size() - 2); },
         Flaw::truncated},
        {"17 MiB of blanks",
         [](HttpReply& r) { r.body.append(17UZ << 20U, ' '); },
         Flaw::too_large},
        {"nested 100 deep", body(std::string(100, '[') + std::string(100, ']')), Flaw::too_deep},
        {"nested 100,000 deep, open", body(std::string(100'000, '[')), Flaw::too_deep},
        {"nested in a label",
         swapped("\"metric\":{", R"("metric":{"a":[[[[[[[[[[]]]]]]]]]]},"m":{)"),
         Flaw::too_deep},
        {"a byte that is not UTF-8", swapped("success", "succ\xff"), Flaw::bad_text},
        {"overlong UTF-8", swapped("vector", "vect\xc0\xafr"), Flaw::bad_text},
        {"half a character", swapped("vector", "vect\xe2\x82"), Flaw::bad_text},
        {"half a surrogate pair", swapped("vector", R"(vect\ud800\u0041)"), Flaw::bad_text},
        {"half of half a pair", swapped("vector", R"(vect\ud8)"), Flaw::not_json},
        {"a list", body("[]"), Flaw::wrong_shape},
        {"a number", body("7"), Flaw::wrong_shape},
        {"null", body("null"), Flaw::wrong_shape},
        {"an empty object", body("{}"), Flaw::wrong_shape},
        {"no status", swapped(R"("status":"success",)", ""), Flaw::wrong_shape},
        {"a status that is a number", swapped(R"("success")", "200"), Flaw::wrong_shape},
        {"an unknown status", swapped("success", "pending"), Flaw::wrong_shape},
        {"error with 200",
         body(R"({"status":"error","errorType":"internal","error":"x"})"),
         Flaw::query_failed},
        {"error with data", swapped("success", "error"), Flaw::query_failed},
        {"success with an error", swapped(R"("data")", R"("error":"x","data")"), Flaw::wrong_shape},
        {"no data", body(R"({"status":"success"})"), Flaw::wrong_shape},
        {"data null", body(R"({"status":"success","data":null})"), Flaw::wrong_shape},
        {"data a list", body(R"({"status":"success","data":["a"]})"), Flaw::wrong_shape},
        {"no resultType", swapped(R"("resultType":"vector",)", ""), Flaw::wrong_shape},
        {"an unknown resultType", swapped("vector", "tensor"), Flaw::wrong_shape},
        {"resultType null", swapped(R"("vector")", "null"), Flaw::wrong_shape},
        {"no result",
         body(R"({"status":"success","data":{"resultType":"vector"}})"),
         Flaw::wrong_shape},
        {"result null", body(data("vector", "null")), Flaw::wrong_shape},
        {"result an object", body(data("vector", "{}")), Flaw::wrong_shape},
        {"a scalar that is a list of series", swapped("vector", "scalar"), Flaw::wrong_shape},
        {"a series that is null",
         swapped(R"("result":[)", R"("result":[null,)"),
         Flaw::wrong_shape},
        {"a series that is a list",
         swapped(R"("result":[)", R"("result":[[],)"),
         Flaw::wrong_shape},
        {"no metric", swapped(R"("metric")", R"("labels")"), Flaw::wrong_shape},
        {"no value", swapped(R"("value")", R"("number")"), Flaw::wrong_shape},
        {"values in a vector", swapped(R"("value")", R"("values")"), Flaw::wrong_shape},
        {"a label that is a number",
         swapped("\"metric\":{", R"("metric":{"a":1},"m":{)"),
         Flaw::wrong_shape},
        {"a value of one", swapped("[1795325284.500,", "["), Flaw::wrong_shape},
        {"a value of three", swapped("[1795325284.500,", "[1795325284.500,1,"), Flaw::wrong_shape},
        {"a time in quotes", swapped("1795325284.500", "\"1795325284.500\""), Flaw::wrong_shape},
        {"a time that is null", swapped("1795325284.500", "null"), Flaw::wrong_shape},
        {"another time", swapped("1795325284.500", "1795325269.500"), Flaw::wrong_time},
        {"a millisecond late", swapped("1795325284.500", "1795325284.501"), Flaw::wrong_time},
        {"times without milliseconds", all_swapped("284.500", "284"), Flaw::wrong_time},
        {"milliseconds for seconds",
         all_swapped("1795325284.500", "1795325284500"),
         Flaw::wrong_time},
        {"time 0", swapped("1795325284.500", "0"), Flaw::wrong_time},
        {"a negative time", swapped("1795325284.500", "-1795325284.500"), Flaw::wrong_time},
        {"a time out of range", swapped("1795325284.500", "1e300"), Flaw::wrong_time},
        {"a native histogram",
         swapped(R"("value")", R"("histogram":[1,{}],"value")"),
         Flaw::wrong_type},
        {"status twice", swapped("{", R"({"status":"success",)"), Flaw::duplicate},
        {"result twice", swapped(R"("result":[)", R"("result":[],"result":[)"), Flaw::duplicate},
        {"value twice",
         swapped(R"("value":)", R"("value":[1795325284.500,"0"],"value":)"),
         Flaw::duplicate},
        {"warnings that are a text",
         swapped(R"("data")", R"("warnings":"x","data")"),
         Flaw::wrong_shape},
        {"warnings that are numbers",
         swapped(R"("data")", R"("warnings":[1],"data")"),
         Flaw::wrong_shape},
        {"a range of times",
         body(data("matrix", R"([{"metric":{},"values":[[1795325284.5,"1"]]}])")),
         Flaw::wrong_type},
        {"a range with one time twice",
         body(data("matrix", R"([{"metric":{},"values":[[1,"1"],[1,"1"]]}])")),
         Flaw::wrong_time},
        {"a text", body(data("string", R"([1795325284.5,"x"])")), Flaw::wrong_type},
    };
}

/// Of numbers, in the value of one instance of four; the other three stay clean.
inline std::vector<Corruption> number_corruptions() {
    std::vector<Corruption> all;
    const auto number = [&all](std::string text, Flaw flaw) {
        all.push_back({"the number " + text.substr(0, 30),
                       swapped("\"" + std::string(load_mark) + "\"", "\"" + text + "\""),
                       flaw});
    };
    number("NaN", Flaw::not_a_number);
    for (const char* const infinite : {"+Inf", "-Inf", "Inf"}) number(infinite, Flaw::infinite);
    for (const char* const negative : {"-1", "-0.001", "-5e3"}) number(negative, Flaw::negative);
    for (const char* const broken : {"",
                                     " ",
                                     " 20",
                                     "20 ",
                                     "2,0",
                                     "0x14",
                                     "20%",
                                     "1e",
                                     "--1",
                                     "1.2.3",
                                     "nan",
                                     "inf",
                                     "Infinity",
                                     "null",
                                     "twenty",
                                     "2_0",
                                     "\\u0662\\u0660",
                                     "20\\u0000"})
        number(broken, Flaw::malformed);
    for (const char* const large : {"1e300", "1.7976931348623157e+308", "9223372036855", "1e99999"})
        number(large, Flaw::out_of_range);
    number(std::string(1000, '1'), Flaw::malformed);
    return all;
}

}  // namespace muster::scaler::prometheus::test
