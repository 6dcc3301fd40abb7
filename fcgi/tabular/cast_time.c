#include "tabular/cast_time.h"

#include <string.h>

enum {
    SECOND_NS = 1000 * 1000 * 1000,
    SECOND_US = 1000 * 1000,
    MINUTE_S = 60,
    HOUR_S = 60 * 60,
    DAY_S = 24 * 60 * 60,
    BASE = 10,
};

struct scan {
    const char *at;
    const char *end;
};

/* The parts of a moment, as they are written. */
struct moment {
    int64_t days; /* since 1970-01-01 */
    int64_t seconds;
    int64_t nanoseconds;
    int64_t offset; /* of the zone, seconds east of UTC */
};

static bool take(struct scan *scan, char byte)
{
    if (scan->at == scan->end || *scan->at != byte)
        return false;
    scan->at++;
    return true;
}

/* Exactly count digits, of a number in a range. */
static bool number(struct scan *scan, int count, int64_t least, int64_t most, int64_t *out)
{
    int64_t value = 0;
    if (scan->end - scan->at < count)
        return false;
    for (; count > 0; count--, scan->at++) {
        if (*scan->at < '0' || *scan->at > '9')
            return false;
        value = value * BASE + (*scan->at - '0');
    }
    *out = value;
    return value >= least && value <= most;
}

static int64_t days_of_month(int64_t year, int64_t month)
{
    enum { FEBRUARY = 2, LEAP_DAYS = 29 };
    static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return leap && month == FEBRUARY ? LEAP_DAYS : days[month - 1];
}

/* Days from 0001-01-01 of the Gregorian calendar to the first of a year. */
static int64_t days_to_year(int64_t year)
{
    const int64_t before = year - 1;
    return before * 365 + before / 4 - before / 100 + before / 400;
}

static bool date(struct scan *scan, struct moment *moment)
{
    enum { YEAR_DIGITS = 4, YEAR_MOST = 9999, MONTHS = 12, EPOCH_YEAR = 1970 };
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    if (!number(scan, YEAR_DIGITS, 1, YEAR_MOST, &year) || !take(scan, '-') ||
        !number(scan, 2, 1, MONTHS, &month) || !take(scan, '-') ||
        !number(scan, 2, 1, days_of_month(year, month), &day))
        return false;
    moment->days = days_to_year(year) - days_to_year(EPOCH_YEAR) + day - 1;
    for (int64_t i = 1; i < month; i++)
        moment->days += days_of_month(year, i);
    return true;
}

/* What stands behind the point of a second; digits past nine must be zeros. */
static bool fraction(struct scan *scan, int64_t *nanoseconds)
{
    const char *from = scan->at;
    int64_t unit = SECOND_NS / BASE;
    for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
        if (unit == 0 && *scan->at != '0')
            return false;
        *nanoseconds += (*scan->at - '0') * unit;
        unit /= BASE;
    }
    return scan->at > from;
}

/* HH:MM[:SS[.fraction]] */
static bool time_of_day(struct scan *scan, struct moment *moment)
{
    enum { HOURS = 23, MINUTES = 59 };
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    if (!number(scan, 2, 0, HOURS, &hour) || !take(scan, ':') ||
        !number(scan, 2, 0, MINUTES, &minute))
        return false;
    if (take(scan, ':') && (!number(scan, 2, 0, MINUTES, &second) ||
                            (take(scan, '.') && !fraction(scan, &moment->nanoseconds))))
        return false;
    moment->seconds = hour * HOUR_S + minute * MINUTE_S + second;
    return true;
}

/* Z, UTC, +HH, +HHMM, +HH:MM or nothing, with a blank in front of it or none; then the end. */
static bool zone(struct scan *scan, struct moment *moment)
{
    enum { HOURS = 23, MINUTES = 59 };
    static const char utc[] = "UTC";
    int64_t hours = 0;
    int64_t minutes = 0;
    if (scan->at == scan->end)
        return true;
    (void)take(scan, ' ');
    if (scan->end - scan->at == sizeof utc - 1 && memcmp(scan->at, utc, sizeof utc - 1) == 0)
        return true;
    if (take(scan, 'Z') || take(scan, 'z'))
        return scan->at == scan->end;
    const bool west = scan->at < scan->end && *scan->at == '-';
    if (!take(scan, '+') && !take(scan, '-'))
        return false;
    if (!number(scan, 2, 0, HOURS, &hours))
        return false;
    if (scan->at < scan->end) {
        (void)take(scan, ':');
        if (!number(scan, 2, 0, MINUTES, &minutes))
            return false;
    }
    moment->offset = (hours * HOUR_S + minutes * MINUTE_S) * (west ? -1 : 1);
    return scan->at == scan->end;
}

static bool moment_read(const char *bytes, size_t len, struct moment *moment)
{
    struct scan scan = { bytes, bytes + len };
    if (!date(&scan, moment))
        return false;
    if (scan.at == scan.end)
        return true;
    if (!take(&scan, 'T') && !take(&scan, 't') && !take(&scan, ' '))
        return false;
    return time_of_day(&scan, moment) && zone(&scan, moment);
}

bool cast_time_date(const char *bytes, size_t len, int64_t *out)
{
    struct moment moment = { .days = 0 };
    const bool fits = moment_read(bytes, len, &moment) && moment.seconds == 0 &&
                      moment.nanoseconds == 0 && moment.offset == 0;
    *out = moment.days;
    return fits;
}

bool cast_time_of_day(const char *bytes, size_t len, int64_t *out)
{
    struct moment moment = { .days = 0 };
    struct scan scan = { bytes, bytes + len };
    const int64_t ns = SECOND_NS / SECOND_US;
    if (!time_of_day(&scan, &moment) || scan.at != scan.end || moment.nanoseconds % ns != 0)
        return false;
    *out = moment.seconds * SECOND_US + moment.nanoseconds / ns;
    return true;
}

bool cast_time_stamp(const char *bytes, size_t len, enum type_unit unit, int64_t *out)
{
    static const int64_t units[] = { /* of a second */
                                     [TYPE_UNIT_US] = SECOND_US,
                                     [TYPE_UNIT_S] = 1,
                                     [TYPE_UNIT_MS] = 1000,
                                     [TYPE_UNIT_NS] = SECOND_NS,
                                     [TYPE_UNIT_D] = 1
    };
    struct moment moment = { .days = 0 };
    const int64_t ns = SECOND_NS / units[unit];
    if (!moment_read(bytes, len, &moment) || moment.nanoseconds % ns != 0)
        return false;
    const int64_t seconds = moment.days * DAY_S + moment.seconds - moment.offset;
    if (unit == TYPE_UNIT_D) {
        *out = seconds / DAY_S;
        return seconds % DAY_S == 0;
    }
    /* in the year 1677 the seconds alone do not fit, and with their fraction they do */
    const int64_t down = seconds < 0 && moment.nanoseconds > 0;
    const int64_t behind = moment.nanoseconds / ns - down * units[unit];
    return !__builtin_mul_overflow(seconds + down, units[unit], out) &&
           !__builtin_add_overflow(*out, behind, out);
}
