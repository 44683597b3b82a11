/* builtin.h — where built-in kinds have a will of their own: one kind_ops each, one file a family. */
#pragma once

#include "fakeapi/apiserver/kinds.h"

extern const struct kind_ops plain_ops;          /* no will at all */
extern const struct kind_ops pod_ops;            /* pod.c */
extern const struct kind_ops namespace_ops;      /* namespace.c */
extern const struct kind_ops crd_ops;            /* ../crd.c */

bool pod_connects(const struct subresource *sub);               /* binding.c */
int pod_connect(struct call *c, const struct subresource *sub);
