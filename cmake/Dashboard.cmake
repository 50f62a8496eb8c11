# The page that the statistics socket gives to browsers (src/process/dashboard.html) as a string of the program.
set(dashboard_page "${CMAKE_SOURCE_DIR}/src/process/dashboard.html")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${dashboard_page}")
file(READ "${dashboard_page}" dashboard_text)
file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/dashboard.cc" CONTENT "// Made of src/process/dashboard.html.
#include \"process/dashboard.h\"

namespace uwsgi {

std::string_view DashboardPage() {
  static constexpr std::string_view kPage = R\"dashboard(${dashboard_text})dashboard\";
  return kPage;
}

}  // namespace uwsgi
")
target_sources(uwsgi_process PRIVATE "${CMAKE_BINARY_DIR}/dashboard.cc")
