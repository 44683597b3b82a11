/* rpc.h — driver calls as data: any request or response as JSON and back, any call by its number.
 *
 * What the suite records, compares with a scenario's words and carries over to a driver's own process.
 * Field names are those of drivers/snapshot.proto.
 */
#pragma once

#include "conformance/scenario/scenario.h"
#include "kube/snapshot_driver.h"

const char *rpc_word_text(enum rpc_word m);      /* "Checkpoint" */

/* New references; strings and maps only as they are, absent ones as "" and {}. */
json_t *rpc_request_json(enum rpc_word m, const void *request);
json_t *rpc_response_json(enum rpc_word m, const void *response);

/* Fills the struct of that method from such JSON; strings live in `a`. */
void rpc_request_from(struct arena *a, enum rpc_word m, const json_t *j, void *ret);
void rpc_response_from(struct arena *a, enum rpc_word m, const json_t *j, void *ret);

/* The Sandbox a request is about; "" for GetDriverInfo. Borrowed from `request`. */
const char *rpc_request_sandbox(enum rpc_word m, const json_t *request);

union rpc_request {
    struct checkpoint_request checkpoint;
    struct restore_request restore;
    struct snapshot_delete_request remove;
    struct freeze_request freeze;
    struct snapshot_list_request list;
};
union rpc_response {
    struct driver_info info;
    struct checkpoint_response checkpoint;
    struct restore_response restore;
    struct snapshot_list_response list;
};
enum rpc_code rpc_dispatch(struct co *co, struct snapshot_driver *d, enum rpc_word m,
                           const union rpc_request *q, struct instant deadline, struct arena *a,
                           union rpc_response *ret, struct rpc_status *st);
