"""What is written in one request."""

import json
from datetime import date
from decimal import Decimal

from integration.connectors.accountview.codec import Body, Cell, encode_body
from integration.connectors.accountview.settings import (
    BusinessObject,
)


def test_a_document_travels_as_columns_and_rows_in_the_same_order() -> None:
    document = Body(
        {"SUB_NR": Cell("C", ""), "INV_DATE": Cell("T", date(2025, 3, 14))},
        {
            "SO_LINE": [
                {"ART_CODE": Cell("C", "A")},
                {"ART_CODE": Cell("C", "B"), "ART_PX": Cell("N", Decimal("19.99"))},
            ]
        },
    )
    body = encode_body(BusinessObject(code="SO1", table="SO_HDR"), document, date(2025, 3, 14))
    assert json.loads(json.dumps(body)) == {
        "BookDate": "2025-03-14T00:00:00.000Z",
        "BusinessObject": "SO1",
        "Table": {
            "Definition": {
                "Name": "SO_HDR",
                "Fields": [
                    {"Name": "RowId", "FieldType": "C"},
                    {"Name": "SUB_NR", "FieldType": "C"},
                    {"Name": "INV_DATE", "FieldType": "T"},
                ],
            },
            "DetailDefinitions": [
                {
                    "Name": "SO_LINE",
                    "Fields": [
                        {"Name": "RowId", "FieldType": "C"},
                        {"Name": "HeaderId", "FieldType": "C"},
                        {"Name": "ART_CODE", "FieldType": "C"},
                        {"Name": "ART_PX", "FieldType": "N"},
                    ],
                }
            ],
        },
        "TableData": {
            "Data": {"Rows": [{"Values": ["1", None, "2025-03-14T00:00:00.000Z"]}]},
            "DetailData": [{"Rows": [{"Values": ["1", "1", "A", None]}, {"Values": ["2", "1", "B", 19.99]}]}],
        },
    }
