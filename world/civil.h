/* civil.h — the Gregorian calendar, in UTC and for years before and after those an instant holds. */
#pragma once

#include "world/base.h"

struct civil {
    int64_t year;
    unsigned month, day, hour, minute, second;         /* month and day from 1 */
};

struct civil civil_from(int64_t seconds);              /* since 1970-01-01T00:00:00Z */
int64_t civil_days(int64_t year, unsigned month, unsigned day);     /* since 1970-01-01 */
unsigned civil_days_in(int64_t year, unsigned month);
