#include "dnsupdate/tsig.hpp"

#include "common/base/base64.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <utility>

namespace muster::dnsupdate {

namespace {

constexpr std::string_view algorithm_name = "hmac-sha256";
constexpr std::size_t header_bytes = 12;
constexpr std::size_t least_secret = 16;
constexpr int most_unsigned = 99;  // RFC 8945, 5.3.1
constexpr int most_jumps = 64;
constexpr std::uint16_t type_tsig = 250;
constexpr std::uint16_t class_any = 255;
constexpr std::uint16_t bad_signature = 16;
constexpr std::uint16_t bad_key = 17;
constexpr std::uint16_t bad_time = 18;

class Category final : public std::error_category {
 public:
    const char* name() const noexcept override { return "tsig"; }
    std::string message(int value) const override {
        switch (static_cast<TsigErrc>(value)) {
            case TsigErrc::malformed:
                return "not a DNS message";
            case TsigErrc::not_signed:
                return "the reply is not signed, so it is not believed";
            case TsigErrc::unknown_key:
                return "the server does not know this key, or does not let it do this (BADKEY)";
            case TsigErrc::wrong_secret:
                return "the server has another secret for this key (BADSIG)";
            case TsigErrc::wrong_time:
                return "the server's clock and ours are too far apart (BADTIME)";
            case TsigErrc::bad_secret:
                return "the secret is not base64 of at least 16 bytes";
        }
        return "unknown TSIG error";
    }
};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Reads of a message, never beyond its end: then everything is 0 and it has failed.
class Reader {
 public:
    explicit Reader(std::string_view bytes, std::size_t at = 0) : bytes_(bytes), at_(at) {}

    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        for (const char c : bytes(size)) value = value << 8U | static_cast<unsigned char>(c);
        return value;
    }
    std::uint16_t small() { return static_cast<std::uint16_t>(number(2)); }
    std::string_view bytes(std::size_t size) {
        if (failed_ || at_ > bytes_.size() || bytes_.size() - at_ < size) {
            failed_ = true;
            return {};
        }
        const std::string_view part = bytes_.substr(at_, size);
        at_ += size;
        return part;
    }
    /// Lower case, without the last dot.
    std::string name() {
        std::string name;
        Reader reader(bytes_, at_);
        bool jumped = false;
        for (int jumps = 0; jumps < most_jumps;) {
            const auto size = static_cast<std::size_t>(reader.number(1));
            if (!jumped) at_ = reader.at_;
            if (reader.failed_ || (size > 63 && size < 0xc0U)) break;
            if (size >= 0xc0U) {
                const std::size_t target = (size & 0x3fU) << 8U | reader.number(1);
                if (!jumped) at_ = reader.at_;
                if (reader.failed_) break;
                jumped = true;
                ++jumps;
                reader.at_ = target;
                continue;
            }
            if (size == 0) return name;
            if (!name.empty()) name += '.';
            for (const char c : reader.bytes(size)) name += lower(c);
            if (!jumped) at_ = reader.at_;
            if (name.size() > 255) break;
        }
        failed_ = true;
        return {};
    }
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] std::size_t at() const { return at_; }

 private:
    std::string_view bytes_;
    std::size_t at_;
    bool failed_ = false;
};

void put(std::string& out, std::uint64_t value, std::size_t size) {
    for (std::size_t i = size; i-- > 0;)
        out += static_cast<char>(static_cast<unsigned char>(value >> (8U * i)));
}

void put_name(std::string& out, std::string_view name) {
    while (!name.empty()) {
        const std::size_t dot = std::min(name.find('.'), name.size());
        put(out, dot, 1);
        out += name.substr(0, dot);
        name.remove_prefix(std::min(name.size(), dot + 1));
    }
    out += '\0';
}

std::string hmac(const std::string& secret, const std::string& text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned int size = 0;
    HMAC(EVP_sha256(),
         secret.data(),
         static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()),
         text.size(),
         mac.data(),
         &size);
    return {mac.begin(), mac.begin() + size};
}

/// As it was before it was signed.
std::string without_tsig(std::string_view message, const TsigRecord& tsig) {
    std::string plain(message.substr(0, tsig.offset));
    std::string id;
    put(id, tsig.original_id, 2);
    plain.replace(0, 2, id);
    std::string count;
    put(count, Reader(message, 10).small() - 1U, 2);
    plain.replace(10, 2, count);
    return plain;
}

}  // namespace

const std::error_category& tsig_category() {
    static const Category one;
    return one;
}

Result<TsigKey> make_tsig_key(std::string_view name, std::string_view base64) {
    TsigKey key{.name = std::string(name), .base64 = std::string(base64)};
    std::ranges::transform(key.name, key.name.begin(), lower);
    if (key.name.ends_with('.')) key.name.pop_back();
    const auto bad = [&] { return fail(TsigErrc::bad_secret, key.name); };
    const auto is_base64 = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/';
    };
    const std::size_t padding = base64.ends_with("==") ? 2 : base64.ends_with('=') ? 1 : 0;
    if (base64.size() % 4 != 0 || base64.size() > 1'024 ||
        !std::ranges::all_of(base64.substr(0, base64.size() - padding), is_base64))
        return bad();
    auto secret = from_base64(base64);
    if (!secret || secret->size() < least_secret) return bad();
    key.secret = *std::move(secret);
    return key;
}

Result<std::optional<TsigRecord>> find_tsig(std::string_view message) {
    Reader reader(message);
    reader.number(4);
    std::array<std::uint16_t, 4> counts{};
    for (std::uint16_t& count : counts) count = reader.small();
    for (int i = 0; i < counts[0] && !reader.failed(); ++i) {
        reader.name();
        reader.number(4);
    }
    const int records = counts[1] + counts[2] + counts[3];
    for (int i = 0; i < records && !reader.failed(); ++i) {
        TsigRecord tsig{.offset = reader.at()};
        tsig.key_name = reader.name();
        const std::uint16_t type = reader.small();
        const std::uint16_t of_class = reader.small();
        const std::uint64_t ttl = reader.number(4);
        const std::string_view data = reader.bytes(reader.small());
        if (reader.failed()) break;
        if (type != type_tsig) continue;
        Reader fields(data);
        tsig.algorithm = fields.name();
        tsig.time = fields.number(6);
        tsig.fudge = fields.small();
        tsig.mac = fields.bytes(fields.small());
        tsig.original_id = fields.small();
        tsig.error = fields.small();
        tsig.other = fields.bytes(fields.small());
        const bool last = i + 1 == records && counts[3] > 0 && reader.at() == message.size();
        if (fields.failed() || fields.at() != data.size() || !last || of_class != class_any ||
            ttl != 0)
            return fail(TsigErrc::malformed, "TSIG");
        return tsig;
    }
    if (reader.failed() || message.size() < header_bytes) return fail(TsigErrc::malformed);
    return std::nullopt;
}

TsigCheck::TsigCheck(TsigKey key, std::string request_mac)
    : key_(std::move(key)), prior_mac_(std::move(request_mac)) {}

TsigCheck TsigCheck::of_request(TsigKey key) {
    TsigCheck check(std::move(key), "");
    check.answers_ = false;
    return check;
}

Result<bool> TsigCheck::next(std::string_view message, WallTime now) {
    const auto found = find_tsig(message);
    if (!found) return tl::unexpected(found.error());
    if (!*found) {
        if (first_ || ++unsigned_messages_ > most_unsigned)
            return fail(TsigErrc::not_signed, key_.name);
        unverified_ += message;
        return false;
    }
    const TsigRecord& tsig = **found;
    // These two come without a MAC: the server has none to make it with.
    if (tsig.error == bad_key) return fail(TsigErrc::unknown_key, key_.name);
    if (tsig.error == bad_signature) return fail(TsigErrc::wrong_secret, key_.name);
    if (tsig.key_name != key_.name || tsig.algorithm != algorithm_name)
        return fail(TsigErrc::unknown_key, tsig.key_name + " " + tsig.algorithm);

    std::string text;
    if (answers_ || !first_) {
        put(text, prior_mac_.size(), 2);
        text += prior_mac_;
    }
    text += unverified_;
    text += without_tsig(message, tsig);
    if (first_) {
        put_name(text, key_.name);
        put(text, class_any, 2);
        put(text, 0, 4);
        put_name(text, algorithm_name);
    }
    put(text, tsig.time, 6);
    put(text, tsig.fudge, 2);
    if (first_) {
        put(text, tsig.error, 2);
        put(text, tsig.other.size(), 2);
        text += tsig.other;
    }
    const std::string mac = hmac(key_.secret, text);
    if (mac.size() != tsig.mac.size() ||
        CRYPTO_memcmp(mac.data(), tsig.mac.data(), mac.size()) != 0)
        return fail(TsigErrc::wrong_secret, key_.name);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    const auto apart = seconds - static_cast<std::int64_t>(tsig.time);
    if (tsig.error == bad_time || apart > tsig.fudge || -apart > tsig.fudge)
        return fail(TsigErrc::wrong_time, key_.name);
    first_ = false;
    prior_mac_ = mac;
    unverified_.clear();
    unsigned_messages_ = 0;
    return true;
}

}  // namespace muster::dnsupdate
