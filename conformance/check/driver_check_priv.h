/* driver_check_priv.h — what a check is written with. */
#pragma once

#include "conformance/check/driver_check.h"

struct check {
    struct co *co;
    struct arena *arena;
    struct driver_checks *all;
    struct check_result *result;
    bool failed;
};

/* Ends the check where `cond` does not hold. */
#define EXPECT(c, cond, ...)              \
    do {                                  \
        if ((c)->failed)                  \
            return;                       \
        if (!(cond)) {                    \
            check_fail((c), __VA_ARGS__); \
            return;                       \
        }                                 \
    } while (0)
void check_fail(struct check *c, const char *fmt, ...) PRINTF(2, 3);

/* A Sandbox and its Pod that exist only in what the suite says. */
struct made_up {
    const char *sandbox, *namespace, *sandbox_uid, *pod, *pod_uid, *node;
};
struct made_up check_made_up(struct check *c);
const char *check_new_id(struct check *c);       /* a fresh checkpoint_id */

/* One call each; the code, with what came back in `ret` (NULL fine). */
enum rpc_code check_info(struct check *c, struct driver_info *ret);
enum rpc_code check_checkpoint(struct check *c, const struct made_up *m, const char *id,
                               const char *const *parameters, struct checkpoint_response *ret);
enum rpc_code check_restore(struct check *c, const struct made_up *m, const struct checkpoint_response *of,
                            struct restore_response *ret);
enum rpc_code check_delete(struct check *c, const struct made_up *m, const char *snapshot_uid,
                           const char *checkpoint_id);
enum rpc_code check_list(struct check *c, const struct made_up *m, struct snapshot_list_response *ret);
enum rpc_code check_freeze(struct check *c, const struct made_up *m, bool freeze);
/* Any call with a request of its own and a deadline of its own. */
enum rpc_code check_call(struct check *c, enum rpc_word method, const union rpc_request *q, duration deadline,
                         union rpc_response *ret);
bool check_restart(struct check *c);             /* the driver dies and comes back */
bool check_can(const struct check *c, enum driver_capability capability);
const char *check_code(enum rpc_code code);

/* A parameter list for check_checkpoint: {"key", "value", ..., NULL}; NULL: none. */
struct kvmap check_parameters(struct check *c, const char *const *parameters);

extern const struct driver_check driver_check_table[];
extern const size_t driver_check_count;
