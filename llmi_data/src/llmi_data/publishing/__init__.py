"""A dataset on the Hub: rows, and a card of which every number is computed from what the steps recorded.

```py
from llmi_data.publishing import PublishConfig, preview, publish

settings = PublishConfig(repo="me/harbour", license="cc-by-4.0")
preview("harbour", settings, "published").added     # a folder to look at; nothing is sent
publish("harbour", settings).url                    # one commit, private unless said otherwise
```
"""

from llmi_data.publishing.publish import Preview, Published, preview, publish
from llmi_data.publishing.settings import PublishConfig

__all__ = ["Preview", "PublishConfig", "Published", "preview", "publish"]
