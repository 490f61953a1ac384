"""Exports of consent: ISO/IEC TS 27560 against the shapes of its mandatory fields, and Kantara."""

import json
from pathlib import Path
from typing import Any

import pytest

from customering.consent.model import ControllerSettings
from customering.consent.purposes import shipped_purposes
from customering.consent.records import Said, kantara_receipt, receipt_27560, record_27560

pyshacl = pytest.importorskip("pyshacl")
rdflib = pytest.importorskip("rdflib")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib's own parser

SHAPES = (Path(__file__).parent / "shapes_27560.ttl").read_text()
CONTROLLER = ControllerSettings(
    name="Ada's Shop GmbH",
    address="Hauptplatz 1, 1010 Wien",
    email="privacy@shop.example",
    url="https://shop.example",
    notice_url="https://shop.example/privacy",
    choices_url="https://shop.example/me",
    authority="Datenschutzbehörde",
)


def said(key: str, *, is_given: bool = True, was_given: bool = False) -> Said:
    purpose = next(one for one in shipped_purposes().purposes if one.key == key)
    return Said(
        record_id=f"r.{key}",
        subject="5f1d",
        purpose=purpose,
        is_given=is_given,
        was_given=was_given,
        at_ms=1_770_000_000_000,
        notice="ab" * 32,
        method="web",
    )


def faults(document: dict[str, Any]) -> str:
    """Validate a JSON-LD document against the shapes; empty when it conforms."""
    graph = rdflib.Graph().parse(data=json.dumps(document), format="json-ld")
    conforms, _, text = pyshacl.validate(
        graph, shacl_graph=rdflib.Graph().parse(data=SHAPES, format="turtle")
    )
    return "" if conforms else str(text)


@pytest.mark.parametrize("key", [one.key for one in shipped_purposes().purposes])
def test_the_record_of_every_purpose_has_all_mandatory_fields(key: str) -> None:
    assert faults(record_27560(said(key), CONTROLLER)) == ""


def test_a_receipt_has_its_fields_and_whole_records() -> None:
    records = [record_27560(said(key), CONTROLLER) for key in ("ads.audiences", "train_ai")]
    assert faults(receipt_27560("rcp_1", records, 1_770_000_000_000)) == ""
    del records[1]["dpv:hasDataSubject"]
    assert "hasDataSubject" in faults(receipt_27560("rcp_1", records, 1_770_000_000_000))


@pytest.mark.parametrize(
    "path",
    [
        ("dct:conformsTo",),
        ("dct:identifier",),
        ("dct:language",),
        ("dpv:hasDataSubject",),
        ("dpv:hasNotice",),
        ("dpv:hasJurisdiction",),
        ("dpv:hasLegalBasis",),
        ("dpv:hasConsentControl",),
        ("dpv:hasRight",),
        ("dpv:hasAuthority",),
        ("dpv:hasConsentStatus",),
        ("dpv:hasConsentStatus", "dpv:isIndicatedAtTime"),
        ("dpv:hasConsentStatus", "dpv:hasDuration"),
        ("dpv:hasConsentStatus", "dpv:isIndicatedBy"),
        ("dpv:hasDataController", "dpv:hasName"),
        ("dpv:hasDataController", "dpv:hasIdentifier"),
        ("dpv:hasDataController", "schema:contactPoint"),
        ("dpv:hasDataController", "schema:address"),
        ("dpv:hasProcess", "dpv:hasPurpose"),
        ("dpv:hasProcess", "dpv:hasPersonalData"),
        ("dpv:hasProcess", "dpv:hasStorageCondition"),
        ("dpv:hasProcess", "dpv:hasRecipient"),
        ("dpv:hasProcess", "dpv:hasDataSource"),
        ("dpv:hasProcess", "dpv:hasProcessing"),
    ],
)
def test_no_mandatory_field_can_be_missing(path: tuple[str, ...]) -> None:
    document = record_27560(said("ads.audiences"), CONTROLLER)
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    assert path[-1].partition(":")[2] in faults(document)


@pytest.mark.parametrize(
    ("is_given", "was_given", "state", "term"),
    [
        (True, False, "given", "ConsentGiven"),
        (True, True, "given", "ConsentGiven"),
        (False, True, "withdrawn", "ConsentWithdrawn"),
        (False, False, "refused", "ConsentRefused"),
    ],
)
def test_the_state_is_that_of_the_standard(
    is_given: bool, was_given: bool, state: str, term: str
) -> None:
    one = said("marketing.email", is_given=is_given, was_given=was_given)
    assert one.state == state
    assert f"dpv:{term}" in record_27560(one, CONTROLLER)["dpv:hasConsentStatus"]["@type"]


def test_a_kantara_receipt_has_its_required_fields_and_no_refusal() -> None:
    given = [said("marketing.email"), said("ads.audiences"), said("train_ai", is_given=False)]
    receipt = kantara_receipt("rcp_1", given, CONTROLLER)
    assert receipt["version"] == "KI-CR-v1.1.0"
    assert {
        "jurisdiction", "consentTimestamp", "collectionMethod", "consentReceiptID", "language",
        "piiPrincipalId", "piiControllers", "policyUrl", "services", "sensitive", "spiCat",
    } < receipt.keys()  # fmt: skip
    assert receipt["consentTimestamp"] == 1_770_000_000
    purposes = receipt["services"][0]["purposes"]
    assert [one["purpose"] for one in purposes] == ["E-mail", "Advertising elsewhere"]
    assert [one["thirdPartyDisclosure"] for one in purposes] == [False, True]
    for one in purposes:
        assert {
            "purpose", "purposeCategory", "consentType", "piiCategory", "primaryPurpose",
            "termination", "thirdPartyDisclosure", "thirdPartyName",
        } == one.keys()  # fmt: skip
