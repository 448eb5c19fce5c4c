"""The fields of the till, each under one name."""

from integration.connectors.mplus.connector import Mplus
from integration.core.records import Kind


def test_fields_have_one_name_each_and_include_custom_ones(connector: Mplus) -> None:
    for kind in (Kind.PRODUCT, Kind.ARTICLE, Kind.GROUP):
        names = [field.name for field in connector.fields(kind)]
        assert "name" in names
        assert len(names) == len(set(names))
    assert any(field.custom for field in connector.fields(Kind.ARTICLE))
