#include "tests/stale/transaction_log.hpp"

#include <fmt/format.h>

#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace muster::stale {

namespace {

constexpr std::string_view magic = "ZKLG";
constexpr std::size_t header_bytes = 16;  // magic, version, database id

// ZooDefs.OpCode
enum Code : std::int32_t {
    code_create = 1,
    code_delete = 2,
    code_set = 5,
    code_set_acl = 7,
    code_check = 13,
    code_multi = 14,
    code_create2 = 15,
    code_create_container = 19,
    code_create_ttl = 21,
    code_error = -1,
    code_session_start = -10,
    code_session_end = -11,
};

/// Jute: big-endian numbers, texts and lists with their length before them (-1: none).
class Jute {
 public:
    explicit Jute(std::string_view bytes) : bytes_(bytes) {}

    std::int64_t number(std::size_t size) {
        const std::string_view field = take(size);
        std::uint64_t value = 0;
        for (const char c : field) value = value << 8U | static_cast<unsigned char>(c);
        const std::size_t unused = 64 - 8 * size;
        return static_cast<std::int64_t>(value << unused) >> unused;
    }
    std::int64_t int64() { return number(8); }
    std::int32_t int32() { return static_cast<std::int32_t>(number(4)); }
    bool boolean() { return number(1) != 0; }
    std::string text() {
        const std::int32_t size = int32();
        return size < 0 ? std::string{} : std::string(take(static_cast<std::size_t>(size)));
    }
    std::string_view take(std::size_t size) {
        if (size > bytes_.size()) throw std::runtime_error("a logged record ends early");
        const std::string_view taken = bytes_.substr(0, size);
        bytes_.remove_prefix(size);
        return taken;
    }
    [[nodiscard]] std::size_t left() const { return bytes_.size(); }

 private:
    std::string_view bytes_;
};

/// Of an empty text: 1 (RFC 1950, section 8.2).
std::uint32_t checksum_of(std::string_view bytes) {
    return static_cast<std::uint32_t>(
        adler32(1, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

LoggedOp read_op(std::int32_t code, Jute& jute) {
    LoggedOp op;
    switch (code) {
        case code_create:
        case code_create2:
        case code_create_container:
        case code_create_ttl: {
            op.kind = LoggedOp::Kind::create;
            op.path = jute.text();
            op.data = jute.text();
            for (std::int32_t entries = jute.int32(); entries > 0; --entries) {
                jute.int32();  // permissions
                jute.text();   // scheme
                jute.text();   // id
            }
            op.ephemeral =
                code != code_create_container && code != code_create_ttl && jute.boolean();
            return op;
        }
        case code_delete:
            op.kind = LoggedOp::Kind::remove;
            op.path = jute.text();
            return op;
        case code_set:
            op.kind = LoggedOp::Kind::set;
            op.path = jute.text();
            op.data = jute.text();
            op.version = jute.int32();
            return op;
        case code_check:
            op.path = jute.text();
            op.version = jute.int32();
            return op;
        case code_error:
            op.kind = LoggedOp::Kind::refused;
            op.error = jute.int32();
            return op;
        default:
            throw std::runtime_error(fmt::format("a logged operation of unknown code {}", code));
    }
}

Transaction read_transaction(std::string_view record) {
    Jute jute(record);
    Transaction transaction;
    transaction.session = jute.int64();
    jute.int32();  // the client's request number
    transaction.zxid = jute.int64();
    transaction.time = std::chrono::milliseconds(jute.int64());
    const std::int32_t code = jute.int32();
    if (code == code_session_start) {
        transaction.kind = Transaction::Kind::session_start;
    } else if (code == code_session_end) {
        transaction.kind = Transaction::Kind::session_end;
    } else if (code == code_multi) {
        for (std::int32_t ops = jute.int32(); ops > 0; --ops) {
            const std::int32_t part = jute.int32();
            const std::string bytes = jute.text();
            Jute inner(bytes);
            transaction.ops.push_back(read_op(part, inner));
        }
    } else if (code != code_set_acl) {
        transaction.ops.push_back(read_op(code, jute));
    }
    return transaction;
}

}  // namespace

bool Transaction::refused() const {
    return std::ranges::any_of(
        ops, [](const LoggedOp& op) { return op.kind == LoggedOp::Kind::refused; });
}

std::vector<Transaction> parse_log(std::string_view bytes) {
    if (bytes.size() < header_bytes || !bytes.starts_with(magic))
        throw std::runtime_error("this is no transaction log");
    Jute jute(bytes.substr(header_bytes));
    std::vector<Transaction> transactions;
    constexpr std::size_t frame_bytes = 12;  // checksum, length
    while (jute.left() > frame_bytes) {
        const std::int64_t checksum = jute.int64();
        const std::int32_t size = jute.int32();
        if (size <= 0 || static_cast<std::size_t>(size) >= jute.left()) break;
        const std::string_view record = jute.take(static_cast<std::size_t>(size));
        if (checksum != checksum_of(record)) break;
        transactions.push_back(read_transaction(record));
        jute.take(1);  // the mark of a record's end
    }
    return transactions;
}

std::vector<Transaction> read_logs(const std::filesystem::path& data_directory) {
    std::vector<Transaction> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data_directory)) {
        if (!entry.path().filename().string().starts_with("log.")) continue;
        // Some 64 MiB each, nearly all of it reserved space.
        std::string bytes(entry.file_size(), '\0');
        std::ifstream file(entry.path(), std::ios::binary);
        file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        std::ranges::move(parse_log(bytes), std::back_inserter(all));
    }
    std::ranges::sort(all, {}, &Transaction::zxid);
    return all;
}

}  // namespace muster::stale
