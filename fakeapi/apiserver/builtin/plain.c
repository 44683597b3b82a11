#include "fakeapi/apiserver/builtin/builtin.h"

const struct kind_ops plain_ops = { 0 };
