// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace uwsgi {

// Makes sys.stdout and sys.stderr fit for a log that many processes write: what is printed leaves
// line by line although it is no terminal, a line in one write, also when it is long and with
// PYTHONUNBUFFERED; and a log that cannot take it raises nothing in the application: what is lost
// is counted, and reported as soon as there is room again. Encoding, error handler and descriptor
// stay as they are. The GIL is held; to be called before the application is loaded.
void PrepareStandardOutput();

}  // namespace uwsgi
