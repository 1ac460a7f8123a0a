"""The wide scenarios: named things of many fields, each with figures and a flight of fancy, held as YAML files."""

from llmi_data.offline.wide.composer import compose
from llmi_data.offline.wide.library import DOMAINS, Domain, Subject, domain, subjects

__all__ = ["DOMAINS", "Domain", "Subject", "compose", "domain", "subjects"]
