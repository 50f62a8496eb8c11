// SPDX-License-Identifier: Apache-2.0
#include "config/positional.h"

#include <gtest/gtest.h>

namespace uwsgi {
namespace {

std::string Meaning(std::string_view word) {
  const PositionalMeaning meaning = MeaningOfPositional(word);
  switch (meaning.kind) {
    case PositionalMeaning::Kind::kNothing:
      return "nothing";
    case PositionalMeaning::Kind::kConfigFile:
      return "file";
    case PositionalMeaning::Kind::kUnknown:
      return "unknown";
    case PositionalMeaning::Kind::kOptions:
      break;
  }
  std::string text;
  for (const PositionalMeaning::Pair& option : meaning.options)
    text += option.name + "=" + option.value + " ";
  return text;
}

TEST(Positional, TakesConfigurationFilesByExtension) {
  for (const char* word : {"site.ini", "/srv/site.ini:app", "site.ini:", "a.xml", "a.yaml", "a.yml",
                           "a.json", "a.js"}) {
    EXPECT_EQ(Meaning(word), "file") << word;
  }
}

TEST(Positional, TakesPythonFilesForApplications) {
  EXPECT_EQ(Meaning("foobar.py"), "wsgi-file=foobar.py ");
  EXPECT_EQ(Meaning("/srv/app.wsgi"), "wsgi-file=/srv/app.wsgi ");
  EXPECT_EQ(Meaning("foobar.py:app"), "wsgi-file=foobar.py callable=app ");
}

TEST(Positional, TakesModuleAndCallable) {
  EXPECT_EQ(Meaning("pkg.mod:app"), "module=pkg.mod:app ");
  EXPECT_EQ(Meaning("mod:make_app()"), "module=mod:make_app() ");
  EXPECT_EQ(Meaning("mod:holder.app"), "module=mod:holder.app ");
}

TEST(Positional, LeavesTagsForProcessListsAlone) { EXPECT_EQ(Meaning("[my site]"), "nothing"); }

TEST(Positional, RefusesWhatItDoesNotKnow) {
  for (const char* word :
       {":9090", "127.0.0.1:9090", "localhost:80", "site", "-", "a-b:app", "mod:", "mod:a b"}) {
    EXPECT_EQ(Meaning(word), "unknown") << word;
  }
}

}  // namespace
}  // namespace uwsgi
