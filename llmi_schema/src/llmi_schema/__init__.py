"""The language of illustrated documents: calls, documents, constraints, pictures.

```python
from llmi_schema import Constraint, ImageCount, parse

document = parse('A fox. <imgen>{"source": "search", "description": "a fox", "params": {"query": "red fox"}}</imgen>')
document.calls[0].params.query   # 'red fox'
document.bad_tags                # ()
```
"""

from llmi_schema.calls import (
    CodeCall,
    CodeParams,
    DiffusionCall,
    DiffusionParams,
    EditCall,
    EditParams,
    PictureIndex,
    SearchCall,
    SearchParams,
    ToolCall,
)
from llmi_schema.constraint import MAX_IMAGES, Constraint, ImageCount
from llmi_schema.document import BadTag, Document, Segment, Tag, Text, Thought
from llmi_schema.engines import Probe, probe, request_parameters
from llmi_schema.errors import (
    ConfigurationError,
    ConstraintError,
    LanguageError,
    LLMIError,
    SystemRequirementError,
)
from llmi_schema.grammar import ANY_DOCUMENT, Grammar, RowConstraint, close, document_grammar
from llmi_schema.language import DEFAULT_LANGUAGE, Language
from llmi_schema.parser import parse
from llmi_schema.picture import FailureReason, Picture, Provenance, ToolResult
from llmi_schema.prompt import system_prompt
from llmi_schema.rendered import RenderedDocument
from llmi_schema.repair import repair
from llmi_schema.schemas import (
    call_from_arguments,
    document_from_segments,
    segment_schema,
    tag_schema,
    tool_definitions,
)
from llmi_schema.streaming import StreamParser

__version__ = "0.1.0"

__all__ = [
    "ANY_DOCUMENT",
    "DEFAULT_LANGUAGE",
    "MAX_IMAGES",
    "BadTag",
    "CodeCall",
    "CodeParams",
    "ConfigurationError",
    "Constraint",
    "ConstraintError",
    "DiffusionCall",
    "DiffusionParams",
    "Document",
    "EditCall",
    "EditParams",
    "FailureReason",
    "Grammar",
    "ImageCount",
    "LLMIError",
    "Language",
    "LanguageError",
    "Picture",
    "PictureIndex",
    "Probe",
    "Provenance",
    "RenderedDocument",
    "RowConstraint",
    "SearchCall",
    "SearchParams",
    "Segment",
    "StreamParser",
    "SystemRequirementError",
    "Tag",
    "Text",
    "Thought",
    "ToolCall",
    "ToolResult",
    "call_from_arguments",
    "close",
    "document_from_segments",
    "document_grammar",
    "parse",
    "probe",
    "repair",
    "request_parameters",
    "segment_schema",
    "system_prompt",
    "tag_schema",
    "tool_definitions",
]
