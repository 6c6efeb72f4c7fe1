#include "tests/scaler/providers/hostile_answers.hpp"

#include <cstddef>

namespace muster::test {

namespace {

std::string machine(const std::string& id,
                    const std::string& fleet,
                    const std::string& token = "\"t1\"",
                    const std::string& state = "\"running\"",
                    const std::string& more = "") {
    return R"({"id":)" + id + R"(,"fleet":)" + fleet + R"(,"token":)" + token + R"(,"state":)" +
           state + more + "}";
}

std::string listed(const std::string& machines) {
    return R"({"complete":true,"machines":[)" + machines + "]}";
}

}  // namespace

std::vector<std::string> hostile_answers() {
    const std::string edge = R"("edge")";
    const std::string right = R"("edge-1-1")";
    std::vector<std::string> answers{
        " ",
        "null",
        "true",
        "7",
        "[]",
        "{}",
        "{",
        "<html><body>502 Bad Gateway</body></html>",
        std::string("\0\1\2\xff\xfe\x80", 6),
        std::string(2UZ << 20U, 'x'),
        std::string(100'000, '['),
        "\"" + std::string(900'000, 'a') + "\"",
        R"({"complete":true})",
        R"({"machines":[]})",
        R"({"complete":"yes","machines":[]})",
        R"({"complete":true,"machines":{}})",
        R"({"complete":true,"machines":[)",
        R"({"complete":true,"machines":[]} and more)",
        listed("1"),
        listed("null"),
        listed("{}"),
    };
    const std::vector<std::string> machines{
        machine(right, R"("other")"),
        machine(right, R"("")"),
        machine(right, "null"),
        machine(R"("")", edge),
        machine(R"("../../etc")", edge),
        machine(R"("a b")", edge),
        machine(R"("edge-1-1\u0000")", edge),
        machine(R"("edge-1-1\nx")", edge),
        machine("7", edge),
        machine("\"" + std::string(70'000, 'z') + "\"", edge),
        machine(right, edge, R"("")"),
        machine(right, edge, R"("t 1")"),
        machine(right, edge, "null"),
        machine(right, edge, R"("t1")", R"("happy")"),
        machine(right, edge, R"("t1")", "1"),
        machine(right, edge, R"("t1")", R"("running")", R"(,"address":7)"),
        machine(right, edge, R"("t1")", R"("running")", R"(,"address":"a\u001b[31m")"),
        machine(right, edge, R"("t1")", R"("running")", R"(,"host":[])"),
        machine(right, edge, R"("t1")", R"("running")", R"(,"cluster":"another")"),
        machine(right, edge, R"("t1")", R"("running")", R"(,"cluster":null)"),
        machine(right, edge, R"("t1")", R"("running")", R"(,"age_seconds":-1)"),
        machine(right, edge, R"("t1")", R"("running")", R"(,"age_seconds":1e300)"),
        machine(right, edge, R"("t1")", R"("running")", R"(,"age_seconds":"3")"),
    };
    for (const std::string& one : machines) {
        answers.push_back(one);
        answers.push_back(listed(one));
    }
    // Right each by itself.
    answers.push_back(listed(machine(right, edge) + "," + machine(right, edge)));
    answers.push_back(listed(machine(right, edge) + "," + machine(right, R"("other")")));
    answers.push_back(machine(R"("edge-1-2")", edge));
    return answers;
}

}  // namespace muster::test
