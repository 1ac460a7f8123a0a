"""The exceptions of the five packages, drawn once.

```
LLMIError
├── ConstraintError       a constraint that no document, or no published code, can express
├── LanguageError         a set of tools that cannot be turned into tags
├── ConfigurationError    a setting, key or file that is missing or wrong; says what to do
└── SystemRequirementError  the machine lacks something; says the command to type
```

Everything that can go wrong *inside* a document, a tool or a judge is a value (`BadTag`, a failed
`ToolResult`, an unscored `Score`), never an exception.
"""


class LLMIError(Exception):
    """Base of every error these packages raise on purpose."""


class ConstraintError(LLMIError):
    """A constraint that cannot be met or written.

    Not a ValueError, so that it leaves a pydantic validator as itself.
    """


class LanguageError(LLMIError):
    """A set of tools that does not make a usable tag language."""


class ConfigurationError(LLMIError):
    """A setting that is missing or wrong. The message says what to change."""


class SystemRequirementError(LLMIError):
    """Something the machine must have is missing. The message says what to type."""
