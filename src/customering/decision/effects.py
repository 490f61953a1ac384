"""How much of what a person takes up would not have come without us, for each candidate.

Acceptance counts by that share: who would buy anyway, and whom we put off, is worth no contact. It
is 1 wherever nothing was measured.
"""

import numpy as np

from customering.decision.policy import Case
from customering.decision.stance import Stance
from customering.decision.table import Floats

CONTACT = "contact"
ACTION = "action:"


def effects_of(case: Case, stance: Stance) -> Floats | None:
    """Give the share of each candidate, in [0, 1]; None when it is 1 for all.

    What was measured of one action says most of it; of the others that of getting in touch by this
    channel, or by any. Where the person already is, only single actions were measured.
    """
    known = case.person.effects
    if not known or stance.is_essential or not stance.may_use_facts:
        return None
    request, offer = case.request, case.offer
    usual = 1.0
    if request.is_contact:
        usual = known.get(f"{CONTACT}:{request.channel}", known.get(CONTACT, 1.0))
    own = {
        name.removeprefix(ACTION): share for name, share in known.items() if name.startswith(ACTION)
    }
    if not own:
        return None if usual == 1.0 else np.full(len(offer), usual)
    ids = (name for table in offer.tables for name in table.columns.action_id)
    shares = np.array([own.get(name, usual) for name in ids], dtype=np.float64)
    return None if (shares == 1.0).all() else shares
