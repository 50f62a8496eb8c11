# SPDX-License-Identifier: Apache-2.0
"""C functions that servers find in place of, or beside, those of the system."""
import shutil
import subprocess

import pytest


def preloaded(program, folder, source):
    """The environment in which a server has the functions of this C source; skips the test where it could not have them."""
    compiler = shutil.which("cc")
    if compiler is None or program.is_slow:
        pytest.skip("no compiler, or a sanitizer that does not go with a preloaded library")
    text, library = folder / "preloaded.c", folder / "preloaded.so"
    text.write_text(source)
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, text], check=True)
    return {"LD_PRELOAD": str(library)}
