"""Fields of the till: our own, those of the interface, and custom fields that the till defines."""

from collections.abc import Mapping

from integration.connectors.mplus import codec
from integration.connectors.mplus.client import Client, Element, qualified, require_shape
from integration.connectors.mplus.codec import Vocabulary
from integration.connectors.mplus.lists import unique_elements
from integration.connectors.mplus.settings import MplusSettings
from integration.core.records import Field, Kind

_CUSTOM_LISTS = {Kind.ARTICLE: "articleCustomFieldList", Kind.RELATION: "relationCustomFieldList"}


class TillFields:
    """The fields of one installation."""

    def __init__(self, settings: MplusSettings, client: Client) -> None:
        self._client = client
        self._words = Vocabulary(settings.retire_with)

    def list_fields(self, kind: Kind) -> list[Field]:
        """Return our fields, every other simple field by its wire name, and the custom fields that the till defines."""
        fields = list(codec.document_fields(kind) or self._words.fields_of_kind(kind))
        if kind is Kind.RELATION:
            fields += codec.CONTACT_FIELDS
        if kind in _CUSTOM_LISTS:
            fields += [codec.custom_field(name, type_, kind) for name, type_ in self.custom_types(kind).items()]
        return fields

    def custom_types(self, kind: Kind = Kind.ARTICLE) -> Mapping[str, str]:
        """Return the custom fields of articles or relations with their types, as the till defines them now.

        A field with an unreadable definition is left out, because its values could be written in a wrong form.
        """
        answer = self._client.read("getCustomFieldLists")
        elements = answer.iterfind(f"{qualified(_CUSTOM_LISTS[kind])}/{qualified('customField')}")
        custom_fields = unique_elements(elements, _field_name)
        return {
            name: custom_field.findtext(qualified("dataType")) or "DATA-TYPE-UNKNOWN"
            for custom_field in custom_fields
            if (name := _field_name(custom_field)) and codec.if_readable(_is_definition, custom_field) is not None
        }


def _field_name(custom_field: Element) -> str:
    return custom_field.findtext(qualified("fieldName")) or ""


def _is_definition(custom_field: Element) -> bool:
    """Return True for the definition of a custom field. Raises WrongValueError for an unreadable one."""
    require_shape(custom_field, "CustomField")
    return True
