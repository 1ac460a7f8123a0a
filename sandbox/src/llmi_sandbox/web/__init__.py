"""How this package goes on the network: one loop for all of it, polite requests, and downloads from strangers.

Addresses that a person configured are asked with `Web.request`. Addresses that came from the network (search
results, a server's picture links) are fetched with `Web.download` alone, which trusts nothing.
"""

from llmi_sandbox.web.limits import DownloadLimits
from llmi_sandbox.web.web import Answer, Web

__all__ = ["Answer", "DownloadLimits", "Web"]
