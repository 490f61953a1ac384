"""What consent platforms write: the opt-outs are found, and nothing else is taken for one."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customering.consent.banners import klaro_choices, klaro_config, opts_out, service_name
from customering.consent.gate import CompiledPolicy
from customering.consent.gpp import gpp_opts_out, us_privacy_opts_out
from customering.consent.model import ConsentSettings, ControllerSettings
from customering.consent.purposes import shipped_purposes

POLICY = CompiledPolicy(shipped_purposes(), ConsentSettings())
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

# Sections in which every field says 1, by the reference implementation (@iabgpp/cmpapi 3.2.0).
OPTED_OUT = {
    7: "CVVVkkkkkpFY.YA",
    8: "BVWSSSVY.YA",
    9: "BVWSSVY",
    11: "BVVkklWA",
    16: "BVWSSVWA.YA",
    24: "BVVU.YA",
    25: "BVVV.kkk",
    27: "BVVV.kkk",
}
# The same in which nothing was said.
SILENT = {7: "CAAAAAAAAABA.QA", 8: "BAAAAABA.QA", 9: "BAAAABA", 11: "BAAAAAQA", 16: "BAAAAAQA.QA",
          24: "BQAA.QA", 25: "BQAA.AAA"}  # fmt: skip


def fibonacci(value: int) -> str:
    weights = [1, 2]
    while weights[-1] <= value:
        weights.append(weights[-1] + weights[-2])
    bits = []
    for weight in reversed(weights):
        bits.append("1" if weight <= value else "0")
        value -= weight if weight <= value else 0
    return "".join(bits).lstrip("0")[::-1] + "1"


def header(ids: list[int]) -> str:
    """Write a header as the specification has it, ids that follow on each other as a range."""
    groups: list[list[int]] = []
    for one in ids:
        if groups and groups[-1][-1] == one - 1:
            groups[-1].append(one)
        else:
            groups.append([one])
    bits, last = f"{3:06b}{1:06b}{len(groups):012b}", 0
    for group in groups:
        bits += ("1" if len(group) > 1 else "0") + fibonacci(group[0] - last)
        if len(group) > 1:
            bits += fibonacci(group[-1] - group[0])
        last = group[-1]
    bits += "0" * (-len(bits) % 6)
    return "".join(ALPHABET[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def gpp(sections: dict[int, str]) -> str:
    ids = sorted(sections)
    return "~".join([header(ids), *(sections[one] for one in ids)])


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([2], "DBABMA"),
        ([7], "DBABLA"),
        ([6], "DBABTA"),
        ([2, 6], "DBACNYA"),
        ([2, 5, 6], "DBACOeA"),
    ],
)
def test_headers_are_those_of_the_reference(ids: list[int], text: str) -> None:
    assert header(ids).rstrip("A") == text.rstrip("A")


@pytest.mark.parametrize("section", sorted(OPTED_OUT))
def test_an_opt_out_of_each_kind_of_section_is_found(section: int) -> None:
    assert gpp_opts_out(gpp({section: OPTED_OUT[section]}))
    assert gpp_opts_out(gpp({2: "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", 6: "1YNN",
                             section: OPTED_OUT[section]}))  # fmt: skip


@pytest.mark.parametrize("section", sorted(SILENT))
def test_silence_is_no_opt_out(section: int) -> None:
    assert not gpp_opts_out(gpp({section: SILENT[section]}))


def test_a_control_bit_and_a_us_privacy_string_count() -> None:
    assert gpp_opts_out(gpp({8: "BAAAAABA.YA"}))  # the segment of Global Privacy Control alone
    assert not gpp_opts_out(gpp({8: "BAAAAABA.QA"}))
    assert gpp_opts_out("DBABTA~1YYN")
    assert not gpp_opts_out("DBABTA~1YNN")
    assert us_privacy_opts_out("1NYN")
    assert not any(map(us_privacy_opts_out, ("1---", "2YYN", "1YY", "YYYY", "")))


@pytest.mark.parametrize(
    "text",
    ["", "~", "D", "DBABLA", "DBABLA~", "DBABLA~?", "DBABLA~C", "DBABLA~CVVVkkkkkpFY.YA~1YYN",
     "CBABLA~CVVVkkkkkpFY.YA", "DBABLA~" + "V" * 30_000, "D" + "_" * 200, "DBABMA~CVVVkkkkkpFY.YA"],
)  # fmt: skip
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    assert not gpp_opts_out(text)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40) | st.text(alphabet=[*ALPHABET, "~", "."], max_size=60))
def test_whatever_is_sent_is_answered(text: str) -> None:
    for sent in (text, f"D{text}", f"DBABLA~{text}"):
        assert gpp_opts_out(sent) in (True, False)
    assert us_privacy_opts_out(text) in (True, False)


RAW = gpp({7: OPTED_OUT[7]})


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({}, False),
        ({"consent": {"gpp": RAW}}, True),
        ({"consent": {"gpp": {"string": RAW}}}, True),
        ({"consent": {"gpp": {"gppString": RAW, "parsedSections": {}}}}, True),
        ({"gpp": RAW}, True),
        ({"gpp": {"gpp_string": RAW, "gpp_sid": [7]}}, True),
        ({"consent": {"usp": "1YYN"}}, True),
        ({"us_privacy": "1YYN"}, True),
        ({"us_privacy": "1YNN", "consent": {"gpp": gpp({7: SILENT[7]})}}, False),
        ({"consent": {"gpp": {"string": gpp({7: SILENT[7]}),
                              "parsedSections": {"usnat": {"SharingOptOut": 1}}}}}, True),
        ({"consent": {"gpp": {"sections": {"usnat": {"SaleOptOut": True}}}}}, False),
        ({"consent": {"tcf": {"string": "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"}}}, False),
        ({"consent": "DBABLA~CVVVkkkkkpFY.YA", "gpp": 7, "us_privacy": ["1YYN"]}, False),
    ],
)  # fmt: skip
def test_it_is_found_wherever_pages_put_it(context: dict[str, Any], says: bool) -> None:
    assert opts_out(context) is says


def test_klaro_gives_back_what_it_was_given() -> None:
    services = klaro_config(POLICY, ControllerSettings())["services"]
    said = {service["name"]: place % 2 == 0 for place, service in enumerate(services)}
    chosen = klaro_choices({**said, "matomo": True, "marketing": True}, POLICY)
    choosable = {key for key, one in POLICY.purposes.items() if not one.is_essential}
    assert chosen.keys() == choosable
    for key, answer in chosen.items():
        assert answer == ("allow" if said[service_name(key)] else "deny")
    unclear: Any = {service_name("marketing.email"): "yes"}
    assert klaro_choices(unclear, POLICY) == {"marketing.email": "deny"}
