"""Meanings that read or write whole formats: versions, guids as bytes, IPv6 addresses, command lines, XML."""

from decimal import Decimal

from livefire.plan.functions.model import Function, J, Kind, L, R, S, example
from livefire.schema import Type

_A: Kind = "aggregate"
_FE80 = "fe80000000000000085de82c94467994"

FUNCTIONS = (
    Function(
        "convert.version",
        (1, 1),
        Type.DECIMAL,
        "a version of one to four dotted parts of at most eight digits as one number, eight digits a part",
        "null for what is no version",
        examples=(
            example(("1.2.3", S), gives=Decimal("1000000020000000300000000")),
            example(("1.2.3.4.5", S), gives=None),
        ),
    ),
    Function(
        "encode.base64_of_bytes",
        (1, 1),
        S,
        "base64 of an array of bytes",
        "null when an element is no byte",
        examples=(example(("[97,98]", J), gives="YWI="), example(("[300]", J), gives=None)),
    ),
    Function(
        "encode.base64_of_guid",
        (1, 1),
        S,
        "base64 of the sixteen bytes of a guid, the first three groups with their least byte first",
        # Bytes 33221100 5544 7766 8899aabbccddeeff in the order of .NET.
        examples=(example(("00112233-4455-6677-8899-aabbccddeeff", Type.GUID), gives="MyIRAFVEd2aImaq7zN3u/w=="),),
    ),
    Function(
        "encode.guid_of_base64",
        (1, 1),
        Type.GUID,
        "the guid whose bytes base64 holds; null when it does not hold sixteen",
        examples=(example(("MyIRAFVEd2aImaq7zN3u/w==", S), gives="00112233-4455-6677-8899-aabbccddeeff"), example(("YWI=", S), gives=None)),
    ),
    Function(
        "address.ipv6_digits",
        (1, 1),
        S,
        "the 32 hexadecimal digits of an IPv6 address, or of an IPv4 address mapped into IPv6; what follows a slash is left out",
        "null for what is no address",
        examples=(
            example(("fe80::85d:e82c:9446:7994/120", S), gives=_FE80),
            example(("192.168.1.1", S), gives="00000000000000000000ffffc0a80101"),
            example(("::ffff:1.2.3.4", S), gives="00000000000000000000ffff01020304"),
            example(("1::2::3", S), gives=None),
        ),
    ),
    Function(
        "address.ipv6_prefix",
        (1, 1),
        L,
        "the prefix after the slash of an address, 128 without one; that of an IPv4 address counts from the 96 bits before it",
        "null for what is no prefix",
        examples=(example(("::1/64", S), gives=64), example(("10.0.0.1/24", S), gives=120), example(("::1", S), gives=128)),
    ),
    Function(
        "address.digits_cut",
        (2, 2),
        S,
        "32 hexadecimal digits with the bits after as many as the second says made 0",
        examples=(example((_FE80, S), (120, L), gives=_FE80[:30] + "00"), example(("f" * 32, S), (3, L), gives="e" + "0" * 31)),
    ),
    Function(
        "address.digits_text",
        (1, 1),
        S,
        "32 hexadecimal digits as eight groups of four",
        examples=(example((_FE80, S), gives="fe80:0000:0000:0000:085d:e82c:9446:7994"),),
    ),
    Function(
        "address.cidr_list",
        (2, 2),
        J,
        "the least list of blocks that hold exactly the IPv4 addresses from the first to the second, both numbers",
        # 16843008 is 1.1.1.0: one address, then two, then one.
        examples=(example((16843009, L), (16843012, L), gives='["1.1.1.1/32","1.1.1.2/31","1.1.1.4/32"]'), example((2, L), (1, L), gives="[]")),
    ),
    Function(
        "text.command_line",
        (1, 1),
        J,
        "the arguments of a Windows command line: blanks part them but inside double quotes, and a quote after an odd number of backslashes is a character",
        examples=(
            example(('a "b c" d', S), gives='["a","b c","d"]'),
            example(('x \\"y\\" "a\\\\" z', S), gives='["x","\\"y\\"","a\\\\","z"]'),
            example(("C:\\dir\\f.exe", S), gives='["C:\\\\dir\\\\f.exe"]'),
        ),
    ),
    Function(
        "dynamic.of_xml",
        (1, 1),
        J,
        "an XML text as an object: an element is an object of its children, its attributes under @name and its text under #text; one with only text is"
        " that text, children of one name are an array",
        "null for what is no XML",
        examples=(
            example(('<a id="1"><b>t</b></a>', S), gives='{"a":{"@id":"1","b":"t"}}'),
            example(("<r><i>1</i><i>2</i><e/></r>", S), gives='{"r":{"i":["1","2"],"e":null}}'),
            example(("<r>a &lt; b</r>", S), gives='{"r":"a < b"}'),
            example(("<r><b></r>", S), gives=None),
            example(("no", S), gives=None),
        ),
    ),
    Function(
        "object.first_members", (2, 2), J, "the first members, as many as the second says", examples=(example(('{"a":1,"b":2}', J), (1, L), gives='{"a":1}'),)
    ),
    Function(
        "agg.percentile_weighted",
        (3, 3),
        "first",
        "the least value at or below which the weights (second) sum up to a constant percentage (third) of all weights",
        "nulls are passed over",
        _A,
    ),
    Function("agg.covariance", (2, 2), R, "covariance of a sample", "rows with a null are passed over", _A),
    Function("agg.covariance_population", (2, 2), R, "covariance of a population", "rows with a null are passed over", _A),
    Function(
        "dynamic.schema_paths",
        (1, 1),
        J,
        "the paths of an object, as ['a'] and ['a'][0], outer ones first",
        examples=(example(('{"a":{"b":1},"c":[2]}', J), gives="[\"['a']\",\"['a']['b']\",\"['c']\",\"['c'][0]\"]"),),
    ),
)
