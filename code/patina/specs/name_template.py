"""How the names of LQ images are made of those of their GT images, as settings give it."""

from typing import Annotated

from pydantic import AfterValidator, Field

from patina.data.matching import TEMPLATE, is_template


def _template(value: str) -> str:
    if not is_template(value):
        raise ValueError(f"expected a name with one {{}} in place of the GT image's, e.g. {{}}x2, found {value!r}")
    return value


Template = Annotated[str, AfterValidator(_template), Field(json_schema_extra={"pattern": f"^{TEMPLATE}$"})]
"""A name with `{}` in place of another one."""
