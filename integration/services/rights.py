"""Which right each question to a service asks for: all of them, in one table. What stands in none may not be asked.

The names are those by which the application has its services. What is `WITHIN` a service is asked by other services and
by the program itself, and by nobody else.
"""

from collections.abc import Mapping

from integration.core.people import Right

SEE, READ_LOG, EXPORT, COMPARE, RUN, REPAIR, ARRANGE, TRY, CONNECT, ADMINISTER, ASK_SQL, EXPORT_LOG = Right

_TABLE: Mapping[str, Mapping[Right, str]] = {
    "alerts": {ADMINISTER: "test"},
    "alerts.silences": {SEE: "now until", ADMINISTER: "keep lift"},
    "arrangement": {ADMINISTER: "text read of_file take keep"},
    "audit": {ADMINISTER: "entries count known anchors checked verify csv listed file"},
    "backups": {SEE: "last", ADMINISTER: "commands file_name is_at_work result", EXPORT_LOG: "taking take"},
    "bulk": {REPAIR: "set_aside take_back assign", RUN: "try_again"},
    "change_requests": {SEE: "waiting", ARRANGE: "approve reject"},
    "channels": {SEE: "every", ADMINISTER: "address save forget test"},
    "choices": {RUN: "leave take"},
    "connections": {
        SEE: "statuses of known prefix_in_use are_well failed is_entered is_logged_in check",
        CONNECT: "use_sandbox join_sandbox connect_mplus address authorize_address authorized companies choose_company",
    },
    "corrections": {SEE: "all counts of mark", REPAIR: "remove"},
    "day_sheets": {EXPORT: "pdf excel sheet"},
    "days": {SEE: "flow today listed report branches", COMPARE: "check check_span gift_cards"},
    "documents": {SEE: "both", REPAIR: "book_again"},
    "drafts": {
        SEE: "draft version current faults records recent trial why objections effect",
        ARRANGE: "put_rule remove_rule restore_rule take_version rebase discard publish",
    },
    "drift": {SEE: "latest held", COMPARE: "look"},
    "exceptions": {
        SEE: "groups group every left of_run waits tries came made_with issues_of sources keys unmapped row_causes"
        " records candidates meant article sold",
        EXPORT: "listed",
        REPAIR: "set_aside take_back correct answer choose decide",
    },
    "first_week": {SEE: "tasks begins_with shown", ARRANGE: "hide"},
    "flows": {
        SEE: "spec settings status statuses schedules is_on is_unproven as_set stops sift source_field get keys values"
        " items noun",
        ARRANGE: "change",
    },
    "four_eyes": {SEE: "brakes limits needed first", ADMINISTER: "change"},
    "health": {SEE: "look"},
    "installation": {SEE: "status", ADMINISTER: "confirm"},
    "issues": {SEE: "causes counts found list of_key open people", REPAIR: "assign annotate close"},
    "keys": {ADMINISTER: "change"},
    "links": {SEE: "any booked called count get kinds references pairs", READ_LOG: "found listed"},
    "listings": {EXPORT: "excel readable for_programs"},
    "lists": {SEE: "captions choices fields readable vat_rates"},
    "log": {
        SEE: "aside process change_paces volume durations",
        READ_LOG: "search span history around_history flows_of of_run errors",
        ASK_SQL: "tables ask answer",
        EXPORT_LOG: "export",
    },
    "log_access": {SEE: "place", ASK_SQL: "answer", EXPORT_LOG: "download_token exported"},
    "mappings": {SEE: "published", ARRANGE: "publish"},
    "metrics": {SEE: "text"},
    "missing_rows": {SEE: "groups rows", REPAIR: "add"},
    "monitoring": {
        SEE: "going_on past flows sent failing last_sent last_ping channel_name",
        ADMINISTER: "gone_for_good",
    },
    "names": {SEE: "has_object kept in_force record", CONNECT: "look put put_together"},
    "notes": {SEE: "of of_runs", COMPARE: "add"},
    "openings": {SEE: "now", ADMINISTER: "change"},
    "people": {
        SEE: "asks_log_in names leave",
        ADMINISTER: "every sessions invite change switch revoke",
    },
    "persons": {ADMINISTER: "customer kept every access erase unfinished resume lift"},
    "pictures": {SEE: "thumbnail"},
    "pings": {SEE: "every", ADMINISTER: "change"},
    "plans": {
        SEE: "row rows count changes facets article_names group_names line_about marked proven sold sums tallies titles"
        " unsettled why writes",
        EXPORT: "listed",
    },
    "prices": {SEE: "flow are_sent are_told customers articles branches one", COMPARE: "prove", REPAIR: "again"},
    "questions": {SEE: "shipped saved", ASK_SQL: "save remove"},
    "reach": {SEE: "stands of"},
    "retention": {
        SEE: "chosen kept files is_on_a_server last next",
        ADMINISTER: "change prune",
    },
    "rules": {SEE: "history published tables body"},
    "runs": {
        SEE: "get latest count counts every_waiting open_plan phases speed outdated doubtful"
        " held_since is_at_limit worked",
        RUN: "preview try_again undo commit resume cancel discard",
    },
    "sandbox": {SEE: "is_connected is_chosen is_asked_for runs_here", TRY: "running pass_a_day"},
    "saved_filters": {SEE: "of keep forget"},
    "search": {SEE: "places", READ_LOG: "records names"},
    "settings": {SEE: "data address"},
    "setup": {
        SEE: "chosen started suggested questions lack readiness done step goes_on",
        ARRANGE: "choose start answer accept",
    },
    "stock": {
        SEE: "flow scope branches groups title sums charted levels moved forecast lasting reasons unproven"
        " reorder_level purchases articles_named",
    },
    "system_identities": {SEE: "questions", CONNECT: "answer"},
    "tables": {SEE: "of rows faults differing expect_possible", REPAIR: "save add"},
    "ways": {SEE: "compared"},
    "work": {SEE: "executor"},
}  # fmt: skip

WITHIN: Mapping[str, str] = {
    "access": "*",
    "alerts": "start stop look send",
    "audit": "heard keep_key newest_anchor page",
    "channels": "send",
    "closing": "*",
    "corrections": "keep",
    "days": "look",
    "drift": "page",
    "flows": "may_begin may_wait missed may_approve round_before expect_there",
    "four_eyes": "is_enough may_change",
    "installation": "begin held",
    "lists": "close fresh lacking",
    "log": "start stop catch_up copy due found_by name names_of prune erase told_of",
    "log_access": "announce close knows spend",
    "logics": "*",
    "names": "expect_objects mark",
    "openings": "is_closed",
    "people": "cookie deciders who is_of admit enter log_in invited accept first_invitation",
    "persons": "page",
    "pictures": "close read",
    "pings": "plan send",
    "prices": "page written",
    "proposals": "*",
    "provider": "*",
    "proxy": "*",
    "reach": "start stop look",
    "retention": "due page",
    "rules": "publish set_table",
    "sandbox": "use leave",
    "saved_filters": "stored",
    "settings": "*",
    "system_identities": "check forget held suspect",
    "tables": "add_rows",
    "work": "engine reschedule start",
}  # fmt: skip

NEEDED: Mapping[str, Right] = {
    f"{service}.{name}": right
    for service, rights in _TABLE.items()
    for right, names in rights.items()
    for name in names.split()
}
"""The right that each question asks for, by its name."""

SERVICES = frozenset(_TABLE)
MAPPING = {"__getitem__": "get", "__iter__": "keys", "__len__": "keys", "__contains__": "keys"}
