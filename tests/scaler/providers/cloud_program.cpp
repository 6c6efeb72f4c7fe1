// A cloud whose machines are files, as the program of an exec provider:
//   cloud_program DIRECTORY VERB [ID]
// Files in DIRECTORY say what is to happen next, once: `answer` is what it prints, `exit` the code
// that it ends with instead of doing anything, `lose` kills it after the deed, `hang` lets it and a
// child of it go on for ever.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::optional<std::string> take(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::string text((std::istreambuf_iterator<char>(file)), {});
    fs::remove(path);
    return text;
}

std::pair<long, long> fence_of(const std::string& text) {
    std::istringstream from(text);
    long era = 0;
    long epoch = 0;
    char dot = '.';
    from >> era >> dot >> epoch;
    return {era, epoch};
}

class Cloud {
 public:
    explicit Cloud(fs::path directory) : directory_(std::move(directory)) {}

    int act(const std::string& verb, const std::string& id) {
        const fs::path machine = directory_ / ("machine." + variable("MUSTER_FLEET") + "." + id);
        if (verb == "list") return list();
        if (verb == "can-remove") return is_ours(machine) ? 0 : 11;
        if (verb == "get") {
            if (!is_ours(machine)) return 11;
            std::cout << describe(id, machine);
            return 0;
        }
        if (!passes()) return 50;
        if (verb == "remove") return is_ours(machine) && fs::remove(machine) ? 0 : 11;
        if (verb != "create") return 40;
        if (fs::exists(machine)) return 10;
        std::ofstream(machine) << variable("MUSTER_TOKEN") << ' ' << variable("MUSTER_CLUSTER");
        return 0;
    }

 private:
    [[nodiscard]] bool passes() const {
        const fs::path file = directory_ / "fence";
        std::ifstream seen(file);
        std::string text;
        seen >> text;
        const std::string ours = variable("FENCE_EPOCH");
        if (fence_of(ours) < fence_of(text)) return false;
        std::ofstream(file) << ours;
        return true;
    }

    [[nodiscard]] static bool is_ours(const fs::path& machine) {
        std::ifstream file(machine);
        std::string token;
        std::string cluster;
        file >> token >> cluster;
        return file && cluster == variable("MUSTER_CLUSTER");
    }

    [[nodiscard]] static std::string describe(const std::string& id, const fs::path& machine) {
        std::ifstream file(machine);
        std::string token;
        file >> token;
        return R"({"id":")" + id + R"(","fleet":")" + variable("MUSTER_FLEET") + R"(","token":")" +
               token + R"(","state":"running","address":"192.0.2.1:80","age_seconds":3})";
    }

    [[nodiscard]] int list() const {
        const std::string prefix = "machine." + variable("MUSTER_FLEET") + ".";
        std::string all;
        for (const fs::directory_entry& entry : fs::directory_iterator(directory_)) {
            const std::string name = entry.path().filename();
            if (!name.starts_with(prefix) || !is_ours(entry.path())) continue;
            all += (all.empty() ? "" : ",") + describe(name.substr(prefix.size()), entry.path());
        }
        std::cout << R"({"complete":true,"machines":[)" << all << "]}";
        return 0;
    }

    fs::path directory_;
};

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 2) return EXIT_FAILURE;
    const fs::path directory(words[0]);
    if (const auto answer = take(directory / "answer")) {
        std::cout << *answer << std::flush;
        return EXIT_SUCCESS;
    }
    if (const auto code = take(directory / "exit")) {
        std::cerr << "told\nto \x1b[31m" << std::endl;
        return std::stoi(*code);
    }
    if (take(directory / "hang")) {
        const pid_t child = ::fork();
        if (child > 0) std::ofstream(directory / "hanging") << child;
        for (;;) ::pause();
    }
    // Two at once must not both find nothing.
    const int lock = ::open((directory / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || ::flock(lock, LOCK_EX) != 0) return 30;
    const bool lose = words[1] == "create" && take(directory / "lose");
    const int code = Cloud(directory).act(words[1], words.size() > 2 ? words[2] : "");
    if (lose) ::kill(::getpid(), SIGKILL);
    return code;
}
