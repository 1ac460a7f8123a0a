"""What can go wrong with a plan, a row or a file of rows. Each message names the place and the remedy."""

from llmi_schema import ConfigurationError, LLMIError


class PlanError(ConfigurationError):
    """A plan that cannot be met, or a plan file that cannot be read."""


class RowError(LLMIError):
    """A row, or a file of rows, that is not what it should be."""


class SplitError(LLMIError):
    """Rows of one scenario family, topic or wording on both sides of a split."""
