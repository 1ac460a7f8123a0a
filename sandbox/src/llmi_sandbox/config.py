"""A toolkit from the environment or from a file. Nothing is contacted while it is built.

Names in the environment (the first four are those of the published scripts):

| | |
|---|---|
| `SERP_API_KEY` | search with SerpAPI first; Openverse and Wikimedia Commons, which need no key, stand behind it |
| `ARK_API_KEY` | generate with Seedream and edit with SeedEdit, where no server below does it |
| `QWEN_IMAGE_SERVER_URL` | generate on these servers: addresses with commas between; their dialect is found out |
| `QWEN_EDIT_SERVER_URL` | edit on these |
| `LLMI_IMAGE_API_KEY` | the key these servers want, if they do |
| `LLMI_SEARCH_FOLDER` | search this folder of captioned pictures before everything else |
| `LLMI_TOOL_CACHE` | keep answers in this folder, across runs |

A file says the same and more (TOML; JSON and YAML have the same keys):

```toml
cache = "tool-cache"

[search]
providers = [{kind = "folder", path = "pictures"}, {kind = "serpapi", key_env = "SERP_API_KEY"}, {kind = "openverse"}]

[diffusion]
servers = [{url = "http://gpu-1:8000"}, {url = "http://gpu-2:8000"}]
drawing = {size = [1024, 1024], steps = 30, true_cfg = 4.0}

[edit]
pipeline = {model = "Qwen/Qwen-Image-Edit", device = "cuda"}

[code]
workers = 4

[limits.diffusion]
deadline_seconds = 180
concurrency = 8
```
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError, model_validator

from llmi_sandbox.retries import RetryPolicy
from llmi_sandbox.tools.dialects import DialectName, Drawing
from llmi_schema import ConfigurationError
from llmi_schema.yaml_text import parse_yaml

if TYPE_CHECKING:
    from llmi_sandbox.toolkit import Toolkit
    from llmi_sandbox.tools.base import Tool
    from llmi_sandbox.web import Web

ARK = "https://ark.cn-beijing.volces.com"

Built = TypeVar("Built", bound="Toolkit")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Keyed(_Settings):
    """A key, or the name of the environment variable that holds it: keys do not belong into files."""

    key: SecretStr | None = None
    key_env: str | None = None

    def secret(self) -> str | None:
        if self.key is not None:
            return self.key.get_secret_value()
        if self.key_env is None:
            return None
        if not (value := os.environ.get(self.key_env)):
            raise ConfigurationError(f"the environment variable {self.key_env} is not set")
        return value


class FolderSettings(_Settings):
    """A folder of captioned pictures; see `tools/search.py`."""

    kind: Literal["folder"]
    path: Path


class DatasetSettings(_Settings):
    """A dataset of captioned pictures: what `datasets.load_dataset` takes, or a folder of `save_to_disk`."""

    kind: Literal["dataset"]
    path: str
    split: str = "train"
    image: str = "image"
    caption: str = "text"


class GallerySettings(_Settings):
    """The offline gallery's drawings."""

    kind: Literal["gallery"]


class OpenverseSettings(_Settings):
    kind: Literal["openverse"]
    base: str = "https://api.openverse.org"


class CommonsSettings(_Settings):
    kind: Literal["commons"]
    base: str = "https://commons.wikimedia.org"


class SerpApiSettings(_Keyed):
    kind: Literal["serpapi"]
    base: str = "https://serpapi.com"


ProviderSettings = Annotated[
    FolderSettings | DatasetSettings | GallerySettings | OpenverseSettings | CommonsSettings | SerpApiSettings,
    Field(discriminator="kind"),
]


class SearchSettings(_Settings):
    """Who is asked, in order, until one has a picture."""

    providers: list[ProviderSettings] = Field(min_length=1)


class ServerSettings(_Keyed):
    """One image server; see `ImageServer`."""

    url: str
    dialect: DialectName = "auto"
    model: str | None = None


class PipelineSettings(_Settings):
    """A model in this process; see `Pipeline`."""

    model: str
    device: str = "auto"
    dtype: str = "auto"


class MakerSettings(_Settings):
    """Who generates, or edits: servers, a model in this process, or the offline stand-in."""

    servers: list[ServerSettings] | None = Field(default=None, min_length=1)
    pipeline: PipelineSettings | None = None
    offline: bool = False
    drawing: dict[str, Any] = {}

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.servers is not None) + (self.pipeline is not None) + self.offline != 1:
            raise ValueError("one of `servers`, `pipeline` and `offline = true` is needed")
        return self


class CodeSettings(_Settings):
    workers: int | None = Field(default=None, ge=1)
    unsafe: bool = False


class LimitSettings(_Settings):
    """Limits of one tool; see `Toolkit` and `RetryPolicy`. What is left out keeps its default."""

    deadline_seconds: float | None = Field(default=None, gt=0)
    concurrency: int | None = Field(default=None, ge=1)
    attempts: int | None = Field(default=None, ge=1)
    first_delay: float | None = Field(default=None, ge=0)
    longest_delay: float | None = Field(default=None, ge=0)
    failures: int | None = Field(default=None, ge=1)
    rest_seconds: float | None = Field(default=None, ge=0)
    cache: bool = True

    @property
    def retry(self) -> RetryPolicy:
        names = ("attempts", "first_delay", "longest_delay", "failures", "rest_seconds")
        return replace(RetryPolicy(), **{name: value for name in names if (value := getattr(self, name)) is not None})


class NetworkSettings(_Settings):
    """`trusted` hosts may be at private addresses; `rates` are seconds between two requests to a host."""

    trusted: frozenset[str] = frozenset()
    rates: dict[str, float] = {}


class ToolkitSettings(_Settings):
    """All of a toolkit. A tool whose section is missing is not there, but for code, which always is."""

    search: SearchSettings | None = None
    diffusion: MakerSettings | None = None
    edit: MakerSettings | None = None
    code: CodeSettings = CodeSettings()
    limits: dict[str, LimitSettings] = {}
    network: NetworkSettings = NetworkSettings()
    cache: Path | None = None


def settings_from_env(environ: Mapping[str, str] | None = None) -> ToolkitSettings:
    """What the environment asks for; see the table above."""
    env = {name: value.strip() for name, value in (os.environ if environ is None else environ).items()}
    providers: list[dict[str, Any]] = []
    if folder := env.get("LLMI_SEARCH_FOLDER"):
        providers.append({"kind": "folder", "path": folder})
    if key := env.get("SERP_API_KEY"):
        providers.append({"kind": "serpapi", "key": key})
    providers += [{"kind": "openverse"}, {"kind": "commons"}]
    found: dict[str, Any] = {"search": {"providers": providers}, "cache": env.get("LLMI_TOOL_CACHE") or None}
    for tool, name in (("diffusion", "QWEN_IMAGE_SERVER_URL"), ("edit", "QWEN_EDIT_SERVER_URL")):
        own_key = env.get("LLMI_IMAGE_API_KEY") or None
        urls = [url for url in env.get(name, "").replace(",", " ").split() if url]
        if urls:
            found[tool] = {"servers": [{"url": url, "key": own_key} for url in urls]}
        elif ark := env.get("ARK_API_KEY"):
            found[tool] = {"servers": [{"url": ARK, "dialect": "ark", "key": ark}]}
    return _validated(found, "the environment")


def settings_from_file(path: str | Path) -> ToolkitSettings:
    """What a file asks for. Raises ConfigurationError when it cannot be read or understood.

    Relative paths in it start at its own folder.
    """
    path = Path(path).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} cannot be read: it is not UTF-8 text") from None
    settings = _validated(_parsed(path, text), str(path))
    home = path.resolve().parent
    providers = [
        provider.model_copy(update={"path": home / provider.path}) if isinstance(provider, FolderSettings) else provider
        for provider in (settings.search.providers if settings.search else ())
    ]
    search = SearchSettings(providers=providers) if providers else None
    return settings.model_copy(update={"search": search, "cache": settings.cache and home / settings.cache})


def _parsed(path: Path, text: str) -> Any:
    try:
        match path.suffix.lower():
            case ".toml":
                return tomllib.loads(text)
            case ".json":
                return json.loads(text)
            case ".yaml" | ".yml":
                return parse_yaml(text)
    except ImportError:
        raise ConfigurationError(f"{path}: reading YAML needs PyYAML; TOML and JSON need nothing") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} cannot be understood: {error}") from None
    raise ConfigurationError(f"{path}: a toolkit is described in a .toml, .json or .yaml file")


def _validated(value: Any, where: str) -> ToolkitSettings:
    try:
        return ToolkitSettings.model_validate(value)
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]  # the input may be a key
        unknown = "there is no such setting; correct its name or take it out"
        said = unknown if problem["type"] == "extra_forbidden" else problem["msg"]
        raise ConfigurationError(f"{where}: {'.'.join(map(str, problem['loc']))}: {said}") from None


def build(kind: type[Built], settings: ToolkitSettings) -> Built:
    """The toolkit that the settings describe."""
    from llmi_sandbox.cache import ResultCache
    from llmi_sandbox.code import CodeSandbox
    from llmi_sandbox.toolkit import DEFAULT_CONCURRENCY, DEFAULT_DEADLINE
    from llmi_sandbox.tools.code import CodeTool
    from llmi_sandbox.web import Web

    web = Web(rates=settings.network.rates, trusted=settings.network.trusted)
    tools: dict[str, Tool] = {}
    if settings.search is not None:
        tools["search"] = _search(settings.search.providers, web)
    if settings.diffusion is not None:
        tools["diffusion"] = _maker("diffusion", settings.diffusion, web)
    if settings.edit is not None:
        tools["edit"] = _maker("edit", settings.edit, web)
    sandbox = CodeSandbox(workers=settings.code.workers, unsafe=settings.code.unsafe)
    tools["code"] = CodeTool(sandbox)
    # search: each provider has 25 seconds; making: a server's queue takes its time
    deadlines = {"search": 90.0, "diffusion": 300.0, "edit": 300.0, "code": DEFAULT_DEADLINE}
    concurrency = {**dict.fromkeys(tools, DEFAULT_CONCURRENCY), "code": sandbox.workers}
    if unknown := settings.limits.keys() - tools.keys():
        raise ConfigurationError(f"limits names tools that are not there: {', '.join(sorted(unknown))}")
    for name, limit in settings.limits.items():
        deadlines[name] = limit.deadline_seconds or deadlines[name]
        concurrency[name] = limit.concurrency or concurrency[name]
    return kind(
        tools,
        deadline_seconds={name: deadlines[name] for name in tools},
        concurrency=concurrency,
        retry={name: limit.retry for name, limit in settings.limits.items()},
        cache=ResultCache(folder=settings.cache),
        uncached=[name for name, limit in settings.limits.items() if not limit.cache],
        holds=[web],
    )


def _search(providers: Sequence[Any], web: Web) -> Tool:
    from llmi_sandbox.tools.fallback import Fallback

    tools = [_provider(provider, web) for provider in providers]
    return tools[0] if len(tools) == 1 else Fallback(tools)


def _provider(settings: Any, web: Web) -> Tool:
    from llmi_sandbox.tools.gallery import gallery
    from llmi_sandbox.tools.search import LocalSearch
    from llmi_sandbox.tools.web_providers import Openverse, SerpApi, WikimediaCommons
    from llmi_sandbox.tools.web_search import WebSearch

    match settings:
        case FolderSettings(path=path):
            return LocalSearch.from_folder(path)
        case DatasetSettings():
            return LocalSearch.from_dataset(
                settings.path, split=settings.split, image=settings.image, caption=settings.caption
            )
        case OpenverseSettings(base=base):
            return WebSearch(Openverse(base=base), web=web)
        case CommonsSettings(base=base):
            return WebSearch(WikimediaCommons(base=base), web=web)
        case SerpApiSettings():
            if not (key := settings.secret()):
                raise ConfigurationError("serpapi needs a key: set key_env to the variable that holds it")
            return WebSearch(SerpApi(key=key, base=settings.base), web=web)
    return LocalSearch(gallery(), provider="offline gallery")


def _maker(tool: Literal["diffusion", "edit"], settings: MakerSettings, web: Web) -> Tool:
    drawing = _drawing(tool, settings.drawing)
    if settings.servers is not None:
        from llmi_sandbox.tools.served import ServedEditor, ServedGenerator
        from llmi_sandbox.tools.servers import ImageServer

        servers = [ImageServer(s.url, s.dialect, s.model, s.secret()) for s in settings.servers]
        served = ServedGenerator if tool == "diffusion" else ServedEditor
        return served(servers, drawing=drawing, web=web)
    if settings.pipeline is not None:
        from llmi_sandbox.tools.pipelines import Pipeline, PipelineEditor, PipelineGenerator

        wanted = settings.pipeline
        pipeline = Pipeline(wanted.model, device=wanted.device, dtype=wanted.dtype)
        piped = PipelineGenerator if tool == "diffusion" else PipelineEditor
        return piped(pipeline, drawing=drawing)
    if tool == "edit":
        from llmi_sandbox.tools.edit import OfflineEditor

        return OfflineEditor()
    from llmi_sandbox.tools.generate import OfflineGenerator

    return OfflineGenerator(**({"size": drawing.size} if "size" in settings.drawing and drawing.size else {}))


def _drawing(tool: str, wishes: Mapping[str, Any]) -> Drawing:
    start = Drawing(size=None) if tool == "edit" else Drawing()
    known = [field.name for field in fields(Drawing)]
    if unknown := wishes.keys() - set(known):
        raise ConfigurationError(f"{tool}.drawing has no {min(unknown)!r}; there are {', '.join(known)}")
    try:
        return TypeAdapter(Drawing).validate_python({**asdict(start), **wishes})
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise ConfigurationError(f"{tool}.drawing.{where}: {problem['msg']}") from None
