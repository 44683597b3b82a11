#include "fakeapi/apiserver/builtin/builtin.h"
#include "fakeapi/apiserver/server.h"

struct crds {
    struct apiserver *s;
};

const struct kind_ops crd_ops = { 0 };

struct crds *crds_new(struct apiserver *s)
{
    struct crds *cs = xcalloc(1, sizeof(*cs));

    cs->s = s;
    return cs;
}

struct crds *crds_free(struct crds *cs)
{
    free(cs);
    return NULL;
}
