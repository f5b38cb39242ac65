"""The configuration as it is shown: everything of the line file, secrets only as being given."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Shown = dict[str, JsonValue]


class LineShown(BaseModel):
    """The line itself."""

    name: str
    speed: float = Field(default=1.0, description="times faster than the wall's clock; 1 on real machines")
    is_simulated: bool = False
    max_out_s: float | None = Field(
        default=None, description="seconds that a lot may be outside the dry room; none: any"
    )
    foil_batches: dict[str, str] = Field(default={}, description="foil -> the batch that is on the line")


class UnitShown(BaseModel):
    """One unit of the line."""

    kind: str
    profile: str = Field(description="the file that describes its controller")
    url: str = Field(description="where it is reached")
    fitness: Shown = Field(description="calibration, zero and cycles, as the line file states them")


class ConfigurationBody(BaseModel):
    """What the service works with. Keys and their units are those of the line file (docs/reference/line-file.md)."""

    model_config = ConfigDict(extra="forbid")

    line: LineShown
    units: dict[str, UnitShown] = {}
    service: Shown = Field(default={}, description="the pages and the API")
    store: Shown = Field(default={}, description="where journal, recipes and people are kept")
    historian: Shown = Field(default={}, description="trends")
    mqtt: Shown | None = Field(default=None, description="telemetry; none where nothing is published")
    people: Shown = Field(default={}, description="how many are at the line, and how they sign in")
