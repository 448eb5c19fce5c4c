"""What may be asked of a store as it answers: of each these questions, and nothing else that it can do."""

from integration.store.stores import Stores


class KeptIssues:
    """What waits for a person, by cause."""

    def __init__(self, stores: Stores) -> None:
        kept = stores.issues
        self.causes, self.counts, self.found, self.list = kept.causes, kept.counts, kept.found, kept.list
        self.of_key, self.open, self.people = kept.of_key, kept.open, kept.people
        self.assign, self.annotate, self.close = kept.assign, kept.annotate, kept.close


class KeptLinks:
    """Which records of both systems belong together."""

    def __init__(self, stores: Stores) -> None:
        kept = stores.links
        self.get, self.any, self.count, self.booked, self.kinds = (
            kept.get,
            kept.any,
            kept.count,
            kept.booked,
            kept.kinds,
        )
        self.called, self.found, self.listed = kept.called, kept.found, kept.listed
        self.pairs, self.references = kept.pairs, kept.references


class KeptCorrections:
    """Values that people put in the place of those that were read."""

    def __init__(self, stores: Stores) -> None:
        kept = stores.corrections
        self.all, self.counts, self.of, self.mark = kept.all, kept.counts, kept.of, kept.mark
        self.keep, self.remove = kept.keep, kept.remove


class KeptRules:
    """Mappings that were published, and value tables."""

    def __init__(self, stores: Stores) -> None:
        kept = stores.rules
        self.history, self.published, self.body, self.tables = kept.history, kept.published, kept.body, kept.tables
        self.publish, self.set_table = kept.publish, kept.set_table


class KeptNotes:
    """What people wrote beside plans."""

    def __init__(self, stores: Stores) -> None:
        kept = stores.notes
        self.of, self.of_runs, self.add = kept.of, kept.of_runs, kept.add
