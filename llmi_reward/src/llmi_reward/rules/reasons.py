"""Why a rule cannot say: reasons shared by the rules that need delivered pictures."""

from llmi_reward.score import Unscored

NOT_RENDERED = Unscored(
    "needs the delivered pictures, but the document was not rendered: "
    "pass render= to the adapter, or score a RenderedDocument"
)


def tools_down(tags: int) -> Unscored:
    """A tool was unavailable, and with it up the score might have been another: not the model's fault."""
    return Unscored(f"{tags} of the tags got no picture because a tool was unavailable")
