"""Dates that come back every year, such as birthdays: the days until the next one.

Everything is counted in days of a year that begins in March, so that the 29th of February is the
last day of a leap year and simply lacks in the others. There it is kept on the 28th.

References
----------
Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013: ``civil_from_days`` and the
year that begins in March.
"""

import re
from dataclasses import dataclass
from typing import Any, cast

from sqlglot import exp

from customering.kernel.clock import MS_PER_DAY
from customering.kernel.expression_nodes import Column, Facets, Kind, Node, Reader, Run

_MONTH_AND_DAY = "(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_WHOLE = re.compile(f"[0-9]{{4}}-{_MONTH_AND_DAY}")
_WITHOUT_YEAR = re.compile(f"--{_MONTH_AND_DAY}")
_WHOLE_LENGTH, _SHORT_LENGTH = 10, 7
_LEAP_DAY = 365  # the 29th of February, counted from March
_SHORT_MONTHS = (4, 6, 9, 11)
_MARCH_YEAR_0 = 719_468  # days from 0000-03-01 to 1970-01-01
_DAYS_OF_400_YEARS = 146_097


@dataclass(frozen=True)
class Anniversary(Node):
    """Whole days from the present day (UTC) to the next day of this date in a year; 0 on the day.

    A date is a text ``YYYY-MM-DD``, which a time may follow after a ``T``, or ``--MM-DD`` of whom
    nobody knows the year. What was on the 29th of February is on the 28th in other years.
    """

    part: Node
    kind: Kind = "number"

    def compile(self, reader: Reader) -> Run:
        """Give the Python form."""
        part = self.part.compile(reader)

        def run(row: Any, now_ms: int) -> float | None:
            day = day_of_date(part(row, now_ms))
            return None if day is None else float(days_until(day, now_ms // MS_PER_DAY))

        return run

    def facets(self, column: Column, now_ms: exp.Expression) -> Facets:
        """Give the SQL form: whole numbers and plain functions of texts, as any engine has them."""
        text = self.part.facets(column, now_ms).text
        if text is None:
            return Facets(exp.cast(exp.null(), "DOUBLE"), exp.cast(exp.null(), "DOUBLE"))
        day = _day_sql(text)
        passed: exp.Expression
        if isinstance(now_ms, exp.Literal) and now_ms.is_int:
            year, today = march_day(int(now_ms.this) // MS_PER_DAY)
            passed, length = _whole(today), _whole(_length(year))
        else:
            passed, length = _today_sql(now_ms)
        in_leap_years = exp.EQ(this=day.copy(), expression=_whole(_LEAP_DAY))
        ahead = _plus(_minus(day, passed), length)
        until = exp.Paren(this=exp.Mod(this=ahead, expression=length.copy()))
        last = _minus(_minus(length, _whole(1)), passed)
        found = exp.Case().when(in_leap_years, last).else_(until)
        value = exp.cast(exp.Paren(this=found), "DOUBLE")
        return Facets(value, number=value)

    def number_sql(self, column: Column, now_ms: exp.Expression) -> exp.Expression | None:
        """Give the SQL form as part of a sum."""
        return self.facets(column, now_ms).number


def day_of_date(text: Any) -> int | None:
    """Give the day of a date in a year that begins in March, from 0 to 365; None of no date.

    Examples
    --------
    >>> day_of_date("1990-03-01"), day_of_date("--02-29"), day_of_date("1990-02-30")
    (0, 365, None)
    """
    if type(text) is not str:
        return None
    head = text[:_WHOLE_LENGTH]
    is_whole = len(text) == _WHOLE_LENGTH or text[_WHOLE_LENGTH:].startswith("T")
    found = _WHOLE.fullmatch(head) if is_whole else _WITHOUT_YEAR.fullmatch(text)
    if found is None:
        return None
    month, day = int(found[1]), int(found[2])
    if (month in _SHORT_MONTHS and day > 30) or (month == 2 and day > 29):
        return None
    return (153 * ((month + 9) % 12) + 2) // 5 + day - 1


def march_day(days: int) -> tuple[int, int]:
    """Give the year that begins in March and the day in it, from 0, of a day since 1970.

    Examples
    --------
    >>> march_day(0)
    (1969, 306)
    """
    era, of_era = divmod(days + _MARCH_YEAR_0, _DAYS_OF_400_YEARS)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    return year + era * 400, of_era - (365 * year + year // 4 - year // 100)


def days_until(day: int, today: int) -> int:
    """Give the days from a day since 1970 to the next one with this place in its year."""
    year, passed = march_day(today)
    length = _length(year)
    return (min(day, length - 1) - passed) % length


def _length(march_year: int) -> int:
    """Give the days of a year that begins in March: its February is of the year after."""
    year = march_year + 1
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 365 + is_leap


def _day_sql(text: exp.Expression) -> exp.Expression:
    """Write `day_of_date`; NULL of no date."""
    length: Any = exp.func("length", text.copy())
    after: Any = exp.Substring(this=text.copy(), start=_whole(_WHOLE_LENGTH + 1), length=_whole(1))
    head: Any = exp.Substring(this=text.copy(), start=_whole(1), length=_whole(_WHOLE_LENGTH))
    is_whole = exp.and_(
        exp.or_(length.eq(_WHOLE_LENGTH), after.eq("T")), _matches(head, _WHOLE.pattern)
    )
    is_short = exp.and_(length.eq(_SHORT_LENGTH), _matches(text, _WITHOUT_YEAR.pattern))
    found = exp.Case().when(is_whole, _ordinal(text, 6)).when(is_short, _ordinal(text, 3))
    return exp.Paren(this=found)


def _ordinal(text: exp.Expression, month_at: int) -> exp.Expression:
    """Write the day in its year from the places of month and day; NULL of a day not there."""
    month, day = (
        exp.TryCast(
            this=exp.Substring(this=text.copy(), start=_whole(at), length=_whole(2)),
            to=exp.DataType.build("BIGINT"),
            safe=True,
        )
        for at in (month_at, month_at + 3)
    )
    is_long: Any = exp.and_(
        exp.In(this=month.copy(), expressions=[_whole(each) for each in _SHORT_MONTHS]),
        exp.GT(this=day.copy(), expression=_whole(30)),
    )
    is_late: Any = exp.and_(
        exp.EQ(this=month.copy(), expression=_whole(2)),
        exp.GT(this=day.copy(), expression=_whole(29)),
    )
    from_march = exp.Paren(this=exp.Mod(this=_plus(month, _whole(9)), expression=_whole(12)))
    begins = _whole_part(_plus(_times(from_march, 153), _whole(2)), 5)
    place = _minus(_plus(begins, day), _whole(1))
    return exp.Case().when(exp.or_(is_long, is_late), exp.null()).else_(place)


def _today_sql(now_ms: exp.Expression) -> tuple[exp.Expression, exp.Expression]:
    """Write the day of the present in its year that begins in March, and the length of the year."""
    shifted = _plus(_whole_part(now_ms, MS_PER_DAY), _whole(_MARCH_YEAR_0))
    era = _whole_part(shifted, _DAYS_OF_400_YEARS)
    of_era = _minus(shifted, _times(era, _DAYS_OF_400_YEARS))
    corrected = _minus(
        _plus(_minus(of_era, _whole_part(of_era, 1460)), _whole_part(of_era, 36_524)),
        _whole_part(of_era, 146_096),
    )
    year = _whole_part(corrected, 365)
    until = _minus(_plus(_times(year, 365), _whole_part(year, 4)), _whole_part(year, 100))
    return _minus(of_era, until), _length_sql(_plus(year, _whole(1)))


def _length_sql(year: exp.Expression) -> exp.Expression:
    """Write the days from a March to the next, of the year in which the February between is."""

    def divides(by: int) -> Any:
        rest = exp.Paren(this=exp.Mod(this=exp.Paren(this=year.copy()), expression=_whole(by)))
        return exp.EQ(this=rest, expression=_whole(0))

    is_leap = exp.or_(exp.and_(divides(4), exp.not_(divides(100))), divides(400))
    return exp.Paren(this=exp.Case().when(is_leap, _whole(366)).else_(_whole(365)))


def _matches(text: exp.Expression, pattern: str) -> exp.Expression:
    return exp.RegexpLike(this=text.copy(), expression=exp.Literal.string(f"^{pattern}$"))


def _whole(number: int) -> Any:
    return exp.Literal.number(number)


def _plus(left: Any, right: Any) -> exp.Expression:
    return exp.Paren(this=exp.Add(this=left.copy(), expression=right.copy()))


def _minus(left: Any, right: Any) -> exp.Expression:
    return exp.Paren(this=exp.Sub(this=left.copy(), expression=right.copy()))


def _times(left: Any, by: int) -> exp.Expression:
    return exp.Paren(this=exp.Mul(this=left.copy(), expression=_whole(by)))


def _whole_part(left: Any, by: int) -> exp.Expression:
    """Write a division of whole numbers that are not negative, without the rest."""
    divided = exp.IntDiv(this=exp.Paren(this=left.copy()), expression=_whole(by))
    return cast("exp.Expression", exp.Paren(this=divided))
