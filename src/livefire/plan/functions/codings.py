"""Meanings that read one notation in another: bytes as text, hexadecimal digits as bytes, XML as named fields, JSON in lines."""

from livefire.plan.functions.model import Function, J, L, S, example

FUNCTIONS = (
    Function(
        "encode.text_of_bytes",
        (2, 2),
        S,
        "text of an array of bytes in a constant charset (second: us-ascii, iso-8859-1, utf-8, utf-16le or utf-16be); broken parts become U+FFFD",
        examples=(
            example(("[97,233]", J), ("iso-8859-1", S), gives="aé"),
            example(("[97,0,98,0]", J), ("utf-16le", S), gives="ab"),
            example(("[216,61,222,0]", J), ("utf-16be", S), gives="\U0001f600"),
            example(("[195,169]", J), ("utf-8", S), gives="é"),
            example((None, J), ("utf-8", S), gives=None),
        ),
    ),
    Function(
        "encode.hex_bytes",
        (1, 1),
        J,
        "bytes of hexadecimal digits, two each, as an array of numbers; null for other text",
        "null for null or other text",
        examples=(example(("4a4B", S), gives="[74,75]"), example(("4a4", S), gives=None), example(("xy", S), gives=None)),
    ),
    Function(
        "xml.fields",
        (1, 1),
        J,
        "texts and attributes of an XML document as an object: the names of the elements from the root on, joined by dots; of a name that comes again "
        "also each as name[0], name[1] …; null for what is no document",
        "null for null or other text",
        examples=(
            example(('<a><b c="1">x &amp; &#65;</b></a>', S), gives='{"a.b.c":"1","a.b":"x & A"}'),
            example(("<a><b>1</b><b>2</b></a>", S), gives='{"a.b":"1","a.b[0]":"1","a.b[1]":"2"}'),
            example(("<a><![CDATA[<x>]]></a>", S), gives='{"a":"<x>"}'),
            example(("<a>", S), gives=None),
            example(("plain", S), gives=None),
        ),
    ),
    Function(
        "dynamic.indented",
        (2, 2),
        S,
        "JSON over several lines, as many blanks a step as the constant second says",
        examples=(example(('{"a":[1,{"b":"x, y"}],"c":{}}', J), (2, L), gives='{\n  "a": [\n    1,\n    {\n      "b": "x, y"\n    }\n  ],\n  "c": {}\n}'),),
    ),
)
