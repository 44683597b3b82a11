/* The canonical form parses to an equal quantity and is canonical; sums are exact. */
#include "kube/quantity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_suffix(const struct quantity *q)
{
    int64_t top = (int64_t)q->n + q->exponent;   /* beyond "E" upstream has nothing to write */

    return q->format == QUANTITY_DECIMAL_EXPONENT ? q->exponent < INT32_MAX - 4 && q->exponent > INT32_MIN + 4
                                                  : q->exponent < 20 || top < 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena *a = arena_new();
    struct err e = ERR_IN(a);
    struct quantity q, again, sum, difference, zero = quantity_from_int(a, 0, QUANTITY_DECIMAL_SI);
    char *text = arena_strndup(a, (const char *)data, size);

    if (quantity_parse(a, text, &q, &e) < 0) {
        assert(*err_message(&e));
        return 0;
    }
    assert(quantity_compare(&q, &q) == 0);
    sum = quantity_add(a, &q, &q);
    difference = quantity_sub(a, &sum, &q);
    assert(quantity_compare(&difference, &q) == 0);
    difference = quantity_sub(a, &q, &q);
    assert(quantity_compare(&difference, &zero) == 0);
    quantity_scaled(&q, -3);
    if (!has_suffix(&q))
        return 0;
    assert(quantity_parse(a, quantity_text(a, &q), &again, &e) == 0);
    assert(quantity_compare(&q, &again) == 0);
    again.text = NULL;
    q.text = NULL;
    assert(q.format != again.format || streq(quantity_text(a, &q), quantity_text(a, &again)));
    return 0;
}
