"""Consent records as standards have them: ISO/IEC TS 27560 in JSON-LD, and Kantara receipts.

What is kept is our own short row; these are made of it when somebody asks. The JSON-LD follows the
guide "Consent Records and Receipts as per ISO/IEC TS 27560:2023 using DPV" of the W3C group for the
Data Privacy Vocabulary, in its profile for the GDPR: one record a purpose, since each has a state
of its own. The context is written out, so that nobody need fetch one.
"""

from collections.abc import Iterable
from typing import Any

from customering.consent.model import Basis, ControllerSettings, Purpose
from customering.kernel.clock import format_instant
from customering.kernel.records import Record

RECORD_PROFILE = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr"
RECEIPT_PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
KANTARA_VERSION = "KI-CR-v1.1.0"

CONTEXT: dict[str, Any] = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "dct": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "schema": "https://schema.org/",
    "cust": "urn:customering:terms:",
}

_DATA_OF = {
    "contact": "pd:Contact",
    "contact.email": "pd:EmailAddress",
    "contact.phone": "pd:TelephoneNumber",
    "contact.post": "pd:PhysicalAddress",
    "contact.device": "pd:DeviceBased",
    "purchases": "pd:PurchasesAndSpendingHabit",
    "visits": "pd:BrowsingBehaviour",
    "messages": "pd:Communication",
    "declared": "pd:Preference",
}
_LEGAL_BASIS: dict[Basis, str] = {
    "consent": "eu-gdpr:A6-1-a",
    "contract": "eu-gdpr:A6-1-b",
    "legal_obligation": "eu-gdpr:A6-1-c",
    "legitimate_interest": "eu-gdpr:A6-1-f",
}
_RIGHTS = ("A7-3", "A13", "A15", "A16", "A17", "A18", "A20", "A21", "A22", "A77")


class Said(Record, frozen=True, kw_only=True):
    """What a person said of one purpose, and in which state their consent was afterwards.

    Parameters
    ----------
    record_id
        Names the record for good.
    subject
        The pseudonym of the person.
    purpose
        The purpose, in the words that were shown.
    is_given
        Whether it was allowed.
    was_given
        Whether it had been allowed before.
    at_ms
        When. Milliseconds since 1970.
    notice
        The SHA-256 of the words that were shown, in hex.
    method
        How it was said, such as the name of the page or system.
    """

    record_id: str
    subject: str
    purpose: Purpose
    is_given: bool
    was_given: bool = False
    at_ms: int
    notice: str
    method: str

    @property
    def state(self) -> str:
        """The state of ISO/IEC TS 27560; only ``given`` permits anything."""
        if self.is_given:
            return "given"
        return "withdrawn" if self.was_given else "refused"


_STATE_OF = {
    "given": "dpv:ConsentGiven",
    "withdrawn": "dpv:ConsentWithdrawn",
    "refused": "dpv:ConsentRefused",
}


def record_27560(said: Said, controller: ControllerSettings) -> dict[str, Any]:
    """Give a consent record of ISO/IEC TS 27560 as JSON-LD, in the profile for the GDPR."""
    at, party = format_instant(said.at_ms), party_of(controller)
    return {
        "@context": CONTEXT,
        "@id": f"urn:customering:consent:{said.record_id}",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": {"@id": RECORD_PROFILE},
        "dct:identifier": said.record_id,
        "dct:language": controller.language,
        "dpv:hasDataSubject": {
            "@id": f"urn:customering:subject:{said.subject}",
            "@type": "dpv:DataSubject",
            "dct:identifier": said.subject,
        },
        "dpv:hasDataController": party,
        "dpv:hasJurisdiction": controller.jurisdiction,
        "dpv:hasLegalBasis": {"@id": _LEGAL_BASIS[said.purpose.basis]},
        "dpv:hasNotice": {
            "@id": f"urn:sha256:{said.notice}",
            "@type": "dpv:ConsentNotice",
            "dct:identifier": said.notice,
            "dct:language": controller.language,
            **_given("schema:url", controller.notice_url),
        },
        "dpv:hasProcess": _process(said.purpose, controller, party["@id"]),
        "dpv:hasConsentControl": {
            "@type": ["dpv:ProvideConsent", "dpv:WithdrawConsent"],
            "dpv:isExercisedAt": controller.choices_url or controller.email or controller.url,
        },
        "dpv:hasRight": [
            {"@id": f"eu-gdpr:{article}", "@type": "dpv:DataSubjectRight"} for article in _RIGHTS
        ],
        "dpv:hasAuthority": {
            "@type": "dpv:DataProtectionAuthority",
            "dpv:hasName": controller.authority,
        },
        "dpv:hasConsentStatus": {
            "@type": [_STATE_OF[said.state], "dpv:ExplicitlyExpressedConsent"],
            "dpv:isIndicatedBy": {"@id": "dpv:DataSubject"},
            "dpv:hasIndicationMethod": said.method,
            "dpv:isIndicatedAtTime": at,
            "dpv:hasDuration": said.purpose.retention or "until it is taken back",
        },
    }


def _process(purpose: Purpose, controller: ControllerSettings, us: str) -> dict[str, Any]:
    """Give what is done: why, with what, where, how long, and who else gets it."""
    recipients: list[Any] = [
        {"@type": "dpv:ThirdParty", "dpv:hasName": name} for name in purpose.recipients
    ]
    necessity = "dpv:Required" if purpose.is_essential else "dpv:Optional"
    operations = ["dpv:Collect", "dpv:Store", "dpv:Use"]
    operations += ["dpv:Profiling"] if purpose.is_profiling else []
    operations += ["dpv:Share"] if purpose.recipients else []
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "@type": "dpv:Purpose",
            "dct:identifier": purpose.key,
            "dct:title": purpose.title,
            "dct:description": purpose.text,
            **({"skos:broader": {"@id": purpose.dpv_iri}} if purpose.dpv_iri else {}),
        },
        "dpv:hasPersonalData": [
            {
                "@type": "dpv:PersonalData",
                "dct:identifier": category,
                "skos:broader": {"@id": _data_of(category)},
                "dpv:hasNecessity": {"@id": necessity},
            }
            for category in purpose.categories or ("declared",)
        ],
        "dpv:hasDataSource": {"@id": "dpv:DataSubjectDataSource"},
        "dpv:hasProcessing": [{"@id": one} for one in operations],
        "dpv:hasAutomation": {
            "@id": "dpv:FullyAutomated" if purpose.is_profiling else "dpv:AssistiveAutomation"
        },
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": controller.storage_location},
            {
                "@type": "dpv:StorageDuration",
                "dpv:hasDuration": purpose.retention or "as long as we stand in a relationship",
            },
        ],
        "dpv:hasProcessingCondition": {
            "@type": "dpv:ProcessingLocation",
            "dpv:hasLocation": controller.storage_location,
        },
        "dpv:hasRecipient": recipients or [{"@id": us}],
        "cust:value_exchange": {
            "cust:gives": purpose.gives,
            "cust:returns": purpose.value.returns,
            "cust:when_withdrawn": purpose.value.when_withdrawn,
        },
    }


def party_of(controller: ControllerSettings) -> dict[str, Any]:
    """Give the controller as a party of ISO/IEC TS 27560."""
    name = controller.url or "urn:customering:controller"
    return {
        "@id": name,
        "@type": "dpv:DataController",
        "dpv:hasIdentifier": name,
        "dpv:hasName": controller.name,
        "schema:contactPoint": {"@type": "schema:ContactPoint", "schema:email": controller.email},
        "schema:address": {
            "@type": "schema:PostalAddress",
            "schema:streetAddress": controller.address,
        },
        **_given("schema:url", controller.url),
    }


def receipt_27560(
    receipt_id: str, records: Iterable[dict[str, Any]], created_ms: int
) -> dict[str, Any]:
    """Give a consent receipt of ISO/IEC TS 27560: its id, when it was made, and the records."""
    return {
        "@context": CONTEXT,
        "@id": f"urn:customering:receipt:{receipt_id}",
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": {"@id": RECEIPT_PROFILE},
        "dpv:hasIdentifier": receipt_id,
        "dct:created": format_instant(created_ms),
        "dpv:hasRecordOfActivity": [
            {name: value for name, value in record.items() if name != "@context"}
            for record in records
        ],
    }


def kantara_receipt(
    receipt_id: str, given: Iterable[Said], controller: ControllerSettings
) -> dict[str, Any]:
    """Give a Kantara consent receipt (v1.1.0) of what a person allowed at one time.

    Its form has no place for a refusal: purposes that were not allowed are left out.
    """
    every = [one for one in given if one.is_given]
    at_ms = max((one.at_ms for one in every), default=0)
    return {
        "version": KANTARA_VERSION,
        "jurisdiction": controller.jurisdiction,
        "consentTimestamp": at_ms // 1_000,
        "collectionMethod": every[0].method if every else "",
        "consentReceiptID": receipt_id,
        "language": controller.language,
        "piiPrincipalId": every[0].subject if every else "",
        "piiControllers": [
            {
                "piiController": controller.name,
                "contact": controller.name,
                "address": {"streetAddress": controller.address},
                "email": controller.email,
                "phone": "",
            }
        ],
        "policyUrl": controller.notice_url,
        "services": [
            {
                "service": controller.name,
                "purposes": [
                    {
                        "purpose": one.purpose.title,
                        "purposeCategory": [one.purpose.dpv_iri or one.purpose.key],
                        "consentType": "EXPLICIT",
                        "piiCategory": list(one.purpose.categories),
                        "primaryPurpose": one.purpose.is_essential,
                        "termination": one.purpose.retention,
                        "thirdPartyDisclosure": bool(one.purpose.recipients),
                        "thirdPartyName": ", ".join(one.purpose.recipients),
                    }
                    for one in every
                ],
            }
        ],
        "sensitive": False,
        "spiCat": [],
    }


def _data_of(category: str) -> str:
    """Give the category of the vocabulary for one of ours; the general one for an operator's."""
    return _DATA_OF.get(category) or _DATA_OF.get(category.split(".")[0], "dpv:PersonalData")


def _given(name: str, value: str) -> dict[str, str]:
    """Give an entry where there is something to say."""
    return {name: value} if value else {}
