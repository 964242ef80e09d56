"""Why a command is read but not run, and the nearest way."""

_PAGE = ("it acts on a Splunk server, and there is none", "leave it out: the rows before it are the finding")
_SHAPE = ("its columns depend on the data", "use stats … by the fields: the same numbers, one row each")
_LEARNED = ("its statistics are not documented closely enough to give the same rows", "use eventstats with avg and stdev")
_TEXT = ("it takes fields out of text by settings of the server", "use rex or spath")

REASONS: dict[str, tuple[str, str]] = {
    "pivot": _SHAPE,
    "contingency": _SHAPE,
    "eventcount": ("it counts events in indexes of a server", "use stats count"),
    "inputcsv": ("it reads a file of the server", "load the rows and use inputlookup"),
    "rest": _PAGE,
    "sendalert": _PAGE,
    "sendemail": _PAGE,
    "collect": _PAGE,
    "delete": _PAGE,
    "script": _PAGE,
    "savedsearch": ("saved searches are kept on a Splunk server", "write the search itself"),
    "loadjob": ("results of earlier jobs are kept on a Splunk server", "write the search itself"),
    "metadata": _PAGE,
    "xpath": _TEXT,
    "trendline": ("what its first rows hold, and the weights of wma, are not documented", "use streamstats window=5 avg(field)"),
    "selfjoin": ("which of two rows that fit each other becomes the result is not documented", "use stats values(*) as * by the fields, or join"),
    "erex": ("it learns a pattern from examples", "use rex with the pattern"),
    "makecontinuous": ("it adds rows that no event is in", "use timechart"),
}
# Commands that learn from the rows: over no rows they give none, whatever they learn.
REACHED: dict[str, tuple[str, str]] = dict.fromkeys(("anomalies", "anomalousvalue", "anomalydetection", "cluster", "kmeans", "outlier", "predict"), _LEARNED)
