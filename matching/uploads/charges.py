"""The columns of charges in files of documents."""

from typing import Final

from django.utils.translation import gettext_lazy

from console.uploads import Field
from matching.models import CODE_LENGTH, Category
from matching.uploads.cells import figure_field

CODE: Final = Field("charge_code", gettext_lazy("비용 코드"), "charge_code", max=CODE_LENGTH)
CATEGORY: Final = Field(
    "charge_category",
    gettext_lazy("비용 계산"),
    "charge_category",
    choices={str(label): str(value) for value, label in Category.choices},
    note=gettext_lazy("비우면 정액이에요."),
)
VALUE: Final = figure_field("charge_value", gettext_lazy("비용 값"), "charge_value")
