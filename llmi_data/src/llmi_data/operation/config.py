"""`RunConfig`: the whole chain from one YAML file, a stanza per step."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from llmi_data.errors import RunError
from llmi_data.operation.flow import PATIENCE
from llmi_data.operation.models import ModelConfig
from llmi_data.plan import Plan
from llmi_data.yaml_file import first_problem, read_yaml
from llmi_schema import LLMIError

if TYPE_CHECKING:
    from llmi_data.generation.pictures import Pictures
    from llmi_reward.chat import Budget


class _Stanza(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GenerateConfig(_Stanza):
    """How rows are made.

    Attributes:
        model: who writes the rows; the offline generator unless given.
        pictures: what users attach in multimodal rows: a folder of pictures, a saved dataset, a parquet file.
        picture_column: the dataset's column of pictures, where there are several.
        attempts: drafts per row.
    """

    model: ModelConfig | None = None
    pictures: Path | None = None
    picture_column: str | None = None
    attempts: int = Field(default=3, ge=1)

    def users_pictures(self, plan: Plan) -> Pictures | None:
        """What is given for the plan's multimodal rows. Raises `InputPictureError`."""
        from llmi_data.generation.pictures import Pictures

        if self.pictures is None or all(cell.modality == "text" for cell in plan.cells):
            return None
        return Pictures.load(self.pictures, plan.test_share, column=self.picture_column)


class ValidateConfig(_Stanza):
    """How rows are checked.

    Attributes:
        reader: the model that reads rows blind, another than the one that wrote them; the offline rules unless given.
        judge: a model that looks for tools given away; none unless given.
        attempts: how often each is asked when an answer is not in the form.
    """

    reader: ModelConfig | None = None
    judge: ModelConfig | None = None
    attempts: int = Field(default=2, ge=1)


class BudgetConfig(_Stanza):
    """What the run may use in all, over every time it is run: tokens, money by the models' prices, or both."""

    tokens: int | None = Field(default=None, gt=0)
    money: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.tokens is None and self.money is None:
            raise RunError("budget: say tokens, money, or both")
        return self

    def open(self, journals: Mapping[Path, ModelConfig]) -> Budget:
        """A budget from which the answers in the journals are taken. Raises `RunError` where a price is missing."""
        from llmi_reward.chat import Budget, Journal, Usage

        used, spent = Usage(), 0.0
        for path, model in journals.items():
            if self.money is not None and model.money is None:
                raise RunError(f"a budget in money needs the prices of {model.name}, per million tokens")
            if path.exists():
                with Journal(path) as answers:
                    usage = answers.usage()
                used += usage
                spent += model.money.cost(usage) if model.money else 0.0
        return Budget(tokens=self.tokens, money=self.money, already=used, already_money=spent)


class RunConfig(_Stanza):
    """A run: every stanza is a step, and what is left out has a default that needs no model.

    Attributes:
        folder: where everything goes: rows after each step, journals, the dataset, the report.
        plan: what to make, in place or as the path of a plan's file.
        curate: settings of `llmi_data.curation`, its defaults unless given; False leaves the step out.
        publish: settings of `llmi_data.publishing`, for `llmi-data publish` with this file; a run publishes nothing.
        patience: after so many rows in a row without a usable answer a step stops.
    """

    folder: Path
    plan: Plan
    generate: GenerateConfig = GenerateConfig()
    validate_: ValidateConfig = Field(default=ValidateConfig(), alias="validate")
    curate: Any = Field(default=None, validate_default=True)
    publish: Any = None
    budget: BudgetConfig | None = None
    patience: int = Field(default=PATIENCE, ge=1)

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @field_validator("plan", mode="before")
    @classmethod
    def _plan_file(cls, value: Any) -> Any:
        return Plan.from_yaml(value) if isinstance(value, str | Path) else value

    @field_validator("generate", "validate_", mode="before")
    @classmethod
    def _empty_stanza(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("curate")
    @classmethod
    def _curation(cls, value: Any) -> Any:
        from llmi_data.curation import CurationSettings

        if value is False or isinstance(value, CurationSettings):
            return value
        return CurationSettings.read({} if value is None else value)

    @field_validator("publish")
    @classmethod
    def _publication(cls, value: Any) -> Any:
        from llmi_data.publishing.settings import PublishConfig

        return value if value is None or isinstance(value, PublishConfig) else PublishConfig.read(value)

    @model_validator(mode="after")
    def _two_models(self) -> Self:
        writer, reader = self.generate.model, self.validate_.reader
        if writer and reader and writer.name == reader.name:
            raise RunError(
                f"validate.reader is the model that writes the rows ({writer.name}): a second opinion must come from "
                "another model"
            )
        return self

    @property
    def models(self) -> Mapping[str, ModelConfig]:
        """The models that are asked, by their place in the file."""
        places = {
            "generate.model": self.generate.model,
            "validate.reader": self.validate_.reader,
            "validate.judge": self.validate_.judge,
        }
        return {place: model for place, model in places.items() if model is not None}

    def journal(self, name: str) -> Path:
        """Where the answers to `generate`, `reader` or `judge` are kept."""
        return self.folder / "answers" / f"{name}.sqlite"

    def open_budget(self) -> Budget | None:
        """What is left of the budget after what the journals hold."""
        if self.budget is None:
            return None
        models = {
            "generate": self.generate.model,
            "reader": self.validate_.reader,
            "judge": self.validate_.judge,
        }
        return self.budget.open({self.journal(name): model for name, model in models.items() if model is not None})

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read a run's file. Paths in it are relative to it.

        Raises `RunError` (or `PlanError`) naming the file, the place and what to change.
        """
        path = Path(path)
        value = read_yaml(path, RunError)
        if not isinstance(value, dict):
            raise RunError(f"{path}: a run is a mapping with the keys folder and plan, and a stanza per step")
        try:
            return cls.model_validate(_placed(value, path.parent))
        except ValidationError as error:
            raise RunError(f"{path}: {first_problem(error, 'the run')}") from None
        except LLMIError as problem:
            raise type(problem)(f"{path}: {problem}") from None


def _placed(value: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths as seen from where we are."""
    from llmi_data.curation import CurationSettings
    from llmi_data.publishing.settings import PublishConfig

    placed = dict(value)
    if isinstance(curate := placed.get("curate"), dict):
        placed["curate"] = CurationSettings.read(curate, folder)
    if isinstance(publish := placed.get("publish"), dict):
        placed["publish"] = PublishConfig.read(publish, folder)
    for name in ("folder", "plan"):
        if isinstance(placed.get(name), str):
            placed[name] = str(folder / placed[name])
    generate = placed.get("generate")
    if isinstance(generate, dict) and isinstance(generate.get("pictures"), str):
        placed["generate"] = {**generate, "pictures": str(folder / generate["pictures"])}
    return placed
