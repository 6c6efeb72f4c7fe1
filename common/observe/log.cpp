#include "common/observe/log.hpp"

#include "common/observe/escape.hpp"
#include "common/observe/line_sink.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <system_error>

namespace muster::log {

namespace {

constexpr std::size_t queue_length = 8192;

struct Target {
    std::shared_ptr<LineSink> sink;
    std::shared_ptr<spdlog::details::thread_pool> pool;  ///< null = writes at once
    std::shared_ptr<spdlog::logger> logger;
    Format format = Format::human;
};

spdlog::level::level_enum spd(Level level) {
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warn:
            return spdlog::level::warn;
        case Level::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

std::string_view name(Level level) {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warn";
        case Level::error:
            return "error";
    }
    return "info";
}

/// Fills in time and line end; everything else is in the payload (see render).
void set_pattern(spdlog::sinks::sink& sink, Format format) {
    const char* pattern = format == Format::json ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v"
                                                 : "%Y-%m-%dT%H:%M:%S.%eZ %v";
    sink.set_formatter(
        std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
}

std::shared_ptr<const Target> direct_target() {
    auto target = std::make_shared<Target>();
    target->sink = std::make_shared<LineSink>("");
    set_pattern(*target->sink, target->format);
    target->logger = std::make_shared<spdlog::logger>("muster", target->sink);
    return target;
}

struct State {
    std::atomic<Level> level{Level::info};
    std::shared_ptr<const Target> target =
        direct_target();                           ///< exchanged with the atomic functions
    std::atomic<std::uint64_t> dropped_before{0};  ///< by targets that were stopped
};

State& state() {
    static State instance;
    return instance;
}

std::shared_ptr<const Target> target() {
    return std::atomic_load(&state().target);
}

std::uint64_t dropped_by(const Target& of) {
    return of.sink->dropped() + (of.pool ? of.pool->overrun_counter() : 0);
}

bool is_plain(std::string_view value) {
    const auto plain = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '=';
    };
    return !value.empty() && value.size() <= max_field_bytes && std::ranges::all_of(value, plain);
}

void append_key(std::string& out, std::string_view key) {
    for (const char c : key.substr(0, 64)) {
        const bool usual = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
        out += usual ? c : '_';
    }
}

void append_quoted(std::string& out, std::string_view value) {
    out += '"';
    append_escaped(out, value, max_field_bytes);
    out += '"';
}

void append_human(std::string& out, std::string_view key, std::string_view value) {
    out += ' ';
    append_key(out, key);
    out += '=';
    if (is_plain(value)) {
        out += value;
    } else {
        append_quoted(out, value);
    }
}

void append_json(std::string& out, std::string_view key, std::string_view value) {
    out += ",\"";
    append_key(out, key);
    out += "\":";
    append_quoted(out, value);
}

}  // namespace

std::string render(Format format,
                   Level level,
                   std::string_view event,
                   std::initializer_list<Field> fields) {
    std::string out;
    if (format == Format::json) {
        out += "{\"level\":\"";
        out += name(level);
        out += '"';
        append_json(out, "event", event);
        for (const Field& field : fields) append_json(out, field.key, field.value);
        out += '}';
    } else {
        out += name(level);
        append_human(out, "event", event);
        for (const Field& field : fields) append_human(out, field.key, field.value);
    }
    return out;
}

std::string start(const Settings& settings) {
    auto fresh = std::make_shared<Target>();
    try {
        fresh->sink = std::make_shared<LineSink>(settings.file);
        fresh->format = settings.format;
        set_pattern(*fresh->sink, settings.format);
        fresh->pool = std::make_shared<spdlog::details::thread_pool>(queue_length, 1);
        fresh->logger = std::make_shared<spdlog::async_logger>(
            "muster", fresh->sink, fresh->pool, spdlog::async_overflow_policy::overrun_oldest);
        fresh->logger->set_level(spdlog::level::trace);
    } catch (const std::exception& error) {
        return error.what();
    }
    stop();
    state().level = settings.level;
    std::atomic_store(&state().target, std::shared_ptr<const Target>(std::move(fresh)));
    return {};
}

void stop() {
    auto old = std::atomic_exchange(&state().target, direct_target());
    if (!old->pool) return;
    const auto sink = old->sink;
    const std::uint64_t overruns = old->pool->overrun_counter();
    // The pool's destructor writes what is queued and joins its thread.
    old.reset();
    state().dropped_before += overruns + sink->dropped();
}

std::uint64_t dropped() {
    return state().dropped_before + dropped_by(*target());
}

void reopen() {
    target()->sink->reopen();
}

void set_level(Level level) {
    state().level = level;
}

bool enabled(Level level) {
    return level >= state().level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) noexcept {
    if (!enabled(level)) return;
    try {
        const auto to = target();
        std::string line = render(to->format, level, event, fields);
        // The opening brace and the time come from the pattern.
        if (to->format == Format::json) line.erase(0, 1);
        to->logger->log(spd(level), spdlog::string_view_t(line));
    } catch (...) {
        // Out of memory: a line is lost, which nobody can be told.
        state().dropped_before += 1;
    }
}

}  // namespace muster::log
