"""What can go wrong, from a plan to a publication. Each message names the place and the remedy."""

from llmi_schema import ConfigurationError, LLMIError


class PlanError(ConfigurationError):
    """A plan that cannot be met, or a plan file that cannot be read."""


class RunError(ConfigurationError):
    """A run's file that cannot be read, or settings that do not go together."""


class InputPictureError(ConfigurationError):
    """Pictures for multimodal rows that are missing or cannot be read."""


class RowError(LLMIError):
    """A row, or a file of rows, that is not what it should be."""


class CurationError(ConfigurationError):
    """Settings of curation that cannot be used, or a benchmark that cannot be read."""


class SplitError(LLMIError):
    """Rows of one scenario family, topic or wording on both sides of a split."""


class StoppedError(LLMIError):
    """A step that ended before its last row. Everything paid for is in the journal, and running it again goes on."""


class PublishingError(LLMIError):
    """What cannot be published, or what the Hub did not take. The message says why, and how the repository is now."""
