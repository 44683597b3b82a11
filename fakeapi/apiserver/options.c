#include "fakeapi/apiserver/server.h"

#include "kube/gotime.h"

/* What stands in the query, checked as apimachinery's validation checks the options of each verb. */

int options_invalid(struct call *c, const char *kind, struct fielderrs *errs)
{
    return fielderrs_status(errs, &c->err, "meta.k8s.io", kind, "");
}

static const char *text_of(struct call *c, const char *key)
{
    const char *v = query_get(&c->query, key);

    return v ? v : "";
}

/* All dryRun values as one list; each must be "All". */
bool options_dry_run_ok(struct call *c, struct fielderrs *errs)
{
    static const char *const supported[] = { "All", NULL };
    json_auto_t *all = json_array();
    bool good = true;

    for (size_t i = 0; i < c->query.n; i++) {
        if (!streq(c->query.v[i].key, "dryRun"))
            continue;
        json_array_append_new(all, json_string(c->query.v[i].value));
        good = good && streq(c->query.v[i].value, "All");
    }
    c->opt.dry_run = json_array_size(all) > 0;
    if (!good)
        fielderr_not_supported(errs, FP_CHILD(NULL, "dryRun"), all, supported);
    return good;
}

/* The rune at p, its length to *len; -1 for a broken one. */
static int32_t rune_at(const unsigned char *p, size_t *len)
{
    static const struct { unsigned char mask, lead; int bits; } forms[] = {
        { 0x80, 0x00, 7 }, { 0xe0, 0xc0, 5 }, { 0xf0, 0xe0, 4 }, { 0xf8, 0xf0, 3 }
    };
    for (size_t n = 0; n < ARRAY_SIZE(forms); n++) {
        if ((p[0] & forms[n].mask) != forms[n].lead)
            continue;
        int32_t r = p[0] & ((1 << forms[n].bits) - 1);
        for (size_t i = 1; i <= n; i++) {
            if ((p[i] & 0xc0) != 0x80)
                break;
            r = r << 6 | (p[i] & 0x3f);
            if (i == n) {
                *len = n + 1;
                return r;
            }
        }
        if (n == 0) {
            *len = 1;
            return r;
        }
        break;
    }
    *len = 1;
    return -1;
}

/* At most 128 bytes, all of them printable. Go's unicode.IsPrint: graphic characters and the
 * plain space. */
void options_field_manager(struct fielderrs *errs, const char *manager)
{
    const struct fpath *path = FP_CHILD(NULL, "fieldManager");

    if (strlen(manager) > 128)
        fielderr_too_long(errs, path, 128);
    size_t position = 0;
    for (const unsigned char *p = (const unsigned char *)manager; *p;) {
        size_t len;
        int32_t r = rune_at(p, &len);
        bool control = r < 0x20 || r == 0x7f || (r >= 0x80 && r <= 0xa0) || r == 0x2028 || r == 0x2029 ||
                       (r >= 0x200b && r <= 0x200f) || r == 0xfeff || r == 0xad;
        if (r != -1 && control) {
            fielderr_invalid_str(errs, path, manager, "invalid character U+%04X (at position %zu)", (unsigned)r,
                                 position);
            return;
        }
        p += len;
        position += len;
    }
}

static void field_validation(struct call *c, struct fielderrs *errs)
{
    static const struct { const char *text; int mode; } modes[] = {
        { "", VALIDATION_WARN }, { "Warn", VALIDATION_WARN }, { "Ignore", VALIDATION_IGNORE },
        { "Strict", VALIDATION_STRICT }
    };
    static const char *const supported[] = { "", "Ignore", "Strict", "Warn", NULL };
    const char *v = text_of(c, "fieldValidation");

    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        if (streq(modes[i].text, v)) {
            c->opt.field_validation = modes[i].mode;
            return;
        }
    }
    json_auto_t *value = json_string(v);
    fielderr_not_supported(errs, FP_CHILD(NULL, "fieldValidation"), value, supported);
}

/* The body is taken in before the options are looked at: one too large is told first. */
static int options_write(struct call *c, const char *kind)
{
    struct fielderrs errs = FIELDERRS_IN(c->arena);
    int r = check_body_size(c);

    if (r < 0)
        return r;
    c->opt.field_manager = text_of(c, "fieldManager");
    options_field_manager(&errs, c->opt.field_manager);
    options_dry_run_ok(c, &errs);
    field_validation(c, &errs);
    return options_invalid(c, kind, &errs);
}

/* A body that nobody can read is refused before the options, if it is to create something. */
int options_create(struct call *c)
{
    enum media unread;
    int r = negotiate_body(c, &unread);

    return r < 0 ? r : options_write(c, "CreateOptions");
}

int options_update(struct call *c)
{
    return options_write(c, "UpdateOptions");
}

int options_patch(struct call *c, bool apply)
{
    struct fielderrs errs = FIELDERRS_IN(c->arena);
    int r = check_body_size(c);

    if (r < 0)
        return r;
    c->opt.field_manager = text_of(c, "fieldManager");
    c->opt.force_present = query_get(&c->query, "force") != NULL;
    c->opt.force = query_bool(&c->query, "force");
    if (apply && !*c->opt.field_manager)
        fielderr_required(&errs, FP_CHILD(NULL, "fieldManager"), "is required for apply patch");
    if (!apply && c->opt.force_present)
        fielderr_forbidden(&errs, FP_CHILD(NULL, "force"), "may not be specified for non-apply patch");
    options_field_manager(&errs, c->opt.field_manager);
    options_dry_run_ok(c, &errs);
    field_validation(c, &errs);
    return options_invalid(c, "PatchOptions", &errs);
}

/* ---- list and watch ----------------------------------------------------------------------------- */

static const char *const match_supported[] = { "Exact", "NotOlderThan", "", NULL };

static bool match_known(const char *match)
{
    return streq(match, "") || streq(match, "Exact") || streq(match, "NotOlderThan");
}

/* A watch from no particular revision asks for what is there first, whether it says so or not. */
static void check_watch(struct call *c, struct fielderrs *errs)
{
    static const char *const supported[] = { "NotOlderThan", NULL };
    const struct options *o = &c->opt;
    const struct fpath *at = FP_CHILD(NULL, "resourceVersionMatch");
    bool asked = o->send_initial_present, newer = streq(o->match, "NotOlderThan");
    bool legacy = c->s->release->watch_list && !asked && !*o->match &&
                  (!*o->resource_version || streq(o->resource_version, "0"));
    json_auto_t *match = json_string(o->match);

    if (asked && !newer)
        fielderr_forbidden(errs, at, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    if (asked && !c->s->release->watch_list)
        fielderr_forbidden(errs, FP_CHILD(NULL, "sendInitialEvents"),
                           "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled");
    if (*o->match && !asked)
        fielderr_forbidden(errs, at, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    if (*o->match && !newer)
        fielderr_not_supported(errs, at, match, supported);
    if (*o->cont && (*o->match || legacy))
        fielderr_forbidden(errs, at, "resourceVersionMatch is forbidden when continue is provided");
}

static void check_match(const struct options *o, const struct fpath *match, struct fielderrs *errs)
{
    if (!*o->resource_version)
        fielderr_forbidden(errs, match, "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (*o->cont)
        fielderr_forbidden(errs, match, "resourceVersionMatch is forbidden when continue is provided");
    if (!match_known(o->match)) {
        json_auto_t *value = json_string(o->match);
        fielderr_not_supported(errs, match, value, match_supported);
    }
    if (streq(o->match, "Exact") && streq(o->resource_version, "0"))
        fielderr_forbidden(errs, match, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
}

static void check_list(struct call *c, struct fielderrs *errs)
{
    const struct options *o = &c->opt;
    const struct fpath *match = FP_CHILD(NULL, "resourceVersionMatch");

    if (*o->match)
        check_match(o, match, errs);
    if (o->send_initial_present)
        fielderr_forbidden(errs, FP_CHILD(NULL, "sendInitialEvents"),
                           "sendInitialEvents is forbidden for list");
}

int options_list(struct call *c)
{
    struct options *o = &c->opt;
    struct fielderrs errs = FIELDERRS_IN(c->arena);

    o->label_selector = text_of(c, "labelSelector");
    o->field_selector = text_of(c, "fieldSelector");
    o->resource_version = text_of(c, "resourceVersion");
    o->match = text_of(c, "resourceVersionMatch");
    o->cont = text_of(c, "continue");
    o->watch = query_bool(&c->query, "watch") || c->route.watch_path;
    o->bookmarks = query_bool(&c->query, "allowWatchBookmarks");
    o->send_initial_present = query_get(&c->query, "sendInitialEvents") != NULL;
    o->send_initial = query_bool(&c->query, "sendInitialEvents");
    int r = query_int(c, "timeoutSeconds", &o->timeout_s, &o->has_timeout);
    if (r == 0)
        r = query_int(c, "limit", &o->limit, NULL);
    if (r < 0 || (r = filter_check(c, o->label_selector, o->field_selector)) < 0)
        return r;
    if (o->watch)
        check_watch(c, &errs);
    else
        check_list(c, &errs);
    return options_invalid(c, "ListOptions", &errs);
}

/* ---- the deadline of a request ------------------------------------------------------------------ */

bool options_timeout_given(struct call *c, duration *ret)
{
    const char *v = query_get(&c->query, "timeout");

    return !str_empty(v) && !goduration_parse(c->arena, v, strlen(v), ret) && *ret > 0;
}

int options_timeout(struct call *c)
{
    const char *v = query_get(&c->query, "timeout");
    duration d;
    const char *why = str_empty(v) ? NULL : goduration_parse(c->arena, v, strlen(v), &d);

    if (!why)
        return 0;
    return apierr_set(&c->err, APIERR_BAD_REQUEST, "invalid timeout specified in the request URL - %s", why);
}
