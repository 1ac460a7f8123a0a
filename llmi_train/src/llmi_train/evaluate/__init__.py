"""What a policy is worth."""

from llmi_train.evaluate.in_domain import Evaluation, Judged, evaluate, valid

__all__ = ["Evaluation", "Judged", "evaluate", "valid"]
