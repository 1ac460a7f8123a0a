"""`PublishConfig`: what is published where, as a stanza of a run's file too."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from llmi_data.errors import RunError
from llmi_data.yaml_file import first_problem

Gate = Literal["auto", "manual", False]
"""Who may load it: those who ask, `auto`; those who ask and are let in by hand, `manual`; whoever sees it, False."""

_FILES = ("about", "hits", "clusters")


class PublishConfig(BaseModel):
    """Where rows go, and how.

    Attributes:
        repo: `me/prompts`.
        title: of the card; what it is called there, or the repository's name, unless given.
        license: of the data, as the Hub names it, such as `cc-by-4.0`; what the card there says unless given.
        about: a file with Markdown of the author's own, for the card.
        public: for everybody to see; a new repository is private otherwise, one that exists stays as it is.
        gated: whether users ask first, a setting of the repository that the Hub enforces; as it is unless given.
        revision: the branch to commit to, made from `main` where it is not there.
        tag: a name for the commit.
        pull_request: propose the commit instead of making it.
        message: of the commit.
        reports: JSON that single steps wrote with `--report`; a run's folder has its own.
        hits, clusters: what `curate` wrote with `--hits` and `--clusters`; a run's folder has its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repo: str
    title: str | None = None
    license: str | None = None
    about: Path | None = None
    public: bool = False
    gated: Gate | None = None
    revision: str | None = None
    tag: str | None = None
    pull_request: bool = False
    message: str | None = None
    reports: tuple[Path, ...] = ()
    hits: Path | None = None
    clusters: Path | None = None

    @field_validator("gated", mode="before")
    @classmethod
    def _no(cls, value: Any) -> Any:
        return False if value == "no" else value  # on a command line; YAML reads it as false by itself

    @model_validator(mode="after")
    def _owners(self) -> Self:
        if self.pull_request and (self.public or self.tag or self.gated is not None):
            raise RunError(
                "a pull request is a proposal: visibility, gate and tag are for its reader to set; leave them out"
            )
        return self

    @classmethod
    def read(cls, value: Any, folder: Path = Path(), name: str = "publish") -> Self:
        """Settings from a stanza of a YAML file that lies in `folder`. Raises `RunError`."""
        try:
            settings = cls.model_validate(value)
        except ValidationError as error:
            raise RunError(f"{name}: {first_problem(error, 'the settings')}") from None
        placed: dict[str, Any] = {n: folder / path for n in _FILES if (path := getattr(settings, n))}
        return settings.model_copy(update={**placed, "reports": tuple(folder / path for path in settings.reports)})
