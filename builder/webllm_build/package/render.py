"""Jinja rendering.

Values enter templates through `tojson` or, in HTML, escaped; a variable that a template does not get is an error.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError as JinjaError, meta

from webllm_build.errors import TemplateError
from webllm_build.package.assets import templates_folder


def render(template: str, /, **values: object) -> str:
    """Render `templates/<template>`. Every value must be used and every variable given. Raises TemplateError."""
    environment = _environment()
    try:
        if odd := sorted(_variables(_source(environment, template)) ^ set(values)):
            raise TemplateError(f"template {template}: {', '.join(odd)} must be both given and used")
        return environment.get_template(template).render(**values)
    except JinjaError as error:
        raise TemplateError(f"template {template}: {error}") from error


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


@cache
def _variables(source: str) -> frozenset[str]:
    """Those that a template uses: finding them takes ten times as long as rendering."""
    return frozenset(meta.find_undeclared_variables(_environment().parse(source)))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates_folder()),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":")}
    return environment
