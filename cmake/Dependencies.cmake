# Everything comes as a package of the system; scripts/bootstrap lists their Debian names.
set(PYTHON "" CACHE STRING "the Python interpreter to embed (default: the system's python3)")
if(NOT PYTHON)
  find_program(SYSTEM_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
  if(SYSTEM_PYTHON)
    set(PYTHON "${SYSTEM_PYTHON}")
  else()
    set(PYTHON python3)
  endif()
endif()
find_program(PYTHON_PATH NAMES "${PYTHON}" REQUIRED)
set(Python3_EXECUTABLE "${PYTHON_PATH}")
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter Development.Embed)

# The interpreter as the python3 program has it: linked in, at a fixed address. Position-independent and shared it costs an
# application a fifth more time (docs/decisions/003-python-linked-in.md). Sanitizer and debug builds take the shared library.
execute_process(
  COMMAND "${Python3_EXECUTABLE}" -c "import sysconfig as s; v = s.get_config_var; print(v('LIBPL') + '/' + v('LIBRARY'), v('MODLIBS') or '', v('LIBS') or '', v('SYSLIBS') or '', sep=';')"
  OUTPUT_VARIABLE python_archive OUTPUT_STRIP_TRAILING_WHITESPACE)
list(POP_FRONT python_archive PYTHON_ARCHIVE)
string(REPLACE " " ";" PYTHON_ARCHIVE_LIBS "${python_archive}")
set(link_python_in OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT UWSGI_SANITIZE AND EXISTS "${PYTHON_ARCHIVE}")
  set(link_python_in ON)
endif()
option(UWSGI_LINK_PYTHON_IN "link the interpreter into the program instead of using its shared library" ${link_python_in})

message(STATUS "embedding Python ${Python3_VERSION} (${PYTHON_PATH})")

find_package(fmt REQUIRED)
find_package(tl-expected REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(NCURSES REQUIRED IMPORTED_TARGET ncursesw)
find_package(nlohmann_json REQUIRED)
if(UWSGI_TESTS)
  find_package(GTest REQUIRED)
endif()
