/* Somebody who may speak for others does so with headers Impersonate-User, -Group, -Uid and -Extra-* (A-141). */
#include "fakeapi/apiserver/auth/auth.h"

#include <strings.h>

#define EXTRA_PREFIX "Impersonate-Extra-"

struct mask {
    const char *user, *uid;            /* NULL: not asked for */
    DYN(const char *) groups;
    json_t *extra;                     /* lists of texts */
};

static int hex(char ch)
{
    return ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* A key as it is meant: in lower case, its escapes resolved; where one is broken it stays as it was sent. */
static const char *extra_key(struct call *c, const char *sent)
{
    char *key = arena_strdup(c->arena, sent), *decoded, *to;

    for (char *p = key; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
    decoded = to = arena_strdup(c->arena, key);
    for (const char *p = key; *p; p++) {
        if (*p != '%') {
            *to++ = *p;
            continue;
        }
        int high = hex(p[1]), low = high < 0 ? -1 : hex(p[2]);
        if (low < 0 || (high | low) == 0)
            return key;
        *to++ = (char)(high << 4 | low);
        p += 2;
    }
    *to = '\0';
    return decoded;
}

static void read_mask(struct call *c, struct mask *m)
{
    for (size_t i = 0; i < c->q->n_headers; i++) {
        const char *name = c->q->headers[i].name, *value = c->q->headers[i].value;
        if (strcasecmp(name, "Impersonate-User") == 0) {
            m->user = m->user || !*value ? m->user : value;
        } else if (strcasecmp(name, "Impersonate-Uid") == 0) {
            m->uid = m->uid || !*value ? m->uid : value;
        } else if (strcasecmp(name, "Impersonate-Group") == 0) {
            *dyn_push(&m->groups) = value;
        } else if (strncasecmp(name, EXTRA_PREFIX, strlen(EXTRA_PREFIX)) == 0) {
            if (!m->extra)
                m->extra = call_keep(c, json_object());
            json_array_append_new(json_own_array(m->extra, extra_key(c, name + strlen(EXTRA_PREFIX))),
                                  json_string_nocheck(value));   /* what is no UTF-8 is mended where it is written */
        }
    }
}

static int check(struct call *c, const char *group, const char *resource, const char *sub, const char *namespace,
                 const char *name)
{
    struct access a = { .user = c->user, .verb = "impersonate", .group = group, .resource = resource,
                        .subresource = sub, .namespace = namespace, .name = name };
    const char *reason;

    return access_allowed(c->s, c->arena, &a, &reason) ? 0 : access_refuse(c, &a, reason);
}

static int check_user(struct call *c, const struct mask *m, struct api_user *ret)
{
    const char *namespace, *name;

    ret->name = arena_strdup(c->arena, m->user);
    if (!account_of_user_name(c->arena, m->user, &namespace, &name))
        return check(c, "", "users", "", "", m->user);
    if (!m->groups.n)
        account_groups(c->arena, namespace, ret);
    return check(c, "", "serviceaccounts", "", namespace, name);
}

static int check_groups(struct call *c, const struct mask *m, struct api_user *ret)
{
    const char **groups = arena_alloc(c->arena, (m->groups.n + 3) * sizeof(*groups));
    bool nobody = streq(ret->name, "system:anonymous");
    int r;

    for (size_t i = 0; i < ret->n_groups; i++)
        groups[i] = ret->groups[i];
    for (size_t i = 0; i < m->groups.n; i++) {
        groups[ret->n_groups++] = m->groups.v[i];
        if ((r = check(c, "", "groups", "", "", m->groups.v[i])) < 0)
            return r;
    }
    ret->groups = groups;
    if (!user_in_group(ret, "system:unauthenticated") && (nobody || !user_in_group(ret, "system:authenticated")))
        groups[ret->n_groups++] = nobody ? "system:unauthenticated" : "system:authenticated";
    return 0;
}

static int check_extra(struct call *c, const struct mask *m)
{
    const char *key;
    json_t *values, *v;
    size_t i;
    int r;

    json_object_foreach (m->extra, key, values)
        json_array_foreach (values, i, v)
            if ((r = check(c, "authentication.k8s.io", "userextras", key, "", json_string_value(v))) < 0)
                return r;
    return 0;
}

static int wear(struct call *c, const struct mask *m)
{
    struct api_user *u = arena_alloc(c->arena, sizeof(*u));
    int r;

    if ((r = check_user(c, m, u)) < 0 || (r = check_groups(c, m, u)) < 0 || (r = check_extra(c, m)) < 0 ||
        (m->uid && (r = check(c, "authentication.k8s.io", "uids", "", "", m->uid)) < 0))
        return r;
    u->uid = m->uid;
    u->extra = m->extra;
    c->user = u;
    return 0;
}

/* The message shows what was asked for as Go prints a list of ObjectReferences. */
static int no_user(struct call *c, const struct mask *m)
{
    cleanup_buf struct buf b = BUF_INIT;
    const char *key;
    json_t *values, *v;
    size_t i;

    for (i = 0; i < m->groups.n; i++)
        buf_printf(&b, " {Group  %s    }", m->groups.v[i]);
    json_object_foreach (m->extra, key, values)
        json_array_foreach (values, i, v)
            buf_printf(&b, " {UserExtra  %s  authentication.k8s.io/v1  %s}", json_string_value(v), key);
    if (m->uid)
        buf_printf(&b, " {UID  %s  authentication.k8s.io/v1  }", m->uid);
    return reply_broken(c, arena_printf(c->arena, "requested [%s] without impersonating a user", b.data + 1));
}

int impersonate(struct call *c)
{
    struct mask m = { 0 };
    int r = 0;

    read_mask(c, &m);
    if (m.user)
        r = wear(c, &m);
    else if (m.groups.n || m.extra || m.uid)
        r = no_user(c, &m);
    dyn_release(&m.groups);
    return r;
}
