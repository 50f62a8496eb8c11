// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace uwsgi {

template <typename Signature>
class UniqueFunction;

// A callback that may own things that cannot be copied. Calling an empty one is undefined.
template <typename R, typename... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;
  template <typename F>
  requires(!std::is_same_v<std::decay_t<F>, UniqueFunction> &&
           std::is_invocable_r_v<R, F&, Args...>)
      UniqueFunction(F&& callable)  // NOLINT: implicit, as std::function is
      : target_(std::make_unique<Target<std::decay_t<F>>>(std::forward<F>(callable))) {}

  R operator()(Args... args) { return target_->Call(std::forward<Args>(args)...); }
  explicit operator bool() const { return target_ != nullptr; }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual R Call(Args... args) = 0;
  };
  template <typename F>
  struct Target final : Base {
    explicit Target(F&& callable) : function(std::move(callable)) {}
    explicit Target(const F& callable) : function(callable) {}
    R Call(Args... args) override { return function(std::forward<Args>(args)...); }
    F function;
  };
  std::unique_ptr<Base> target_;
};

}  // namespace uwsgi
