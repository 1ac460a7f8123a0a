"""A small web page on this machine: ask for a document, watch it being written and illustrated.

```python
app = studio_app(Studio(policy, toolkit, reward=presets.rules()))      # an ASGI application
serve(app, bound(8700))                                                # until Ctrl-C
```
"""

from llmi_train.studio.app import studio_app
from llmi_train.studio.run import bound, serve
from llmi_train.studio.session import Session, Studio

__all__ = ["Session", "Studio", "bound", "serve", "studio_app"]
