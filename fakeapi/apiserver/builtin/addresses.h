/* addresses.h — the addresses that Services get: the ranges, who has what, and the IPAddress beside each Service
 * (KEP-1880). What is given out is what the stored IPAddresses say; nothing is remembered beside them. IPv4 alone: a
 * server as kube-apiserver starts it by default knows no other family.
 */
#pragma once

#include "fakeapi/apiserver/builtin/rules.h"

/* The network address of --service-cluster-ip-range: what a dry run shows instead of looking for one. */
#define ADDRESS_OF_DRY_RUN "10.0.0.0"

/* An address of IPv4 as Go reads it: zeros before a number do not matter. */
bool address_read(const char *text, uint32_t *ret);
/* NULL: no address of IPv4. In the call's arena. */
const char *address_canonical(struct call *c, const char *text);
/* Why a Service cannot have it, in the allocator's words; NULL: it can. */
const char *address_refused(struct call *c, const char *canonical, const json_t *service);
/* The lowest free one, those of the static part of each range last. NULL: all are taken, or none can belong to a
 * Service of such a name. */
const char *address_free(struct call *c, const json_t *service);

/* kind_ops.beside and .deleted of Services: their IPAddresses come and go with them. */
int addresses_follow(struct call *c, const json_t *service, const json_t *old);
void addresses_release(struct call *c, const json_t *service);
