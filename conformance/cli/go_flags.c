#include "conformance/cli/go_flags.h"

#include <stdio.h>
#include <strings.h>

static const struct go_flag *find_row(const struct go_flags *f, const char *name, size_t len)
{
    for (size_t i = 0; i < f->n_rows; i++)
        if (strlen(f->rows[i].name) == len && memcmp(f->rows[i].name, name, len) == 0)
            return &f->rows[i];
    return NULL;
}

static bool listed(const char *names, const char *name, size_t len)
{
    for (const char *at = names; at && *at == ' ' && at[1]; at = strchr(at + 1, ' '))
        if (strcspn(at + 1, " ") == len && memcmp(at + 1, name, len) == 0)
            return true;
    return false;
}

static int set_bool(const struct go_flag *row, const char *value, struct err *e)
{
    static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
    static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        if (streq(value, yes[i]) || streq(value, no[i])) {
            *(bool *)row->value = streq(value, yes[i]);
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "invalid argument \"%s\" for \"--%s\" flag: strconv.ParseBool: parsing "
                   "\"%s\": invalid syntax", value, row->name, value);
}

static int set_value(const struct go_flag *row, const char *value, struct err *e)
{
    switch (row->type) {
    case GO_TEXT:
        *(const char **)row->value = value;
        return 0;
    case GO_BOOL:
        return set_bool(row, value, e);
    case GO_LIST:
        *dyn_push(&((struct text_list *)row->value)->list) = value;
        return 0;
    }
    return 0;
}

/* What is known of the flag that `argv[*i]` begins. */
enum need { NEED_VALUE, NEED_NOTHING, NEED_UNKNOWN };

static enum need look_up(const struct go_flags *f, const char *name, size_t len, const struct go_flag **ret_row)
{
    const struct go_flag *row = *ret_row = find_row(f, name, len);

    if (row)
        return row->type == GO_BOOL ? NEED_NOTHING : NEED_VALUE;
    if (listed(f->quiet.flags, name, len) || listed(f->noted.flags, name, len))
        return NEED_NOTHING;
    if (listed(f->quiet.values, name, len) || listed(f->noted.values, name, len))
        return NEED_VALUE;
    return NEED_UNKNOWN;
}

/* One flag; moves *i on where its value stands in the next argument. */
static int take(const struct go_flags *f, int argc, char **argv, int *i, struct text_list *noted, struct err *e)
{
    const char *arg = argv[*i], *name = arg + strspn(arg, "-"), *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct go_flag *row;
    enum need need = look_up(f, name, len, &row);
    const char *value = equals ? equals + 1 : NULL;

    if (name == arg && f->any)
        return 0;
    if (name == arg)
        return err_set(e, ERR_INVALID, "does not take any arguments, got [\"%s\"]", arg);
    if (need == NEED_UNKNOWN && !f->any)
        return err_set(e, ERR_INVALID, "unknown flag: --%.*s", (int)len, name);
    if (need == NEED_VALUE && !value) {
        if (*i + 1 >= argc)
            return err_set(e, ERR_INVALID, "flag needs an argument: --%s", name);
        value = argv[++*i];
    }
    if (listed(f->noted.values, name, len) || listed(f->noted.flags, name, len))
        *dyn_push(&noted->list) = arg;
    return row ? set_value(row, value ? value : "true", e) : 0;
}

int go_flags_parse(const struct go_flags *f, int argc, char **argv, struct text_list *ret_noted, struct err *e)
{
    int r = 0;

    for (int i = 1; r == 0 && i < argc; i++)
        r = take(f, argc, argv, &i, ret_noted, e);
    return r;
}

static void print_names(const char *names)
{
    for (const char *at = names; at && *at == ' ' && at[1]; at = strchr(at + 1, ' '))
        printf("      --%.*s\n", (int)strcspn(at + 1, " "), at + 1);
}

void go_flags_print(const struct go_flags *f)
{
    for (size_t i = 0; i < f->n_rows; i++)
        printf("      --%s\n", f->rows[i].name);
    puts("\nTaken, without effect:\n");
    print_names(f->quiet.values);
    print_names(f->quiet.flags);
    print_names(f->noted.values);
    print_names(f->noted.flags);
}
