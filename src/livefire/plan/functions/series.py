"""Meanings over series: arrays of numbers, null where an element is none."""

from livefire.plan.functions.model import B, Function, J, L, R, S, example

_ELEMENT = "null for no array; an element that is no number gives null"

FUNCTIONS = (
    Function("series.map", (2, 2), J, "the value of a one-line function for each number of an array", _ELEMENT),
    Function(
        "series.pair",
        (3, 3),
        J,
        "the value of a one-line function for the numbers of two arrays at each place; a single number stands for every place",
        "null at a place where either has no number",
    ),
    Function(
        "series.stats",
        (1, 1),
        J,
        "an object of min, min_idx, max, max_idx, avg, stdev, variance (of a sample), sum and len of the numbers of an array",
        "elements that are no numbers are passed over; members are null where there is no number",
        examples=(
            example(
                ("[1,3]", J),
                gives='{"min":1.0,"min_idx":0,"max":3.0,"max_idx":1,"avg":2.0,"stdev":1.4142135623730951,"variance":2.0,"sum":4.0,"len":2}',
            ),
        ),
    ),
    Function("series.product", (1, 1), R, "product of the numbers", "null when an element is no number", examples=(example(("[2,3]", J), gives=6.0),)),
    Function(
        "series.fill_const",
        (3, 3),
        J,
        "the array with the second (dynamic) in place of elements that equal the third (dynamic)",
        "a null third stands for null elements",
        examples=(
            example(("[1,null]", J), ("0", J), (None, J), gives="[1,0]"),
            example(("[1,-1]", J), ("0", J), ("-1", J), gives="[1,0]"),
        ),
    ),
    Function(
        "series.fill_forward",
        (2, 2),
        J,
        "the array with the last element before it in place of each that equals the second (dynamic)",
        "a null second stands for null elements; those at the start stay",
        examples=(example(("[null,1,null,null,2]", J), (None, J), gives="[null,1,1,1,2]"),),
    ),
    Function(
        "series.fill_backward",
        (2, 2),
        J,
        "the array with the next element after it in place of each that equals the second (dynamic)",
        "a null second stands for null elements; those at the end stay",
        examples=(example(("[null,1,null,2,null]", J), (None, J), gives="[1,1,2,2,null]"),),
    ),
    Function(
        "series.fill_linear",
        (4, 4),
        J,
        "the array with numbers on the line between the neighbours in place of elements that equal the second (dynamic); third true"
        " for the nearest number at the edges too; the fourth where there is no number at all",
        "a null second stands for null elements",
        examples=(
            example(("[null,1,null,3]", J), (None, J), (True, B), (0.0, R), gives="[1.0,1.0,2.0,3.0]"),
            example(("[null,1,null,3]", J), (None, J), (False, B), (0.0, R), gives="[null,1.0,2.0,3.0]"),
        ),
    ),
    Function(
        "series.fir",
        (4, 4),
        J,
        "the convolution of an array with a filter (second), divided by the sum of its coefficients (third), or centred (fourth); places before the"
        " start are 0",
        examples=(example(("[1,2,3]", J), ("[1,1]", J), (False, B), (False, B), gives="[1.0,3.0,5.0]"),),
    ),
    Function(
        "series.iir",
        (3, 3),
        J,
        "the recursive filter of an array with numerators (second) and denominators (third) over values before it",
        examples=(example(("[1,2,3]", J), ("[1]", J), ("[1,-1]", J), gives="[1.0,3.0,6.0]"),),
    ),
    Function(
        "series.fit_line",
        (1, 1),
        J,
        "an object of rsquare, slope, variance, rvariance, interception and line_fit of the least-squares line through an array",
        examples=(example(("[1,2,3]", J), gives='{"rsquare":1.0,"slope":1.0,"variance":1.0,"rvariance":0.0,"interception":1.0,"line_fit":[1.0,2.0,3.0]}'),),
    ),
    Function(
        "series.fft",
        (3, 3),
        J,
        "an object of real and imag: the discrete Fourier transform of real and imaginary parts, or its inverse (third true)",
        examples=(example(("[1,1]", J), ("[0,0]", J), (False, B), gives='{"real":[2.0,0.0],"imag":[0.0,0.0]}'),),
    ),
    Function(
        "series.phase_median",
        (2, 2),
        J,
        "at each place the median of the numbers whose places differ by whole periods (second)",
        examples=(example(("[1,5,3,5]", J), (2, L), gives="[2.0,5.0,2.0,5.0]"),),
    ),
    Function("series.correlation", (2, 2), R, "Pearson's correlation of two arrays", examples=(example(("[1,2,3]", J), ("[2,4,6]", J), gives=1.0),)),
    Function(
        "series.outliers",
        (2, 2),
        J,
        "for each number how far it lies beyond the 10th or 90th percentile, as a part of their distance, times 2.77: 1.5 is a mild outlier,"
        " as in Tukey's test; numbers that equal the second are no part of the percentiles",
        "0 between the percentiles; a null second passes over nothing",
        # The 11 numbers 0 to 10 have the percentiles 1 and 9, so 10 lies an eighth of their distance beyond.
        examples=(example(("[0,1,2,3,4,5,6,7,8,9,9]", J), (None, R), gives="[-0.3465757006884895,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0]"),),
    ),
    Function(
        "series.decompose",
        (4, 4),
        J,
        "an object of baseline, seasonal, trend and residual: the median of each phase of a period (second; 0 for none), and the mean (avg), line"
        " (linefit) or nothing (none; third) of what is left; as many numbers as the fourth says at the end are not learnt from",
        examples=(
            example(
                ("[1,4,1,6]", J),
                (2, L),
                ("avg", S),
                (0, L),
                gives='{"baseline":[1.0,5.0,1.0,5.0],"seasonal":[1.0,5.0,1.0,5.0],"trend":[0.0,0.0,0.0,0.0],"residual":[0.0,-1.0,0.0,1.0]}',
            ),
        ),
    ),
    Function(
        "series.period",
        (2, 2),
        L,
        "the number of places after which an array of numbers comes again, 0 where it does not: from 4 to less than half of the array, the least lag"
        " whose correlation, without the line through the numbers, peaks within 0.1 of the highest; ends the run with a message when that is"
        " neither 0.25 below the threshold (second) nor 0.1 above it, or another peak that is no multiple comes within 0.2",
        "null for no array; nulls count as the mean",
        examples=(
            # Three whole turns and a half of 0, 9, 0, 0, 1: all lags but multiples of 5 pair the 9 with less.
            example(("[0,9,0,0,1,0,9,0,0,1,0,9,0,0,1,0,9,0]", J), (0.6, R), gives=5),
            example(("[7,7,7,7,7,7,7,7,7,7,7,7]", J), (0.6, R), gives=0),
            example(("[1,9,1,9,1,9]", J), (0.6, R), gives=0),
        ),
    ),
    Function(
        "series.fit_2lines",
        (1, 1),
        J,
        "an object of the split and the two least-squares lines that leave the least residue, with the measures of series.fit_line for both and each",
    ),
)

__all__ = ["FUNCTIONS", "S"]
