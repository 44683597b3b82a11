/* types_priv.h — what the generated tables and the defaulting functions agree on. */
#pragma once

#include "kube/types.h"

/* A row "hook" of kube/types/defaults.tsv names one of these. */
enum type_hook {
    HOOK_NONE
};
