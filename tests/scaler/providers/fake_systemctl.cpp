// A systemctl whose units are files, for there is no systemd in the tests:
//   fake_systemctl DIRECTORY start|stop|kill|reset-failed|show [OPTION...] -- UNIT
// `UNIT` in DIRECTORY is there while it is active. `lose` in DIRECTORY kills it after the next
// start; `answer` is what the next show writes; `stubborn` makes units ignore a stop until they are
// killed. A pattern names active units only, as with systemd.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

void tell(const std::string& unit, bool active) {
    std::cout << "Id=" << unit << "\nActiveState=" << (active ? "active" : "inactive") << "\n";
}

int show(const fs::path& directory, const std::string& unit) {
    const std::string star = "@*.service";
    if (!unit.ends_with(star)) {
        tell(unit, fs::exists(directory / unit));
        return EXIT_SUCCESS;
    }
    const std::string prefix = unit.substr(0, unit.size() - star.size() + 1);
    bool first = true;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with(prefix)) continue;
        if (!first) std::cout << "\n";
        first = false;
        tell(name, true);
    }
    return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 4 || words[words.size() - 2] != "--") return EXIT_FAILURE;
    const fs::path directory(words[0]);
    const std::string& verb = words[1];
    const std::string& unit = words.back();
    const auto take = [&](const char* name) { return fs::remove(directory / name); };
    std::ofstream(directory / "calls", std::ios::app) << verb << " " << unit << "\n";
    if (verb == "show") {
        if (std::ifstream answer(directory / "answer", std::ios::binary); answer) {
            std::cout << std::string((std::istreambuf_iterator<char>(answer)), {});
            return take("answer") ? EXIT_SUCCESS : EXIT_FAILURE;
        }
        return show(directory, unit);
    }
    if (verb == "start") {
        if (fs::exists(directory / "no-unit")) return 5;
        std::ofstream{directory / unit};
        if (take("lose")) ::kill(::getpid(), SIGKILL);
        return EXIT_SUCCESS;
    }
    if (verb == "stop" && fs::exists(directory / "stubborn")) return EXIT_SUCCESS;
    if (verb == "stop" || verb == "kill") fs::remove(directory / unit);
    return verb == "stop" || verb == "kill" || verb == "reset-failed" ? EXIT_SUCCESS : EXIT_FAILURE;
}
