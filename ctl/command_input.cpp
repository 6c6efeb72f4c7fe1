#include "ctl/command_input.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <istream>

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
