"""Why a command is read but not run, and the nearest way."""

_PAGE = ("it acts on a Splunk server, and there is none", "leave it out: the rows before it are the finding")
_SHAPE = ("its columns depend on the data", "use stats … by the fields: the same numbers, one row each")
_LEARNED = ("its statistics are not documented closely enough to give the same rows", "use eventstats with avg and stdev")
_TEXT = ("it takes fields out of text by settings of the server", "use rex or spath")

REASONS: dict[str, tuple[str, str]] = {
    "map": ("it runs a search for each row", "use join, or a subsearch"),
    "xyseries": _SHAPE,
    "transpose": _SHAPE,
    "pivot": _SHAPE,
    "contingency": _SHAPE,
    "gentimes": ("it makes times to search by, one at a time", "use makeresults"),
    "eventcount": ("it counts events in indexes of a server", "use stats count"),
    "inputcsv": ("it reads a file of the server", "load the rows and use inputlookup"),
    "format": ("it writes the text of a search", "use the subsearch without it: its rows are compared field by field"),
    "return": ("it writes the text of a search, at the end of a subsearch only", "use fields"),
    "rest": _PAGE,
    "sendalert": _PAGE,
    "sendemail": _PAGE,
    "collect": _PAGE,
    "delete": _PAGE,
    "script": _PAGE,
    "savedsearch": ("saved searches are kept on a Splunk server", "write the search itself"),
    "loadjob": ("results of earlier jobs are kept on a Splunk server", "write the search itself"),
    "metadata": _PAGE,
    "extract": _TEXT,
    "kv": _TEXT,
    "multikv": _TEXT,
    "xmlkv": _TEXT,
    "xpath": _TEXT,
    "erex": ("it learns a pattern from examples", "use rex with the pattern"),
    "cluster": _LEARNED,
    "anomalies": _LEARNED,
    "anomalydetection": _LEARNED,
    "anomalousvalue": _LEARNED,
    "outlier": _LEARNED,
    "predict": _LEARNED,
    "kmeans": _LEARNED,
    "uniq": ("it drops rows that repeat the one before in every field", "use dedup consecutive=true with the fields"),
    "strcat": ("it joins fields into one", "use eval a=b.c"),
    "delta": ("it subtracts the value some rows before", "use streamstats window=2 with range"),
    "accum": ("it sums up from row to row", "use streamstats sum(field) as field"),
    "rangemap": ("it names ranges of numbers", "use eval with case()"),
    "fieldformat": ("it changes how a field is shown, not its value", "use eval with the same expression"),
    "makecontinuous": ("it adds rows that no event is in", "use timechart"),
    "datamodel": ("data models are kept on a Splunk server", "search the sourcetype itself"),
}
