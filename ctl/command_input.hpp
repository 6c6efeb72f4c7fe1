#pragma once

#include "ctl/exit_code.hpp"

#include <iosfwd>
#include <stdexcept>
#include <string>
#include <vector>

// What a command line names: files, addresses, people.
namespace muster::ctl {

/// A mistake in what the user gave, found while parsing.
struct Mistake : std::runtime_error {
    Mistake(const std::string& what, Exit the_exit) : std::runtime_error(what), exit(the_exit) {}
    Exit exit;
};

inline constexpr std::size_t longest_document = 32UZ << 20U;
/// Of metrics and decisions over weeks.
inline constexpr std::size_t longest_history = 1UZ << 30U;

/// The whole file, or standard input for "-". Throws Mistake when it can't be read, is empty or
/// longer than `longest` bytes.
[[nodiscard]] std::string read_input(const std::string& file,
                                     std::istream& in,
                                     std::size_t longest = longest_document);

/// The files that these names mean: of a directory those that end with .rec and aren't empty, down
/// to two more below it, in the order of their names. Throws Mistake when there is none.
[[nodiscard]] std::vector<std::string> recordings_in(const std::vector<std::string>& names);

/// "http://host:port" of what may come without the scheme or with slashes behind. Throws Mistake.
[[nodiscard]] std::string normalised_url(std::string url);

/// The author, by default the user that we run as; empty when that can't go into a header.
[[nodiscard]] std::string author_or_user(std::string author);

}  // namespace muster::ctl
