#pragma once

#include "common/coordination/types.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>

namespace muster::coordination {

/// What ZooKeeper tells about a watched path.
enum class WatchEvent { created, deleted, changed, children };

/// The one-shot watches that one session has armed, as its client knows them: needed to bound them
/// (the C client re-arms all in one packet, which a server refuses above 1 MB: reference, G1), to
/// tell which kinds an event of a deletion stands for, and to re-arm them.
class WatchSet {
 public:
    using Paths = std::unordered_set<std::string>;

    void arm_data(const std::string& path) { insert(data_, path); }
    void arm_absent(const std::string& path) { insert(absent_, path); }
    void arm_children(const std::string& path) { insert(children_, path); }

    /// Removes what `event` consumes and says which kinds that were.
    struct Fired {
        bool data = false;
        bool children = false;
    };
    Fired consume(const std::string& path, WatchEvent event);

    [[nodiscard]] bool has(const std::string& path, WatchKind kind) const;
    [[nodiscard]] std::size_t size() const {
        return data_.size() + absent_.size() + children_.size();
    }
    [[nodiscard]] std::size_t path_bytes() const { return bytes_; }
    void clear();

    [[nodiscard]] const Paths& data() const { return data_; }
    [[nodiscard]] const Paths& absent() const { return absent_; }
    [[nodiscard]] const Paths& children() const { return children_; }

 private:
    void insert(Paths& paths, const std::string& path);
    bool erase(Paths& paths, const std::string& path);

    Paths data_;
    Paths absent_;
    Paths children_;
    std::size_t bytes_ = 0;
};

}  // namespace muster::coordination
