"""`CodeTool`: outcomes of the sandbox as results. The sandbox itself is tested on its own."""

from importlib.metadata import version
from typing import get_args

import pytest

from llmi_sandbox import CodeResult, CodeSandbox, CodeTool, SandboxUnavailableError, Toolkit
from llmi_sandbox.code import Kind
from llmi_sandbox.code.limits import Limits
from llmi_sandbox.tools.code import reason_of
from llmi_schema import FailureReason


class Scripted(CodeSandbox):
    """A sandbox that starts nothing and answers what it is told."""

    def __init__(self, outcome: CodeResult | Exception, **settings) -> None:
        super().__init__(workers=1, **settings)
        self.outcome = outcome
        self.codes: list[str] = []
        self.closed = False

    async def arun(self, code: str) -> CodeResult:
        self.codes.append(code)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def close(self) -> None:
        self.closed = True


async def test_a_figure_becomes_the_picture(calls, make_picture):
    sandbox = Scripted(CodeResult("ok", make_picture("red", tool="code")))
    tool = CodeTool(sandbox)
    result = await tool(calls.code("plt.plot([1])"), ())
    assert result.picture == sandbox.outcome.picture
    assert sandbox.codes == ["plt.plot([1])"]
    tool.close()
    assert sandbox.closed


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("syntax_error", "crashed"),
        ("exception", "crashed"),
        ("oom", "crashed"),
        ("exited", "crashed"),
        ("no_figure", "no_result"),
        ("blank", "blank"),
        ("timeout", "timeout"),
        ("timeout_cpu", "timeout"),
        ("policy", "refused"),
        ("killed", "unavailable"),
        ("sandbox_error", "unavailable"),
        ("sandbox_lost", "unavailable"),
    ],
)
async def test_each_outcome_has_its_reason(calls, kind, reason):
    result = await CodeTool(Scripted(CodeResult(kind, message="because")))(calls.code("x"), ())
    assert (result.reason, result.message) == (reason, "because")


def test_every_outcome_has_a_known_reason_and_only_our_own_faults_are_excused():
    reasons = {kind: reason_of(kind) for kind in get_args(Kind) if kind != "ok"}
    assert set(reasons.values()) <= set(get_args(FailureReason))
    assert {k for k, r in reasons.items() if r == "unavailable"} == {"killed", "sandbox_error", "sandbox_lost"}


async def test_a_machine_without_isolation_is_not_the_calls_fault(calls):
    broken = Scripted(SandboxUnavailableError("run on Linux 5.13 or later"))
    result = await Toolkit({"code": CodeTool(broken)}).call(calls.code("x"))
    assert result.reason == "unavailable"
    assert "Linux 5.13" in result.message


def test_other_limits_are_another_identity():
    picture = CodeResult("no_figure")
    one, two = (CodeTool(Scripted(picture, limits=Limits(cpu_seconds=s))) for s in (5, 6))
    assert one.identity != two.identity
    assert one.identity == CodeTool(Scripted(picture, limits=Limits(cpu_seconds=5))).identity


def test_other_libraries_are_another_identity(monkeypatch):
    """A cache that outlives an upgrade must not answer with the old library's figures."""
    outcome = CodeResult("no_figure")
    before = CodeTool(Scripted(outcome)).identity
    assert f"matplotlib {version('matplotlib')}" in before
    assert before != CodeTool(Scripted(outcome, namespace={"nx": "networkx"})).identity
    monkeypatch.setattr("llmi_sandbox.code.sandbox.version", lambda package: "99")
    assert before != CodeTool(Scripted(outcome)).identity


@pytest.mark.parametrize("kind", ["killed", "timeout", "timeout_cpu", "sandbox_error", "sandbox_lost"])
async def test_what_the_machine_may_have_caused_is_not_kept(calls, kind):
    sandbox = Scripted(CodeResult(kind, message="busy"))
    toolkit = Toolkit({"code": CodeTool(sandbox)})
    for _ in range(2):
        assert not (await toolkit.call(calls.code("x"))).cached
    assert sandbox.codes == ["x", "x"]


async def test_another_tools_call_is_refused(calls):
    assert (await CodeTool(Scripted(CodeResult("blank")))(calls.search("x"), ())).reason == "unavailable"
