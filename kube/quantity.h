/* quantity.h — resource quantities: "1500m", "2Gi", "1e3" (K-029).
 *
 * A quantity is an exact decimal of any size with the family of suffixes it was written in. Everything
 * lives in the arena; a quantity is a value, copied by assignment.
 *
 * Promises
 *  (1) quantity_text is the canonical form of apimachinery, its quirks included: what looks canonical to
 *      its parser is kept as it was written ("+3", "5.").
 *  (2) quantity_text of a parsed quantity parses to an equal one, within the suffixes that exist.
 *  (3) Work and memory are linear in the text, whatever exponent it names.
 */
#pragma once

#include <jansson.h>

#include "world/err.h"

enum quantity_format { QUANTITY_DECIMAL_SI, QUANTITY_DECIMAL_EXPONENT, QUANTITY_BINARY_SI };

struct quantity {
    bool negative;
    enum quantity_format format;
    const uint8_t *digits;             /* 0..9, the most significant first, none at either end is 0 */
    size_t n;                          /* 0: zero */
    int64_t exponent;                  /* the value is digits * 10^exponent */
    const char *text;                  /* kept spelling, or NULL */
    bool is_short;                     /* upstream holds it as an int64 * 10^short_scale */
    int64_t short_scale;
};

/* -ERR_INVALID with upstream's sentence. */
int quantity_parse(struct arena *arena, const char *text, struct quantity *ret, struct err *e);
/* A string (spaces around it are dropped), or a number as it would be printed. */
int quantity_parse_json(struct arena *arena, const json_t *v, struct quantity *ret, struct err *e);
struct quantity quantity_from_int(struct arena *arena, int64_t value, enum quantity_format format);

const char *quantity_text(struct arena *arena, const struct quantity *q);
int quantity_compare(const struct quantity *a, const struct quantity *b);
static inline bool quantity_is_zero(const struct quantity *q)
{
    return !q->n;
}

/* The format of the result is a's, or b's where a is zero. Digits that are more than 1000 places apart
 * are rounded away: the larger number stays as it is. */
struct quantity quantity_add(struct arena *arena, const struct quantity *a, const struct quantity *b);
struct quantity quantity_sub(struct arena *arena, const struct quantity *a, const struct quantity *b);

/* Rounded away from zero to a multiple of 10^scale. */
struct quantity quantity_round_up(struct arena *arena, const struct quantity *q, int scale);

/* ceil(q / 10^scale): scale 0 is the value, -3 are milli-units. Beyond int64 it is 0, or the low 64 bits, as upstream
 * has it: rules that count on it say the same. */
int64_t quantity_scaled(const struct quantity *q, int scale);
