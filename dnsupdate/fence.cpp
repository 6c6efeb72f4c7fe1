#include "dnsupdate/fence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace muster::dnsupdate {

namespace {

constexpr std::size_t era_digits = 8;
constexpr std::size_t epoch_digits = 16;
constexpr std::size_t max_nonce = 64;

std::optional<std::int64_t> hexadecimal(std::string_view text) {
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, number, 16);
    if (error != std::errc{} || at != end || number < 0) return std::nullopt;
    if (std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'F'; })) return std::nullopt;
    return number;
}

}  // namespace

std::string encode(const Fence& fence) {
    return fmt::format("{:08x}-{:016x}-{}", fence.token.era, fence.token.epoch, fence.nonce);
}

std::optional<Fence> decode_fence(std::string_view text) {
    constexpr std::size_t head = era_digits + 1 + epoch_digits + 1;
    if (text.size() <= head || text.size() > head + max_nonce || text[era_digits] != '-' ||
        text[head - 1] != '-')
        return std::nullopt;
    const auto era = hexadecimal(text.substr(0, era_digits));
    const auto epoch = hexadecimal(text.substr(era_digits + 1, epoch_digits));
    const std::string_view nonce = text.substr(head);
    const bool plain = std::ranges::all_of(nonce, [](char c) { return c > ' ' && c < '\x7f'; });
    if (!era || !epoch || !plain) return std::nullopt;
    return Fence{.token = {.era = *era, .epoch = *epoch}, .nonce = std::string(nonce)};
}

Claim judge_fence(const std::optional<std::string>& stored, const Fence& mine, bool born) {
    if (!stored) return born ? Claim::lost : Claim::create;
    const auto theirs = decode_fence(*stored);
    if (!theirs) return Claim::unreadable;
    if (theirs->token < mine.token) return Claim::raise;
    if (theirs->token > mine.token) return Claim::deposed;
    return theirs->nonce == mine.nonce ? Claim::adopt : Claim::same_token;
}

bool is_to_be_written(Claim claim) {
    switch (claim) {
        case Claim::create:
        case Claim::raise:
        case Claim::lost:
            return true;
        case Claim::adopt:
        case Claim::deposed:
        case Claim::unreadable:
        case Claim::same_token:
        case Claim::deleted:
        case Claim::unfounded:
            break;
    }
    return false;
}

std::string_view to_string(Claim claim) {
    constexpr std::array<std::string_view, 9> words{"create",
                                                    "raise",
                                                    "adopt",
                                                    "deposed",
                                                    "lost",
                                                    "unreadable",
                                                    "same token",
                                                    "deleted",
                                                    "unfounded"};
    return words[static_cast<std::size_t>(claim)];
}

}  // namespace muster::dnsupdate
