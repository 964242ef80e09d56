"""Faults of detection rules that detection engineers list, each with the code that tells it, or why none does."""

from __future__ import annotations

# id, the fault in a few words, codes, and what else is to be said.
LISTED: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("SCH001", "a table, index or tag that the product does not have", ("E101", "N108"), ""),
    ("SCH002", "a column that the table does not have", ("E102", "W603"), "W603 where the language takes any name"),
    ("SCH003", "a column in other letters", ("E102",), "with the right name as a fix"),
    ("SCH004", "a column that is no longer filled", ("W600",), ""),
    ("SCH005", "the deprecated one of two columns", ("W600",), ""),
    ("SCH006", "a path that the events of an operation do not have", ("W601",), "for launches and registered images, whose shapes are known from real logs"),
    ("SCH007", "a wrapped request addressed flat", ("W602",), ""),
    ("SCH008", "a list that is an object when it has one member", ("W675",), ""),
    ("SCH009", "a field read where a step before has dropped it", ("W151", "E102"), ""),
    ("SCH010", "a field name of another product", ("E102", "W181", "W603"), "with the right name where one is known"),
    ("SCH011", "the workspace's id taken for the tenant", ("W676",), ""),
    ("SCH012", "Azure's location read as the resource's region", ("W604",), ""),
    ("SCH013", "JSON in a text read as an object", ("E605",), ""),
    ("VOC001", "an operation that the cloud does not have", ("W620", "W629", "W630"), ""),
    ("VOC002", "a service's own event sought among API calls", ("W622",), ""),
    ("VOC003", "one of Azure's two words for a status", ("W623",), ""),
    ("VOC004", "an outcome as another product spells it", ("W624",), ""),
    ("VOC005", "one version of an API", ("W625",), ""),
    ("VOC006", "a comparison with case of a value in two cases", ("W626",), ""),
    ("VOC007", "display text instead of an operation", ("N627",), ""),
    ("VOC008", "a value that the model does not allow", ("W628",), "for instance types"),
    ("VOC009", "a technique or tactic of another version", ("N680",), "for tactics; exports write each product's own version"),
    ("SYN001", "a filter stage of another language", ("E230", "E231"), ""),
    ("SYN002", "a wildcard of the wrong kind", ("W641", "W152"), ""),
    ("SYN003", "sort by", ("W153",), ""),
    ("SYN004", "labels put in order", ("W640",), ""),
    ("SYN005", "a fuzzy union that hides a broken branch", ("N646", "W123"), ""),
    ("SYN006", "a presence test by wildcard", ("W643",), ""),
    ("SYN007", "keywords instead of a field", ("W644",), ""),
    ("SYN008", "a sensor's time on other data", ("N645",), ""),
    ("SYN009", "an arrow inside case", ("E232",), ""),
    ("LOG001", "no outcome, so one act is counted several times", ("W660",), ""),
    ("LOG002", "refused attempts left out", ("N661",), ""),
    ("LOG003", "the first element of a list", ("W606", "N687"), ""),
    ("LOG004", "a capped response as the only count", ("W677",), ""),
    ("LOG005", "a branch that is never true, or dropped later", ("W651", "W686"), ""),
    ("LOG006", "a contradiction, or a condition that everything meets", ("E650", "W652", "N689"), ""),
    ("LOG007", "parts of words that cross meanings", ("W653",), ""),
    ("LOG008", "a group by what is often absent", ("W665", "W679"), ""),
    ("LOG009", "negation of a field that may be absent", ("N678", "N149"), ""),
    ("LOG010", "an exclusion by a name that an attacker chooses", ("W662",), ""),
    ("LOG011", "an exclusion by user agent", ("W663",), ""),
    ("LOG012", "a baseline on a session", ("W664", "N693"), ""),
    ("LOG013", "a look-back shorter than the delay", ("W666",), "and `check --data` with the delay that was measured"),
    ("LOG014", "times of receipt and of the event mixed", ("N124",), "livefire's tables hold the event's own time, and say where a query asks for the other"),
    ("LOG015", "fixed buckets that cut a story", ("W667",), ""),
    ("LOG016", "a sequence without the object", ("W668",), ""),
    ("LOG017", "a service's event read as theft", ("N631",), ""),
    ("LOG018", "a public share missed", ("W607",), ""),
    ("LOG019", "one of two forms of a request", ("W674",), ""),
    ("LOG020", "the first entry of a long operation as its success", ("W672",), ""),
    ("LOG021", "sibling operations left out", ("N671",), ""),
    ("LOG022", "a volume copied without a snapshot", ("N671",), "reads of blocks are data events, which no rule over management events can see"),
    ("LOG023", "strict order in whole seconds", ("N669",), ""),
    ("LOG024", "both directions of a change", ("W670",), ""),
    ("MET001", "a promise that the query does not keep", ("W685",), "for scores; what else a sentence promises no program can judge"),
    ("MET002", "declared data that the query does not read", ("W682",), ""),
    ("MET003", "tests of its own that the rule misses", (), "`livefire prove`, which runs them"),
    ("MET004", "one query for two ends", ("N681",), ""),
    ("MET005", "a severity in words that the logic does not follow", (), "what an act is worth is for people to say"),
    ("MET006", "a placeholder left in", ("W642",), "a description cut off is seen by who reads it"),
    ("MET007", "a named false positive without a way out", ("N684",), "for auto scaling, which the log itself marks"),
    ("MET008", "a threshold written into the rule", (), "every language but KQL's let has it so; the cards of the pack name theirs as knobs"),
)


def section() -> list[str]:
    """Return the table as lines of a page."""
    lines = ["## What is listed elsewhere, and what tells it", ""]
    told = sum(bool(codes) for _, _, codes, _ in LISTED)
    lines += [f"Of {len(LISTED)} faults that detection engineers list, {told} are told by a code; of the others it says why not.", ""]
    lines += ["| listed as | fault | code | |", "|---|---|---|---|"]
    lines += [f"| {id} | {what} | {', '.join(codes)} | {more} |" for id, what, codes, more in LISTED]
    return [*lines, ""]
