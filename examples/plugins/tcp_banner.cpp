// A muster plug-in in C++ (docs/plugin-protocol.md): does the backend greet with this banner? Every
// probe has a thread of its own, so that many are in flight. Needs nothing but Boost.
//
//     plugin: {name: tcp_banner, settings: {banner: "SSH-2.0"}}

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::mutex output;

void say(const json::object& line) {
    const std::string text = json::serialize(line);
    const std::scoped_lock lock(output);
    std::cout << text << std::endl;
}

json::object probe(const json::object& request) {
    const std::string host(request.at("host").as_string());
    const auto port = static_cast<std::uint16_t>(request.at("port").to_number<int>());
    const std::chrono::milliseconds limit(request.at("timeout_ms").to_number<std::int64_t>());
    const std::string wanted(request.at("settings").as_object().at("banner").as_string());

    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    std::string heard;
    std::string trouble = "no banner in time";
    char buffer[256];
    std::function<void()> read = [&] {
        socket.async_read_some(asio::buffer(buffer), [&](auto error, std::size_t size) {
            heard.append(buffer, size);
            if (error) trouble = error.message();
            if (!error && heard.size() < wanted.size()) read();
        });
    };
    socket.async_connect({asio::ip::make_address(host), port}, [&](auto error) {
        if (error) {
            trouble = error.message();
        } else {
            read();
        }
    });
    context.run_for(limit * 9 / 10);
    if (heard.starts_with(wanted)) return {{"result", "success"}};
    return {{"result", "failure"}, {"message", heard.empty() ? trouble : "another banner"}};
}

}  // namespace

int main() {
    for (std::string text; std::getline(std::cin, text);) {
        const json::object request = json::parse(text).as_object();
        if (request.contains("hello")) {
            say({{"hello", {{"protocol", 1}, {"max_in_flight", 16}}}});
        } else if (request.contains("id")) {
            std::thread([request] {
                json::object answer;
                try {
                    answer = probe(request);
                } catch (const std::exception& wrong) {
                    answer = {{"result", "inconclusive"}, {"message", wrong.what()}};
                }
                answer["id"] = request.at("id");
                say(answer);
            }).detach();
        }
    }
    std::_Exit(0);
}
