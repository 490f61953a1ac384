"""The header of Global Privacy Control: exactly `Sec-GPC: 1`, among others in any number."""

import pytest

from customering.consent.banners import opts_out
from customering.web.gpc import says_gpc


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), False),
        ((b"1",), True),
        ((b"0",), False),
        ((b"",), False),
        ((b"true",), False),
        ((b"01",), False),
        ((b"1.0",), False),
        ((b"1, 1",), False),
        ((b"1;v=2",), False),
        ((b'"1"',), False),
        ((b"?1",), False),
        (("１".encode(),), False),
        ((b"1", b"1"), True),
        ((b"0", b"1"), True),
        ((b"1", b"nonsense"), True),
        ((b"0", b"0"), False),
    ],
)
def test_the_matrix_of_the_header(values: tuple[bytes, ...], expected: bool) -> None:
    headers = [(b"host", b"1"), *((b"sec-gpc", value) for value in values), (b"dnt", b"1")]
    assert says_gpc(headers) is expected


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({}, False),
        ({"consent": {"categoryPreferences": {"ads": False}}}, False),
        ({"consent": {"gpp": {"SaleOptOut": 1}}}, True),
        ({"consent": {"gpp": {"string": "DBABMA~1", "SharingOptOut": 1}}}, True),
        ({"consent": {"gpp": {"sections": {"usnat": {"TargetedAdvertisingOptOut": 1}}}}}, True),
        ({"consent": {"gpp": {"usca": {"SaleOptOut": 1}}}}, True),
        ({"consent": {"gpp": {"SaleOptOut": 2, "SharingOptOut": 0}}}, False),
        ({"consent": {"gpp": {"SaleOptOut": True}}}, False),
        ({"consent": {"gpp": {"SaleOptOut": "1"}}}, False),
        ({"consent": {"gpp": "DBABMA~1"}}, False),
        ({"consent": {"gpp": [1]}}, False),
        ({"consent": "yes"}, False),
        ({"gpp": {"SaleOptOut": 1}}, True),
    ],
)
def test_a_gpp_opt_out_is_read_and_nothing_else(context: dict[str, object], expected: bool) -> None:
    assert opts_out(context) is expected
