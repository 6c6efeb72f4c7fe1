#include "ctl/command_input.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <istream>
#include <iterator>

namespace muster::ctl {

std::string read_input(const std::string& file, std::istream& in, std::size_t longest) {
    std::ifstream opened;
    if (file != "-") {
        opened.open(file, std::ios::binary);
        if (!opened) throw Mistake("can't read " + file, Exit::failed);
    }
    std::istream& from = file == "-" ? in : opened;
    std::string text;
    char piece[65536];
    while (from.read(piece, sizeof piece) || from.gcount() > 0) {
        text.append(piece, static_cast<std::size_t>(from.gcount()));
        if (text.size() > longest) throw Mistake(file + " is too long", Exit::failed);
    }
    if (text.empty()) throw Mistake(file + " is empty", Exit::failed);
    return text;
}

std::vector<std::string> recordings_in(const std::vector<std::string>& names) {
    constexpr int deepest = 2;
    constexpr std::size_t most = 100'000;
    std::vector<std::string> all;
    for (const std::string& name : names) {
        std::error_code error;
        if (name == "-" || !std::filesystem::is_directory(name, error)) {
            if (name != "-" && !std::filesystem::exists(name, error))
                throw Mistake("can't read " + name, Exit::failed);
            all.push_back(name);
            continue;
        }
        std::vector<std::string> inside;
        std::filesystem::recursive_directory_iterator entry(name, error);
        for (; !error && entry != std::filesystem::recursive_directory_iterator();
             entry.increment(error)) {
            if (entry.depth() >= deepest) entry.disable_recursion_pending();
            std::error_code unknown;
            if (entry->path().extension() != ".rec" || !entry->is_regular_file(unknown) ||
                entry->file_size(unknown) == 0)
                continue;
            inside.push_back(entry->path().string());
            if (inside.size() > most) throw Mistake(name + " has too many files", Exit::failed);
        }
        if (error) throw Mistake("can't read " + name + ": " + error.message(), Exit::failed);
        if (inside.empty()) throw Mistake("no recording is in " + name, Exit::failed);
        std::ranges::sort(inside);
        std::ranges::move(inside, std::back_inserter(all));
    }
    return all;
}

std::string normalised_url(std::string url) {
    if (url.find("://") == std::string::npos) url.insert(0, "http://");
    if (!url.starts_with("http://")) {
        throw Mistake(url + ": only http:// is understood", Exit::usage);
    }
    while (url.ends_with('/')) url.pop_back();
    return url;
}

std::string author_or_user(std::string author) {
    const passwd* user = author.empty() ? ::getpwuid(::geteuid()) : nullptr;
    if (user) author = user->pw_name;
    const auto usual = [](char c) { return c > ' ' && c < '\x7f'; };
    if (author.size() > 64 || !std::ranges::all_of(author, usual)) return {};
    return author;
}

}  // namespace muster::ctl
