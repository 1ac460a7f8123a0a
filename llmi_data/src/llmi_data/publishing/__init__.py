"""A dataset on the Hub: rows, and a card of which every number is computed from what the steps recorded.

```py
from llmi_data.publishing import preview, publish

preview("harbour", "me/harbour", "published").changes.added     # a folder to look at; nothing is sent
publish("harbour", "me/harbour", license="cc-by-4.0").url       # one commit, private unless said otherwise
```
"""

from llmi_data.publishing.publish import Preview, Published, preview, publish

__all__ = ["Preview", "Published", "preview", "publish"]
