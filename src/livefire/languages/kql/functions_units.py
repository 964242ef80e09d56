"""`convert_*`: quantities in other units. https://learn.microsoft.com/kusto/query/convert-length-function"""

from __future__ import annotations

import math

from livefire.languages.kql.calls import Scalar, Site
from livefire.plan import expr as e
from livefire.plan.functions import call
from livefire.schema import Type

_FOOT, _MILE, _POUND, _GRAVITY = 0.3048, 1609.344, 0.45359237, 9.80665
_PREFIXES = {
    "Femto": 1e-15, "Pico": 1e-12, "Nano": 1e-9, "Micro": 1e-6, "Milli": 1e-3, "Centi": 1e-2, "Deci": 1e-1, "": 1.0, "Deca": 1e1, "Hecto": 1e2,
    "Kilo": 1e3, "Mega": 1e6, "Giga": 1e9, "Tera": 1e12, "Peta": 1e15,
}  # fmt: skip


def _prefixed(unit: str, size: float = 1.0, power: int = 1) -> dict[str, float]:
    """Return a unit with every decimal prefix, as in Centimeter."""
    return {(prefix + unit.lower() if prefix else unit): size * factor**power for prefix, factor in _PREFIXES.items()}


_LENGTH = {
    **_prefixed("Meter"), "Inch": 0.0254, "Foot": _FOOT, "Yard": 0.9144, "Mile": _MILE, "NauticalMile": 1852.0, "Mil": 2.54e-5, "Microinch": 2.54e-8,
    "Hand": 0.1016, "Chain": 20.1168, "Fathom": 1.8288, "Shackle": 27.432, "Twip": 0.0254 / 1440, "UsSurveyFoot": 1200 / 3937, "Angstrom": 1e-10,
    "AstronomicalUnit": 149_597_870_700.0, "PrinterPoint": 0.0254 / 72.27, "DtpPoint": 0.0254 / 72, "PrinterPica": 0.0254 * 12 / 72.27,
    "DtpPica": 0.0254 / 6,
}  # fmt: skip
_MASS = {
    **_prefixed("Gram", 1e-3), "Tonne": 1e3, "Kilotonne": 1e6, "Megatonne": 1e9, "Pound": _POUND, "Ounce": _POUND / 16, "Stone": 14 * _POUND,
    "Grain": _POUND / 7000, "ShortTon": 2000 * _POUND, "LongTon": 2240 * _POUND, "ShortHundredweight": 100 * _POUND, "LongHundredweight": 112 * _POUND,
    "Kilopound": 1000 * _POUND, "Megapound": 1e6 * _POUND, "Slug": _POUND * _GRAVITY / _FOOT,
}  # fmt: skip
_BTU = 1055.05585262
_ENERGY = {
    **_prefixed("Joule"), "Calorie": 4.184, "Kilocalorie": 4184.0, "Megacalorie": 4.184e6, "WattHour": 3600.0, "KilowattHour": 3.6e6, "MegawattHour": 3.6e9,
    "GigawattHour": 3.6e12, "TerawattHour": 3.6e15, "WattDay": 86400.0, "KilowattDay": 8.64e7, "MegawattDay": 8.64e10, "BritishThermalUnit": _BTU,
    "KilobritishThermalUnit": _BTU * 1e3, "MegabritishThermalUnit": _BTU * 1e6, "ElectronVolt": 1.602176634e-19, "KiloelectronVolt": 1.602176634e-16,
    "MegaelectronVolt": 1.602176634e-13, "GigaelectronVolt": 1.602176634e-10, "TeraelectronVolt": 1.602176634e-7, "Erg": 1e-7,
    "FootPound": _FOOT * _POUND * _GRAVITY, "HorsepowerHour": 550 * _FOOT * _POUND * _GRAVITY * 3600, "ThermEc": 1.0550558526e8, "ThermUs": 1.054804e8,
}  # fmt: skip
_FORCE = {
    **_prefixed("Newton"), "Dyn": 1e-5, "KilogramForce": _GRAVITY, "TonneForce": 1e3 * _GRAVITY, "PoundForce": _POUND * _GRAVITY,
    "OunceForce": _POUND * _GRAVITY / 16, "KilopoundForce": 1e3 * _POUND * _GRAVITY, "Poundal": _POUND * _FOOT, "KiloPond": _GRAVITY,
    "ShortTonForce": 2000 * _POUND * _GRAVITY,
}  # fmt: skip
_CUBE = {
    **{(prefix + "meter" if prefix else "Meter"): factor for prefix, factor in _PREFIXES.items()}, "Inch": 0.0254, "Foot": _FOOT, "Yard": 0.9144, "Mile": _MILE,
}  # fmt: skip
_GALLON, _IMPERIAL = 231 * 0.0254**3, 4.54609e-3
_VOLUME = {
    **{f"Cubic{name}": size**3 for name, size in _CUBE.items()}, **_prefixed("Liter", 1e-3), "UsGallon": _GALLON, "UsQuart": _GALLON / 4,
    "UsPint": _GALLON / 8, "UsOunce": _GALLON / 128, "UsTablespoon": _GALLON / 256, "UsTeaspoon": _GALLON / 768, "UsLegalCup": 2.4e-4,
    "UsCustomaryCup": _GALLON / 16, "ImperialGallon": _IMPERIAL, "ImperialQuart": _IMPERIAL / 4, "ImperialPint": _IMPERIAL / 8,
    "ImperialOunce": _IMPERIAL / 160, "ImperialBeerBarrel": 36 * _IMPERIAL, "OilBarrel": 42 * _GALLON, "UsBeerBarrel": 31 * _GALLON,
    "BoardFoot": 0.0254 * _FOOT**2, "AcreFoot": 1 / 0.000810714, "MetricCup": 2.5e-4, "MetricTeaspoon": 5e-6, "AuTablespoon": 2e-5,
    "UkTablespoon": 1.5e-5,
}  # fmt: skip
_PACE = {"Second": 1.0, "Minute": 60.0, "Hour": 3600.0}
_WAYS = {**_prefixed("Meter"), "Foot": _FOOT, "Inch": 0.0254, "Yard": 0.9144, "UsSurveyFoot": 1200 / 3937}
_SPEED = {f"{way}Per{time}": size / seconds for way, size in _WAYS.items() for time, seconds in _PACE.items()} | {
    "MilePerHour": _MILE / 3600, "Knot": 1852 / 3600, "Mach": 340.29,
}  # fmt: skip
_ANGLE = {
    "Radian": 1.0, "Degree": math.pi / 180, "Gradian": math.pi / 200, "Arcminute": math.pi / 10800, "Arcsecond": math.pi / 648000,
    "Revolution": 2 * math.pi, "Tilt": math.pi / 2, "NatoMil": math.pi / 3200, "Centiradian": 1e-2, "Deciradian": 1e-1, "Milliradian": 1e-3,
    "Microradian": 1e-6, "Nanoradian": 1e-9, "Microdegree": math.pi / 180e6, "Millidegree": math.pi / 180e3, "Nanodegree": math.pi / 180e9,
}  # fmt: skip
# A temperature is what the unit's number times the first, plus the second, is in kelvin.
_KELVIN = {
    "Kelvin": (1.0, 0.0), "MillidegreeCelsius": (1e-3, 273.15), "DegreeCelsius": (1.0, 273.15), "DegreeFahrenheit": (5 / 9, 459.67 * 5 / 9),
    "DegreeRankine": (5 / 9, 0.0), "DegreeDelisle": (-2 / 3, 373.15), "DegreeNewton": (100 / 33, 273.15), "DegreeReaumur": (5 / 4, 273.15),
    "DegreeRoemer": (40 / 21, 273.15 - 7.5 * 40 / 21), "SolarTemperature": (5778.0, 0.0),
}  # fmt: skip


def _unit(site: Site, place: int, known: dict[str, float] | dict[str, tuple[float, float]]) -> str | None:
    name = site.constant_text(place)
    if name in known:
        return name
    site.refuse(f"the unit {name!r} is not known here", "units: " + ", ".join(sorted(known)))
    return None


def _factor(known: dict[str, float]) -> Scalar:
    def lower(site: Site) -> e.Expr:
        source, target = _unit(site, 1, known), _unit(site, 2, known)
        if source is None or target is None:
            return e.null(Type.REAL)
        return site.call("number.multiply", site.real(0), e.Literal(known[source] / known[target], Type.REAL), type=Type.REAL)

    return Scalar(lower, 3, 3)


def _temperature(site: Site) -> e.Expr:
    source, target = _unit(site, 1, _KELVIN), _unit(site, 2, _KELVIN)
    if source is None or target is None:
        return e.null(Type.REAL)
    (size, zero), (other, other_zero) = _KELVIN[source], _KELVIN[target]
    scaled = call("number.multiply", site.real(0), e.Literal(size / other, Type.REAL), type=Type.REAL)
    return site.call("number.add", scaled, e.Literal((zero - other_zero) / other, Type.REAL), type=Type.REAL)


UNITS: dict[str, Scalar] = {
    "convert_length": _factor(_LENGTH), "convert_mass": _factor(_MASS), "convert_energy": _factor(_ENERGY), "convert_force": _factor(_FORCE),
    "convert_volume": _factor(_VOLUME), "convert_speed": _factor(_SPEED), "convert_angle": _factor(_ANGLE),
    "convert_temperature": Scalar(_temperature, 3, 3),
}  # fmt: skip
