"""From a view to the answers: a pure function, the heart of planning.

Nothing is looked up and nothing drawn: the same view gives the same answers, on any machine, given
the flows (`campaign.solver` may find another of several equal optima; they are recorded).
"""

from __future__ import annotations

import numpy as np

from consortium.campaign import people, traits
from consortium.campaign.answers import Answers
from consortium.campaign.candidates import candidates
from consortium.campaign.caps import caps
from consortium.campaign.choice import choose
from consortium.campaign.settled import settled
from consortium.campaign.view import View, barred

__all__ = ["decide"]


def decide(view: View) -> Answers:
    """One answer for every person of the audience, however small it is."""
    rows, person = view.audience()
    persons = int(person.max(initial=-1)) + 1
    uploads, start, end = view.uploads, view.start, view.campaign.ends_at
    place = people.places(rows, person=person, uploads=uploads, key=people.order_key(view.secret))
    person = place[person]
    ids = np.zeros(persons, dtype=np.int64)
    ids[person] = rows.person
    kinds_of, kinds = traits.fold(
        rows, person=person, persons=persons, uploads=uploads, prior=view.prior, before=start
    )
    found = candidates(
        rows,
        person=person,
        traits=kinds_of,
        kinds=kinds,
        points=view.points,
        bans=view.bans,
        authors={number: slug for slug, number in view.partner_ids.items()},
        uploads=uploads,
        coverage=view.coverage,
        policies=view.compiled,
        ask=view.ask(),
        barred=barred(view, rows, person),
    )
    names = np.empty(len(rows.row), dtype=np.int64)
    names[np.lexsort((rows.number, rows.upload))] = np.arange(len(rows.row))
    choice = choose(
        found,
        persons=persons,
        names=names,
        kept=settled(
            view.kept,
            rows=rows,
            person=person,
            points=view.points,
            uploads=uploads,
            owners=found.owners,
        ),
        caps=caps(
            view.compiled,
            ceilings={slug: a.ceiling for slug, a in view.answers.items() if a.approved},
            used=view.used(),
            persons=persons,
            start=start,
            end=end,
        ),
        start=start,
        end=end,
    )
    return Answers(
        choice=choice,
        ids=ids,
        rows=rows,
        uploads=uploads,
        owners=found.owners,
        policies=view.policies,
        partner_ids=view.partner_ids,
    )
