#include "common/coordination/watch_set.hpp"

namespace muster::coordination {

WatchSet::Fired WatchSet::consume(const std::string& path, WatchEvent event) {
    Fired fired;
    if (event != WatchEvent::children) {
        const bool data = erase(data_, path);
        const bool absent = erase(absent_, path);
        fired.data = data || absent;
    }
    if (event == WatchEvent::children || event == WatchEvent::deleted)
        fired.children = erase(children_, path);
    return fired;
}

bool WatchSet::has(const std::string& path, WatchKind kind) const {
    switch (kind) {
        case WatchKind::data:
            return data_.contains(path) || absent_.contains(path);
        case WatchKind::children:
            return children_.contains(path);
    }
    return false;
}

void WatchSet::clear() {
    data_.clear();
    absent_.clear();
    children_.clear();
    bytes_ = 0;
}

void WatchSet::insert(Paths& paths, const std::string& path) {
    if (paths.insert(path).second) bytes_ += path.size();
}

bool WatchSet::erase(Paths& paths, const std::string& path) {
    if (paths.erase(path) == 0) return false;
    bytes_ -= path.size();
    return true;
}

}  // namespace muster::coordination
