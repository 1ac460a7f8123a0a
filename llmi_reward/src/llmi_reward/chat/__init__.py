"""One async way to ask a language model, for judges, data generation and selection.

```python
from llmi_reward.chat import Budget, ChatClient, Endpoint, ask_for

endpoint = Endpoint("http://localhost:8000/v1", "Qwen/Qwen3-235B-A22B-Instruct-2507")
async with ChatClient(endpoint, budget=Budget(tokens=5_000_000), journal="answers.sqlite") as chat:
    print((await chat.ask("Name a river.")).text)
```

Importing this loads no HTTP library.
"""

from llmi_reward.chat.budget import Budget
from llmi_reward.chat.client import ChatClient, Statistics
from llmi_reward.chat.endpoint import Endpoint, Prices
from llmi_reward.chat.errors import ChatError, ChatFailure
from llmi_reward.chat.journal import Journal
from llmi_reward.chat.model import Answer, ChatModel, Message, Usage, picture_part, text_part
from llmi_reward.chat.reply import Reply
from llmi_reward.chat.retry import Retries
from llmi_reward.chat.structured import ask_for, ask_until, read_as, read_json, schema_of, without_thoughts
from llmi_reward.chat.transport import OpenAITransport, Transport

__all__ = [
    "Answer",
    "Budget",
    "ChatClient",
    "ChatError",
    "ChatFailure",
    "ChatModel",
    "Endpoint",
    "Journal",
    "Message",
    "OpenAITransport",
    "Prices",
    "Reply",
    "Retries",
    "Statistics",
    "Transport",
    "Usage",
    "ask_for",
    "ask_until",
    "picture_part",
    "read_as",
    "read_json",
    "schema_of",
    "text_part",
    "without_thoughts",
]
