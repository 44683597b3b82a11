/* params_priv.h — what may stand in a parameter map (DRV-006, DRV-017). Private to the folder. */
#pragma once

#include "drivers/directory/directory.h"

#define CROSS_RESTORE "allow-cross-restore"      /* "true": another Sandbox may restore it (DRV-035) */

/* RPC_OK, or INVALID_ARGUMENT with the key that is wrong. */
enum rpc_code params_check(const struct kvmap *parameters, struct arena *a, struct rpc_status *st);

/* RPC_OK, or why the place that the parameters name cannot be used. */
enum rpc_code params_check_target(const struct kvmap *parameters, const char *const *buckets,
                                  size_t n_buckets, struct arena *a, struct rpc_status *st);

/* Is it text that JSON can hold, and not too long? */
bool params_text_ok(const char *text);
