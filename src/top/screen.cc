// SPDX-License-Identifier: Apache-2.0
#include "top/screen.h"

#define NCURSES_NOMACROS 1
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "top/controls.h"

namespace uwsgi::top {

namespace {

struct Look {
  short colour;  // -1: the terminal's own
  attr_t attributes;
};
constexpr Look kLooks[kStyleCount] = {
    {-1, A_NORMAL},             // kPlain
    {-1, A_BOLD},               // kStrong
    {-1, A_DIM},                // kFaint
    {-1, A_REVERSE},            // kTitle
    {COLOR_GREEN, A_NORMAL},    // kBusy
    {COLOR_MAGENTA, A_NORMAL},  // kCheap
    {COLOR_YELLOW, A_NORMAL},   // kSignal
    {COLOR_BLUE, A_BOLD},       // kPause
    {COLOR_RED, A_BOLD},        // kAlert
    {-1, A_REVERSE},            // kChosen
};

short PairOf(int style) { return static_cast<short>(style + 1); }

void PrepareColours() {
  if (!::has_colors()) return;
  ::start_color();
  const bool own = ::use_default_colors() == OK;
  for (int style = 0; style < kStyleCount; ++style) {
    const short colour = kLooks[style].colour;
    ::init_pair(PairOf(style), colour < 0 && !own ? short{COLOR_WHITE} : colour,
                own ? short{-1} : short{COLOR_BLACK});
  }
}

attr_t AttributesOf(Style style) {
  const int number = static_cast<int>(style);
  const attr_t pair =
      ::has_colors() ? static_cast<attr_t>(COLOR_PAIR(PairOf(number))) : attr_t{A_NORMAL};
  return kLooks[number].attributes | pair;
}

struct KeyName {
  int curses, ours;
};
constexpr KeyName kKeyNames[] = {{KEY_UP, kKeyUp},        {KEY_DOWN, kKeyDown},
                                 {KEY_PPAGE, kKeyPageUp}, {KEY_NPAGE, kKeyPageDown},
                                 {KEY_HOME, kKeyHome},    {KEY_RESIZE, kKeyResize},
                                 {KEY_ENTER, '\n'}};

}  // namespace

Charset LocaleCharset() {
  ::setlocale(LC_CTYPE, "");
  return std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0 ? Charset::kUtf8 : Charset::kAscii;
}

Result<std::unique_ptr<Screen>> Screen::Open() {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0) {
    return Fail("no terminal here; --once prints one table without");
  }
  // newterm() and not initscr(), which ends the process where the terminal is unknown.
  if (::newterm(nullptr, stdout, stdin) == nullptr) {
    const char* term = ::getenv("TERM");
    return Fail("the terminal \"{}\" is not known here (TERM)", term != nullptr ? term : "");
  }
  ::cbreak();
  ::noecho();
  ::nonl();
  ::curs_set(0);
  ::keypad(stdscr, TRUE);
  ::nodelay(stdscr, TRUE);
  ::set_escdelay(50);
  PrepareColours();
  return std::unique_ptr<Screen>(new Screen());
}

Screen::~Screen() { ::endwin(); }

size_t Screen::width() const { return static_cast<size_t>(std::max(1, ::getmaxx(stdscr))); }
size_t Screen::height() const { return static_cast<size_t>(std::max(1, ::getmaxy(stdscr))); }

void Screen::Show(const Picture& picture) {
  ::werase(stdscr);
  int row = 0;
  for (const Line& line : picture.lines()) {
    ::wmove(stdscr, row++, 0);
    for (const Span& span : line) {
      ::wattrset(stdscr, static_cast<int>(AttributesOf(span.style)));
      ::waddnstr(stdscr, span.text.data(), static_cast<int>(span.text.size()));
    }
  }
  ::wattrset(stdscr, A_NORMAL);
  ::wrefresh(stdscr);
}

int Screen::ReadKey() {
  const int key = ::wgetch(stdscr);
  if (key == ERR) return -1;
  for (const KeyName& name : kKeyNames) {
    if (name.curses == key) return name.ours;
  }
  return key;
}

void Screen::Resize() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return;
  ::resizeterm(size.ws_row, size.ws_col);
  ::wclear(stdscr);
}

}  // namespace uwsgi::top
