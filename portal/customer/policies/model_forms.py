"""The forms of the page about models."""

from typing import Any

from wtforms import RadioField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from api.model_catalogue.derivation import OnContradiction
from api.model_catalogue.entries import CatalogueVersion, OwnModel
from api.policies.document import PolicyDocument
from core.forms import Form, stripped

_EXTERNAL = {"": "As in the catalogue", "yes": "Yes", "no": "No"}
_TRUTH = {"": None, "yes": True, "no": False}


class CatalogueForm(Form):
    model_catalogue = SelectField(
        "Catalogue version",
        choices={version.value: version.value or "Off" for version in CatalogueVersion},
        description="Catalogue versions are fixed. Decisions change only when you choose another version.",
    )
    on_contradiction = RadioField(
        "If a caller contradicts the catalogue",
        choices={
            OnContradiction.CALLER.value: "Use what the caller sent, and record the contradiction",
            OnContradiction.CATALOGUE.value: "Use the catalogue, and record the contradiction",
            OnContradiction.BLOCK.value: "Block the request",
        },
    )

    @classmethod
    def of(cls, document: PolicyDocument) -> "CatalogueForm":
        chosen = {"model_catalogue": document.model_catalogue, "on_contradiction": document.on_contradiction}
        return cls(formdata=None, **{name: value.value for name, value in chosen.items()})

    def values(self) -> dict[str, Any]:
        return {"model_catalogue": self.model_catalogue.data, "on_contradiction": self.on_contradiction.data}


class OwnModelForm(Form):
    model = StringField(
        "Model",
        filters=[stripped],
        description="A name, or a prefix followed by *, such as llama*.",
        validators=[DataRequired("Enter a model."), Length(max=128)],
        render_kw={"spellcheck": "false"},
    )
    is_external = SelectField("Runs outside your own systems", choices=_EXTERNAL)
    provider = StringField(
        "Provider", filters=[stripped], description="Who runs it, such as aws.bedrock.", validators=[Length(max=64)]
    )
    family = StringField("Family", filters=[stripped], description="Such as gpt-4o.", validators=[Length(max=64)])
    region = StringField(
        "Region", filters=[stripped], description="Where it runs, such as eu.", validators=[Length(max=64)]
    )

    @classmethod
    def of(cls, model: str, entry: OwnModel | None) -> "OwnModelForm":
        if entry is None:
            return cls(formdata=None, model=model)
        external = next(name for name, truth in _TRUTH.items() if truth is entry.is_external)
        return cls(
            formdata=None,
            model=entry.model,
            is_external=external,
            provider=entry.provider,
            family=entry.family,
            region=entry.region,
        )

    def value(self) -> dict[str, Any]:
        stated = {
            "model": self.model.data,
            "is_external": _TRUTH.get(self.is_external.data),
            "provider": self.provider.data or None,
            "family": self.family.data or None,
            "region": self.region.data or None,
        }
        return {name: value for name, value in stated.items() if value is not None}
