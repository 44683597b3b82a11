#include "kube/schema.h"

const struct schema_field *schema_field(const struct schema *s, const char *name)
{
    size_t low = 0, high = s->n_fields;

    for (size_t i = 0; !s->by_name && i < s->n_fields; i++)
        if (streq(s->fields[i].name, name))
            return &s->fields[i];
    while (s->by_name && low < high) {
        size_t mid = (low + high) / 2;
        const struct schema_field *f = &s->fields[s->by_name[mid]];
        int order = strcmp(f->name, name);
        if (order == 0)
            return f;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct schema *schema_member(const struct schema *s, const char *name)
{
    const struct schema_field *f = schema_field(s, name);

    return f ? f->schema : s->additional;
}
