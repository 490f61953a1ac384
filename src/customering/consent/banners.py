"""What consent banners and SDKs in a browser read and say: Klaro, Segment, GPP, US Privacy.

A banner is not ours: this gives Klaro its configuration from the purposes in force and reads its
answers, gives the stamp that Segment's SDKs put on events, and reads what a banner of somebody else
left on an event. Such a stamp is evidence only. What we do is decided by what we keep.
"""

from collections.abc import Mapping
from typing import Any

from customering.consent.gate import CompiledPolicy
from customering.consent.gpp import gpp_opts_out, us_privacy_opts_out
from customering.consent.model import Answer, ConsentRecord, ControllerSettings

_KLARO_VERSION = 1
_OPT_OUTS = ("SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut")
_OPTED_OUT = 1
_STRINGS = ("string", "gppString", "gpp_string")


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


def klaro_choices(consents: Mapping[str, bool], policy: CompiledPolicy) -> dict[str, Answer]:
    """Give what somebody chose in a banner of Klaro, purpose by purpose.

    Parameters
    ----------
    consents
        Service to whether it is on, as Klaro's manager keeps it. Services of the page's own, and
        those that are required, are no matter of our purposes and are left out.
    """
    found: dict[str, Answer] = {}
    for service, is_on in consents.items():
        purpose = policy.purposes.get(purpose_of(service))
        if purpose is not None and not purpose.is_essential:
            found[purpose.key] = "allow" if is_on is True else "deny"
    return found


def opts_out(context: Mapping[str, Any]) -> bool:
    """Tell whether an event carries an opt-out from sale, sharing or targeted advertising.

    It is read from ``context.consent``, where a page puts what its consent platform told it:
    ``gpp``, the string or an object with the string and the fields parsed, at once or by section;
    and ``usp``, a US Privacy string. Some SDKs put these at ``context.gpp`` and
    ``context.us_privacy``. Of fields and string either is enough.
    """
    consent = context.get("consent")
    told = consent if isinstance(consent, Mapping) else {}
    us_privacy = (told.get("usp"), told.get("us_privacy"), context.get("us_privacy"))
    if any(isinstance(text, str) and us_privacy_opts_out(text) for text in us_privacy):
        return True
    return any(_gpp_opts_out(gpp) for gpp in (told.get("gpp"), context.get("gpp")))


def _gpp_opts_out(gpp: object) -> bool:
    """Read one account of GPP: the string alone, or fields beside it."""
    if isinstance(gpp, str):
        return gpp_opts_out(gpp)
    if not isinstance(gpp, Mapping):
        return False
    texts = (gpp.get(name) for name in _STRINGS)
    if any(isinstance(text, str) and gpp_opts_out(text) for text in texts):
        return True
    sections = [gpp, *(inside for inside in gpp.values() if isinstance(inside, Mapping))]
    for inside in list(sections):
        sections += [one for one in inside.values() if isinstance(one, Mapping)]
    return any(
        section.get(name) == _OPTED_OUT and section.get(name) is not True
        for section in sections
        for name in _OPT_OUTS
    )
