"""Who writes: a transformers model in this process, or any chat server, behind one protocol."""

from llmi_train.policies.local import Writer
from llmi_train.policies.policy import Completion, Messages, Policy, Request

__all__ = ["Completion", "Messages", "Policy", "Request", "Writer"]
