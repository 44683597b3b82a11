#include "world/civil.h"

/* Both ways by eras of 400 years. Years begin in March, so that the leap day is the last. */
#define DAYS_OF_ERA 146097
#define DAYS_TO_1970 719468

int64_t civil_days(int64_t year, unsigned month, unsigned day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned of_era = (unsigned)(y - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * DAYS_OF_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970;
}

struct civil civil_from(int64_t seconds)
{
    int64_t days = seconds / 86400, rest = seconds % 86400;

    if (rest < 0) {
        rest += 86400;
        days--;
    }
    int64_t z = days + DAYS_TO_1970, era = (z >= 0 ? z : z - DAYS_OF_ERA + 1) / DAYS_OF_ERA;
    unsigned of_era = (unsigned)(z - era * DAYS_OF_ERA);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;

    return (struct civil){ .year = year + era * 400 + (month >= 10),
                           .month = month < 10 ? month + 3 : month - 9,
                           .day = of_year - (153 * month + 2) / 5 + 1,
                           .hour = (unsigned)(rest / 3600),
                           .minute = (unsigned)(rest / 60 % 60),
                           .second = (unsigned)(rest % 60) };
}

unsigned civil_days_in(int64_t year, unsigned month)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}
