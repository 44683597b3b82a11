/* net.h — addresses and ports, which several kinds of the network have. */
#pragma once

#include "fakeapi/apiserver/builtin/rules.h"

extern const char net_ip_words[], net_cidr_words[];

/* 4, 6, or 0 for what is no address. */
int net_family(const char *ip);
bool net_is_cidr(const char *s);
/* No address of the machine itself, nor of the wire before it. */
void net_not_special(struct fielderrs *e, const char *ip, const struct fpath *at);
/* A number, or a name where a string is given. */
void net_port(struct fielderrs *e, const json_t *v, const struct fpath *path);
/* status.loadBalancer.ingress; addresses that were there before are not looked at. */
void net_balancer(struct fielderrs *e, const json_t *obj, const json_t *old);
