"""All motifs in one tuple."""

from __future__ import annotations

from llmi_sandbox.tools.drawing.animals import ANIMALS
from llmi_sandbox.tools.drawing.food import FOOD
from llmi_sandbox.tools.drawing.landmarks import LANDMARKS
from llmi_sandbox.tools.drawing.motif import Motif
from llmi_sandbox.tools.drawing.plants import PLANTS
from llmi_sandbox.tools.drawing.things import THINGS
from llmi_sandbox.tools.drawing.vehicles import VEHICLES

MOTIFS: tuple[Motif, ...] = (*ANIMALS, *LANDMARKS, *VEHICLES, *FOOD, *THINGS, *PLANTS)
