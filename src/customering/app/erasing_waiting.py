"""Erasures that are in force and wait: for models to be fitted anew, or for a start to note it."""

from customering.app.erasing_certificate import Certificate, certify
from customering.app.erasing_ground import ErasableHome
from customering.app.rights_acts import OPERATOR
from customering.consent.rights import moved


def models_fitted(home: ErasableHome, erasures: int) -> list[Certificate]:
    """Note that all models were fitted anew, and certify who has left them by that.

    Parameters
    ----------
    erasures
        How many erasures were in the journal when the fitting began.
    """
    fitted_of = {one.request_id for one in home.journal.erasures()[:erasures]}
    done = []
    for erasure in home.journal.waiting():
        if erasure.request_id not in fitted_of:
            continue
        kept = certify(
            erasure,
            [],
            effective_at=erasure.requested_at,
            completed_at=home.clock(),
            signer=home.signer,
        )
        home.journal.finish(erasure.request_id, kept.text)
        done.append(kept)
    if done:
        home.keep_journal_copy()
        finish_requests(home)
    return done


def finish_requests(home: ErasableHome) -> None:
    """Note of requests to erase that they are fulfilled, where the erasure was completed."""
    complete = {one.request_id for one in home.journal.erasures()}
    complete -= {erasure.request_id for erasure, _ in home.journal.pending()}
    complete -= {erasure.request_id for erasure in home.journal.waiting()}
    for request in home.rights.requests():
        if request.request_id in complete and not request.has_ended:
            done = moved(request, "fulfil", now_ms=home.clock(), actor=OPERATOR)
            home.rights.put(done)
