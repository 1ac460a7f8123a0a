"""An isolated sandbox for plotting code written by models.

```python
from llmi_sandbox.code import CodeSandbox

with CodeSandbox() as sandbox:
    result = sandbox.run("plt.bar(['a', 'b'], [3, 5])")
    result.kind, result.picture      # 'ok', Picture(640x480, ...)
```
"""

from llmi_sandbox.code.isolation.tier import Isolation
from llmi_sandbox.code.limits import Limits
from llmi_sandbox.code.result import CodeResult, Kind
from llmi_sandbox.code.sandbox import CodeSandbox
from llmi_sandbox.code.start import probe
from llmi_sandbox.errors import SandboxUnavailableError

__all__ = ["CodeResult", "CodeSandbox", "Isolation", "Kind", "Limits", "SandboxUnavailableError", "probe"]
