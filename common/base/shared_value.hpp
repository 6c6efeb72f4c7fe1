#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace muster {

/// A value that is rarely there, large, and the same in many places: nothing, or a shared immutable
/// T. Compares by content. Thread-safe as shared_ptr is.
template <class T>
class SharedValue {
 public:
    SharedValue() = default;
    template <class Source>
        requires(std::constructible_from<T, Source> &&
                 !std::same_as<std::remove_cvref_t<Source>, SharedValue>)
    SharedValue(Source&& value) : value_(std::make_shared<const T>(std::forward<Source>(value))) {}

    explicit operator bool() const { return value_ != nullptr; }
    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_.get(); }

    friend bool operator==(const SharedValue& left, const SharedValue& right) {
        return left.value_ == right.value_ || (left && right && *left == *right);
    }

 private:
    std::shared_ptr<const T> value_;
};

}  // namespace muster
