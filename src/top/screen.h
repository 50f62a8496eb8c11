// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/result.h"
#include "top/picture.h"

namespace uwsgi::top {

// The door to ncurses: the terminal as a place for pictures and a source of keys. The terminal is
// given back as it was by the destructor.
class Screen {
 public:
  // Fails where there is no terminal, or one that curses does not know.
  static Result<std::unique_ptr<Screen>> Open();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen();

  [[nodiscard]] size_t width() const;
  [[nodiscard]] size_t height() const;
  void Show(const Picture& picture);
  // A key that was pressed (see SpecialKey), or -1: none.
  int ReadKey();
  // After the terminal has another size.
  void Resize();

 private:
  Screen() = default;
};

// The set of characters of the locale, which this sets from the environment.
Charset LocaleCharset();

}  // namespace uwsgi::top
