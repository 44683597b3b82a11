/* The messages of protobuf that CEL knows by name: written as google.protobuf.Int64Value{value: 1}, they are what they
 * stand for, an int, and have no fields any more. */
#include "kube/cel/cel_priv.h"

#define STATIC_PARAMS(name, ...) static const struct cel_type *const name[] = { __VA_ARGS__ }
#define WRAPPER(name, of)                                    \
    STATIC_PARAMS(name##_params, &of);                       \
    static const struct cel_type name = { .kind = CEL_TYPE_WRAPPER, .n_params = 1, .params = name##_params }

STATIC_PARAMS(struct_params, &cel_type_string, &cel_type_dyn);
static const struct cel_type struct_type = { .kind = CEL_TYPE_MAP, .n_params = 2, .params = struct_params };
static const struct cel_type any = { .kind = CEL_TYPE_DYN, .name = "any" };         /* dyn under a name of its own */
WRAPPER(bool_wrapper, cel_type_bool);
WRAPPER(int_wrapper, cel_type_int);
WRAPPER(uint_wrapper, cel_type_uint);
WRAPPER(double_wrapper, cel_type_double);
WRAPPER(string_wrapper, cel_type_string);
WRAPPER(bytes_wrapper, cel_type_bytes);

static const struct cel_field
    time_fields[] = { { "seconds", NULL, &cel_type_int }, { "nanos", NULL, &cel_type_int } },
    any_fields[] = { { "type_url", NULL, &cel_type_string }, { "value", NULL, &cel_type_bytes } },
    struct_fields[] = { { "fields", NULL, &struct_type } },
    list_fields[] = { { "values", NULL, &cel_type_list_dyn } },
    value_fields[] = { { "null_value", NULL, &cel_type_int }, { "number_value", NULL, &cel_type_double },
                       { "string_value", NULL, &cel_type_string }, { "bool_value", NULL, &cel_type_bool },
                       { "struct_value", NULL, &struct_type }, { "list_value", NULL, &cel_type_list_dyn } },
    bool_fields[] = { { "value", NULL, &cel_type_bool } }, int_fields[] = { { "value", NULL, &cel_type_int } },
    uint_fields[] = { { "value", NULL, &cel_type_uint } }, double_fields[] = { { "value", NULL, &cel_type_double } },
    string_fields[] = { { "value", NULL, &cel_type_string } }, bytes_fields[] = { { "value", NULL, &cel_type_bytes } };

#define MESSAGE(text, f) { .kind = CEL_TYPE_OBJECT, .name = "google.protobuf." text, .fields = f, .n_fields = ARRAY_SIZE(f) }

static const struct cel_type empty = { .kind = CEL_TYPE_OBJECT, .name = "google.protobuf.Empty" };

static const struct message_row {
    struct cel_type message;
    const struct cel_type *means;
} rows[] = {
    { MESSAGE("Timestamp", time_fields), &cel_type_timestamp }, { MESSAGE("Duration", time_fields), &cel_type_duration },
    { MESSAGE("Any", any_fields), &any }, { MESSAGE("Struct", struct_fields), &struct_type },
    { MESSAGE("Value", value_fields), &cel_type_dyn }, { MESSAGE("ListValue", list_fields), &cel_type_list_dyn },
    { MESSAGE("BoolValue", bool_fields), &bool_wrapper }, { MESSAGE("Int32Value", int_fields), &int_wrapper },
    { MESSAGE("Int64Value", int_fields), &int_wrapper }, { MESSAGE("UInt32Value", uint_fields), &uint_wrapper },
    { MESSAGE("UInt64Value", uint_fields), &uint_wrapper }, { MESSAGE("FloatValue", double_fields), &double_wrapper },
    { MESSAGE("DoubleValue", double_fields), &double_wrapper }, { MESSAGE("StringValue", string_fields), &string_wrapper },
    { MESSAGE("BytesValue", bytes_fields), &bytes_wrapper },
    { { .kind = CEL_TYPE_OBJECT, .name = "google.protobuf.Empty" }, &empty },
};

const struct cel_type *cel_message_named(const char *name, const struct cel_type **ret_means)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (streq(rows[i].message.name, name)) {
            *ret_means = rows[i].means;
            return &rows[i].message;
        }
    return NULL;
}

/* ---- what they stand for ----------------------------------------------------------------------------- */

static struct cel_value field_or(const char *const *fields, const struct cel_value *v, size_t n, const char *name,
                                 struct cel_value none)
{
    for (size_t i = 0; i < n; i++)
        if (streq(fields[i], name))
            return v[i];
    return none;
}

static struct cel_value zero(const struct cel_type *wrapped)
{
    switch (wrapped->kind) {
    case CEL_TYPE_BOOL: return cel_bool(false);
    case CEL_TYPE_INT: return cel_int(0);
    case CEL_TYPE_UINT: return cel_uint(0);
    case CEL_TYPE_DOUBLE: return cel_double(0);
    case CEL_TYPE_BYTES: return cel_bytes("", 0);
    default: return cel_str("");
    }
}

static struct cel_value time_of(struct cel_run *run, enum cel_type_kind kind, int64_t seconds, int64_t nanos)
{
    const int64_t second = 1000000000;
    int64_t whole = nanos / second, rest = nanos % second, all;

    if (rest < 0) {
        rest += second;
        whole--;
    }
    if (__builtin_add_overflow(seconds, whole, &seconds))
        seconds = seconds < 0 ? INT64_MAX : INT64_MIN;
    if (kind == CEL_TYPE_TIMESTAMP)
        return cel_timestamp(seconds, (int32_t)rest);
    if (__builtin_mul_overflow(seconds, second, &all) || __builtin_add_overflow(all, rest, &all))
        all = seconds < 0 ? INT64_MIN : INT64_MAX;
    return cel_duration(all);
}

/* Fields of 32 bits, which an int may be too large for: NULL, or the field. */
static const char *too_large(const char *message, const char *const *fields, const struct cel_value *v, size_t n)
{
    bool time = streq(message, "google.protobuf.Timestamp") || streq(message, "google.protobuf.Duration");

    for (size_t i = 0; i < n; i++) {
        bool small = time ? streq(fields[i], "nanos") : streq(message, "google.protobuf.Int32Value");
        if (small && v[i].kind == CEL_INT && (v[i].i < INT32_MIN || v[i].i > INT32_MAX))
            return fields[i];
        if (streq(message, "google.protobuf.UInt32Value") && v[i].kind == CEL_UINT && v[i].u > UINT32_MAX)
            return fields[i];
    }
    return NULL;
}

struct cel_value cel_message_value(struct cel_run *run, const struct cel_type *message, const char *const *fields,
                                   const struct cel_value *v, size_t n)
{
    struct arena *a = cel_arena(run);
    const struct cel_type *means = NULL;
    const char *large = too_large(message->name, fields, v, n);

    cel_message_named(message->name, &means);
    if (large)
        return cel_error(run, "field type conversion error for %s.%s value type: %sinteger overflow", message->name, large,
                         streq(message->name, "google.protobuf.UInt32Value") ? "unsigned " : "");
    switch (means->kind) {
    case CEL_TYPE_TIMESTAMP: case CEL_TYPE_DURATION:
        return time_of(run, means->kind, field_or(fields, v, n, "seconds", cel_int(0)).i,
                       field_or(fields, v, n, "nanos", cel_int(0)).i);
    case CEL_TYPE_MAP:
        return field_or(fields, v, n, "fields", cel_map_of(a, NULL, 0));
    case CEL_TYPE_LIST:
        return field_or(fields, v, n, "values", cel_list_of(a, NULL, 0));
    case CEL_TYPE_WRAPPER:
        return field_or(fields, v, n, "value", zero(means->params[0]));
    case CEL_TYPE_OBJECT:
        return cel_object_of(a, means, NULL, 0);
    default:
        break;
    }
    if (streq(message->name, "google.protobuf.Any"))
        return cel_error(run, "unsupported conversion to ref.Val: (*dynamicpb.Message)");
    return n == 0 || streq(fields[n - 1], "null_value") ? CEL_NULL_VALUE : v[n - 1];
}
