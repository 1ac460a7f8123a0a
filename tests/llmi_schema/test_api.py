from __future__ import annotations

import subprocess
import sys

import llmi_schema

PUBLIC = [
    "ANY_DOCUMENT",
    "BadTag",
    "CodeCall",
    "CodeParams",
    "ConfigurationError",
    "Constraint",
    "ConstraintError",
    "DEFAULT_LANGUAGE",
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
    "MAX_IMAGES",
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


def test_the_public_list() -> None:
    assert sorted(llmi_schema.__all__) == sorted(PUBLIC)
    assert all(hasattr(llmi_schema, name) for name in PUBLIC)


def test_import_is_light() -> None:
    """No heavy library, and under 0.2 s of processor time (the best of three)."""
    code = (
        "import sys, time; begin = time.process_time(); import llmi_schema; took = time.process_time() - begin;"
        "heavy = {'torch', 'transformers', 'outlines', 'llguidance', 'xgrammar', 'numpy', 'datasets', 'trl'};"
        "print(took, *sorted(heavy & sys.modules.keys()))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(3)
    ]
    assert all(len(run) == 1 for run in runs), runs
    assert min(float(run[0]) for run in runs) < 0.2
