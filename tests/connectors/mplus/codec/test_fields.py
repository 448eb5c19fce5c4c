"""The names of fields on the wire."""

from integration.connectors.mplus import codec
from integration.core.records import FieldType, Kind


def test_every_word_has_a_wire_name_in_the_interface() -> None:
    for kind, name in ((Kind.PRODUCT, "Product"), (Kind.ARTICLE, "Article")):
        for field in codec.mappable_fields(kind):
            assert field.wire in codec.sequence(name)


def test_other_simple_fields_are_offered_by_their_wire_name() -> None:
    fields = {field.name: field for field in codec.mappable_fields(Kind.ARTICLE)}
    assert fields["supplierArticleNumber"].caption == "Supplier article number"
    assert fields["supplierRelationNumber"].type is FieldType.CODE
    assert "averagePurchasePrice" not in fields
