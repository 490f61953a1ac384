"""What consent banners and SDKs in a browser read and say: Klaro, Segment, GPP.

A banner is not ours: this gives Klaro its configuration from the purposes in force, gives the stamp
that Segment's SDKs put on events, and reads what a banner of somebody else left on an event. Such a
stamp is evidence only. What we do is decided by what we keep.
"""

from collections.abc import Mapping
from typing import Any

from customering.consent.gate import CompiledPolicy
from customering.consent.model import ConsentRecord, ControllerSettings

_KLARO_VERSION = 1
_OPT_OUTS = ("SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut")
_OPTED_OUT = 1


def klaro_config(policy: CompiledPolicy, controller: ControllerSettings) -> dict[str, Any]:
    """Give the configuration of Klaro 0.7 for the purposes in force.

    A service of Klaro is a purpose of ours, named as its key with hyphens for dots. What is not
    essential is off until the person switches it on, and refusing is one click, as agreeing is.
    """
    services: list[dict[str, Any]] = []
    words: dict[str, dict[str, str]] = {}
    for purpose in policy.purposes.values():
        name = service_name(purpose.key)
        services.append(
            {
                "name": name,
                "title": purpose.title,
                "description": purpose.text,
                "purposes": [purpose.key.split(".")[0]],
                "required": purpose.is_essential,
                "default": purpose.is_essential,
                "optOut": False,
                "onlyOnce": False,
                "cookies": [],
            }
        )
        words[name] = {"title": purpose.title, "description": purpose.text}
    groups = {one["purposes"][0] for one in services}
    return {
        "version": _KLARO_VERSION,
        "elementID": "klaro",
        "storageMethod": "cookie",
        "cookieName": "klaro",
        "cookieExpiresAfterDays": 120,
        "default": False,
        "mustConsent": False,
        "acceptAll": True,
        "hideDeclineAll": False,
        "hideLearnMore": False,
        "groupByPurpose": True,
        "lang": controller.language,
        "translations": {
            controller.language: {
                **({"privacyPolicyUrl": controller.notice_url} if controller.notice_url else {}),
                "purposes": {group: group.replace("_", " ").capitalize() for group in groups},
                **words,
            }
        },
        "services": services,
    }


def service_name(key: str) -> str:
    """Give the name of a purpose as a service of Klaro, which `purpose_of` reads back."""
    return key.replace(".", "-")


def purpose_of(service: str) -> str:
    """Give the purpose that a service of Klaro stands for."""
    return service.replace("-", ".")


def category_preferences(policy: CompiledPolicy, record: ConsentRecord | None) -> dict[str, bool]:
    """Give what Segment's SDKs put on events as ``context.consent.categoryPreferences``."""
    mask = policy.mask(record)
    return {key: policy.allows(mask, key) for key in policy.purposes}


def opts_out(context: Mapping[str, Any]) -> bool:
    """Tell whether a GPP opt-out from sale, sharing or targeted advertising is on an event.

    It is read from ``context.consent.gpp``, where a page puts what ``__gpp`` told it: its fields
    parsed, either at once or by section, beside the raw string. Nothing is decoded here.
    """
    consent = context.get("consent")
    gpp = consent.get("gpp") if isinstance(consent, Mapping) else None
    if not isinstance(gpp, Mapping):
        return False
    sections = [gpp, *(inside for inside in gpp.values() if isinstance(inside, Mapping))]
    for inside in list(sections):
        sections += [one for one in inside.values() if isinstance(one, Mapping)]
    return any(
        section.get(name) == _OPTED_OUT and section.get(name) is not True
        for section in sections
        for name in _OPT_OUTS
    )
