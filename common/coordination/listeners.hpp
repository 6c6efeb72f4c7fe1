#pragma once

#include "common/coordination/store.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster::coordination {

/// Does a listener at `under` want what happens at `path`?
[[nodiscard]] inline bool covers(std::string_view under, std::string_view path) {
    if (under == "/" || under == path) return true;
    return path.size() > under.size() && path[under.size()] == '/' && path.starts_with(under);
}

/// Functions to call, which may be added and removed from within a call. One added during a call is
/// not called in that round. Must outlive the Subscriptions that it hands out.
template <class... Args>
class ListenerList {
 public:
    using Function = std::function<void(Args...)>;

    [[nodiscard]] Subscription add(std::string under, Function function) {
        auto entry = std::make_shared<Entry>(std::move(under), std::move(function));
        Entry* const id = entry.get();
        entries_.push_back(std::move(entry));
        return Subscription([this, id] { remove(id); });
    }

    /// `wanted(under)` selects.
    template <class Wanted>
    void call(const Wanted& wanted, Args... args) {
        ++depth_;
        for (std::size_t i = 0, end = entries_.size(); i < end; ++i) {
            const std::shared_ptr<Entry> entry = entries_[i];
            if (!entry->ended && wanted(entry->under)) entry->function(args...);
        }
        if (--depth_ == 0) std::erase_if(entries_, [](const auto& entry) { return entry->ended; });
    }

 private:
    struct Entry {
        std::string under;
        Function function;
        bool ended = false;
    };

    void remove(const Entry* id) {
        for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
            if (entry->get() != id) continue;
            // A function may remove itself: it is destroyed when no call is running any more.
            (*entry)->ended = true;
            if (depth_ == 0) entries_.erase(entry);
            return;
        }
    }

    std::vector<std::shared_ptr<Entry>> entries_;
    int depth_ = 0;
};

}  // namespace muster::coordination
