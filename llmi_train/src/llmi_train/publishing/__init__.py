"""A run's result on the Hub: the adapter or the merged model, with a card that says what it is.

```py
from llmi_train.publishing import prepare, upload

with prepare(Path("runs/mine"), "me/illustrator") as folder:
    upload(folder, "me/illustrator")
```
"""

from llmi_train.publishing.card import model_card
from llmi_train.publishing.upload import prepare, upload

__all__ = ["model_card", "prepare", "upload"]
