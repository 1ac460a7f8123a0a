"""That everything public is documented, and that the example people copy runs as shown."""

import re
import subprocess
import sys

import llmi_sandbox


def test_every_public_name_is_documented():
    assert not [name for name in llmi_sandbox.__all__ if not getattr(llmi_sandbox, name).__doc__]


def test_the_docstrings_example_prints_what_it_says(tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", llmi_sandbox.__doc__, re.DOTALL)
    code = [sys.executable, "-c", example]
    done = subprocess.run(code, cwd=tmp_path, timeout=60, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == re.findall(r"print\(.*\)  # (.*)", example)
